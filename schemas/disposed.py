"""What stands in the store about files that left it by order: which order, given when; for who comes upon one that is gone.

_disposed/ab/SHA256          the first order that removed the file
_disposed/ab/SHA256.1        the next one (2, 3, …), since the file had come back meanwhile
_disposed/mails/CLOSING      in which mail which files have a placeholder, or that none has: decided once, when it is made first
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Note:
    """`order`: its name, 32 hexadecimal digits; `at_ms`: when it was given, ms since 1970 UTC. Notes of old say neither."""

    order: str = ""
    at_ms: int = 0

    def written(self) -> bytes:
        """As it stands in the store."""
        return _json({"order": self.order, "at_ms": self.at_ms})

    def sentence(self) -> str:
        """For a reader of the mail."""
        if not self.order:
            return "disposed of by an order"
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        return f"disposed of on {at:%Y-%m-%d} by order {self.order[:8]}"


def read_note(data: bytes) -> Note:
    """The note; an empty one for notes of earlier versions, which are a sentence, and for what nobody wrote."""
    try:
        found = json.loads(data)
        return Note(str(found["order"]), int(found["at_ms"]))
    except (ValueError, TypeError, KeyError):
        return Note()


def written(placeholders: dict[str, Note]) -> bytes:
    """By SHA-256 (64 hexadecimal digits), the files of a mail that have a placeholder."""
    return _json({name: [one.order, one.at_ms] for name, one in sorted(placeholders.items())})


def read(data: bytes) -> dict[str, Note]:
    """The same, read; ValueError."""
    return {name: Note(str(order), int(at_ms)) for name, (order, at_ms) in json.loads(data).items()}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
