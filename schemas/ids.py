"""Identities: every id is a function of what it names, so that a repeat is recognised anywhere.

All hashes are BLAKE2b over length-prefixed parts: ("ab", "c") and ("a", "bc") never meet.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from schemas.records import Settings
from schemas.text import USUAL

ID_BYTES = 16
_compact = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def digest(purpose: str, *parts: str | bytes) -> bytes:
    """16 bytes that name these parts for this purpose."""
    state = hashlib.blake2b(digest_size=ID_BYTES, person=purpose.encode()[:16])
    for part in parts:
        # surrogatepass: sources do send lone surrogates, and an id must never fail
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(raw).to_bytes(8, "big"))
        state.update(raw)
    return state.digest()


def split(packed: bytes) -> list[bytes]:
    """Ids that a record holds one behind the other, in its order."""
    return [packed[at : at + ID_BYTES] for at in range(0, len(packed), ID_BYTES)]


def event_id(connector_uid: str, source_key: str, projection: bytes = b"") -> bytes:
    """Identity of an event (rule 1).

    `projection` is what a reader would call the content, for sources that answer with snapshots; empty for
    sources whose events have ids of their own.
    """
    return digest("event", connector_uid, source_key, projection)


def conversation_key(connector_uid: str, conversation: str) -> bytes:
    """Kafka key of everything that belongs to one conversation."""
    return f"{connector_uid}/{conversation}".encode("utf-8", "surrogatepass")


def slice_key(connector_uid: str, conversation: str, label: str) -> str:
    """Name of a slice, unique over all connectors."""
    named = (connector_uid, conversation, label)
    return _slice_key(*named) if sum(map(len, named)) <= USUAL else _slice_key.__wrapped__(*named)


@lru_cache(maxsize=1024)  # asked for each record of a conversation
def _slice_key(connector_uid: str, conversation: str, label: str) -> str:
    return _compact([connector_uid, conversation, label])


def closing_id(key: str, event_ids: Iterable[bytes], mail_format: int, settings_version: str) -> bytes:
    """Identity of what one closing emitted (rule 22); the ids may come in any order."""
    return digest("closing", key, b"".join(sorted(event_ids)), str(mail_format), settings_version)


def mail_id(closing: bytes, part: int) -> bytes:
    """Identity of part 1, 2, ... of a closing; the first is the closing itself."""
    return closing if part == 1 else digest("part", closing, str(part))


def closing_key(group: str, key: str, position: int) -> bytes:
    """Key of a Closing: one for each group, slice and position, so that a repeat replaces itself."""
    return f"{group}|{key}|{position:020d}".encode()


def delivery_key(mail: bytes, participant: str) -> bytes:
    """Identity of a delivery (rule 23)."""
    return digest("delivery", mail, participant)


def settings_version(settings: Mapping[str, object]) -> str:
    """16 hex digits that name all fields but the version itself."""
    rest = {name: value for name, value in settings.items() if name != "version"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return digest("settings", text).hex()[:16]


def with_version(settings: Settings) -> Settings:
    """The same settings, with the version that names them."""
    return {**settings, "version": settings_version(settings)}


def mapping_version(rows: Sequence[tuple[str, str]], domains: Sequence[str], catch_all: str | None) -> str:
    """SHA-256 (hex) that names a user mapping."""
    text = json.dumps([list(map(list, rows)), list(domains), catch_all], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
