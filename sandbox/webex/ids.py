"""Ids as Webex writes them, moments as it writes them, and draws that come out the same on every run."""

import base64
import hashlib
import uuid
from datetime import UTC, datetime, timedelta

CLUSTER = "us"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def uuid_for(*names: object) -> str:
    """Return the UUID that belongs to these names, the same on every run."""
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def public_id(kind: str, inner: str, cluster: str = CLUSTER) -> str:
    """Return an id as the API shows it: unpadded base64 of ciscospark://CLUSTER/KIND/INNER."""
    raw = f"ciscospark://{cluster}/{kind}/{inner}".encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(public: str) -> tuple[str, str]:
    """Return (KIND, inner part) of an id; ValueError if it is not one."""
    padded = public + "=" * (-len(public) % 4)
    parts = base64.urlsafe_b64decode(padded).decode().split("/", 4)
    if len(parts) != 5 or parts[0] != "ciscospark:":
        raise ValueError("not an id of this API")
    return parts[3], parts[4]


def draw(below: int, *names: object) -> int:
    """Return a number from 0 up to, but not with, `below`, decided by the names alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % below


def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970 (UTC) of an aware datetime."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_ms(moment: int) -> datetime:
    """Return the UTC datetime of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=moment)


def iso(moment: int) -> str:
    """Return milliseconds since 1970 as Webex prints them: 2026-03-02T08:00:00.000Z."""
    return from_ms(moment).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment % 1000:03d}Z"


def parse_iso(text: str) -> int:
    """Return milliseconds since 1970 of an ISO 8601 moment; ValueError without a zone or when malformed."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return to_ms(moment)
