"""What a manifest states, and how it is written: two lines, the statement as it was signed and its signature. Pure.

A plan fixes the range before the first leaf is made, so that whoever goes on after a kill makes the same bytes.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from consumers.evidence.errors import EvidenceError

FORMAT = "chatledger evidence 1"
ROOT = "_evidence"
PLAN, LEAVES, MANIFEST = "plan.json", "leaves.jsonl.gz", "manifest.jsonl"
MOST_PLANS = 99
"""So many names a plan may have: `plan.json`, then `plan-2.json` and so on where others lie before it that may not be signed."""


def _span(part: list[int]) -> list[int]:
    """Partition, begin and end of a range; ValueError."""
    if part[1] > part[2]:
        raise ValueError("a range that ends before it begins")
    return part


Place = Annotated[int, Field(ge=0, lt=10**18)]
Ranges = dict[str, list[Annotated[list[Place], Field(min_length=3, max_length=3), AfterValidator(_span)]]]
"""By topic: [partition, begin, end] of each partition, end exclusive."""
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
T = TypeVar("T", bound=BaseModel)


def _time(text: str) -> str:
    """A time in the one form that sorts as it follows; ValueError."""
    if datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") != text[:19]:
        raise ValueError("not a time in UTC")
    return text


Time = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"), AfterValidator(_time)
]  # fmt: skip

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class Plan(BaseModel):
    """Which part of the log a manifest covers. `previous`: SHA-256 (hex) of the manifest before; None for the first."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    number: int = Field(ge=1, le=99_999_999)
    previous: Hash | None
    closed_at: Time
    ranges: Ranges


class Statement(Plan):
    """A plan carried out: its leaves, by kind and as a root (hex), and the keys: its own and that of the next one."""

    count: Place
    counts: dict[str, Place]
    root: Hash
    key: Hash
    next_key: Hash


@dataclass(frozen=True)
class Manifest:
    """A statement as it stands in the archive; `digest`: SHA-256 (hex) of the whole file."""

    statement: Statement
    signed: bytes
    signature: str
    digest: str


def folder_of(number: int) -> str:
    """Where everything of a manifest lies."""
    return f"{ROOT}/{number:08d}"


def path_of(number: int, name: str) -> str:
    """Path of a manifest's plan, leaves or manifest."""
    return f"{folder_of(number)}/{name}"


def plan_name(attempt: int) -> str:
    """Name of a manifest's first plan, or of the one that is made where so many cannot be signed."""
    return PLAN if attempt == 1 else f"plan-{attempt}.json"


def to_line(value: dict[str, Any]) -> bytes:
    """One line of JSON, keys sorted, without blanks, in ASCII; without the line's end."""
    return _ENCODER.encode(value).encode()


def encode_plan(plan: Plan) -> bytes:
    """A plan as a file."""
    return to_line({"format": FORMAT, **plan.model_dump()}) + b"\n"


def encode_statement(one: Statement) -> bytes:
    """What is signed: one line, without its end."""
    return to_line({"format": FORMAT, **one.model_dump()})


def encode_manifest(signed: bytes, signature: str) -> bytes:
    """Statement and signature as a file."""
    return signed + b"\n" + to_line({"signature": signature}) + b"\n"


def decode_plan(data: bytes) -> Plan:
    """The plan in a file; EvidenceError if it is none."""
    return _made(Plan, _object(data))


def decode_manifest(data: bytes) -> Manifest:
    """The manifest in a file, its signature not yet checked; EvidenceError if it is none."""
    lines = data.split(b"\n")
    if len(lines) != 3 or lines[2]:
        raise EvidenceError("a manifest has two lines, each with an end")
    signature, fields = _object(lines[1]).get("signature"), _object(lines[0])
    statement = _made(Statement, dict(fields))
    if not isinstance(signature, str) or not re.fullmatch("[0-9a-f]{128}", signature):
        raise EvidenceError("a signature has 128 lower-case hexadecimal digits")
    if data != encode_manifest(to_line(fields), signature):  # else one signature would have many files
        raise EvidenceError("not in the one form that a manifest has: keys sorted, none twice, no blanks")
    return Manifest(statement, lines[0], signature, hashlib.sha256(data).hexdigest())


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EvidenceError("not a line of JSON") from error
    if not isinstance(found, dict):
        raise EvidenceError("not a JSON object")
    return found


def _made(kind: type[T], fields: dict[str, Any]) -> T:
    if fields.pop("format", None) != FORMAT:
        msg = f"not of format {FORMAT!r}; a newer chatledger may read it"
        raise EvidenceError(msg)
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"field {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise EvidenceError(msg) from error
