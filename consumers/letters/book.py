"""What topics dead-letters and audit say of each letter: where it came from, and whether somebody has dealt with it. Pure.

A letter is named by its origin and the hash of its bytes: the same record that is refused twice is one letter, and answers of a
source that share an address are several.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from schemas.ids import digest
from schemas.records import Audit, DeadLetter
from schemas.topics import DEAD_LETTERS

ORDERED, REDRIVEN, SETTLED = "redrive", "redriven", "settled"
"""Kinds of records in topic audit: a record is to be put in again; it was; a letter is dealt with otherwise."""
UNKNOWN = "unknown"
"""Stage of a record in dead-letters that is no letter of this version."""

State = Literal["open", "redriven", "settled"]


class LetterError(Exception):
    """A letter can't be found or put in again; the message is a sentence that says what to do."""


@dataclass
class Letter:
    """One letter, its bytes aside. `at`: its offset in topic dead-letters; `at_ms`: Kafka's time stamp; `size` in bytes.

    `history`: what topic audit has of it, oldest first.
    """

    name: str
    said: DeadLetter
    sha256: str
    at: int
    at_ms: int
    size: int
    history: list[Audit] = field(default_factory=list)

    @property
    def connector(self) -> str:
        """Its connector's uid, which the key of a record begins with; empty if nothing says it."""
        key = (self.said["key"] or b"").decode("utf-8", "replace")
        return self.said["connector_uid"] or (key.partition("/")[0] if "/" in key else "")

    @property
    def dealt(self) -> Audit | None:
        """The last that was done about it."""
        return next((one for one in reversed(self.history) if one["kind"] in {REDRIVEN, SETTLED}), None)

    @property
    def state(self) -> State:
        """`open` until a redrive is complete, or somebody has settled it."""
        last = self.dealt
        return "open" if last is None else "redriven" if last["kind"] == REDRIVEN else "settled"

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look at it."""
        return self.dealt is None


class LetterBook:
    """All letters, oldest first; read dead-letters before audit."""

    def __init__(self) -> None:
        self._found: dict[str, Letter] = {}

    def see_letter(self, at: int, at_ms: int, said: DeadLetter) -> None:
        """The next record of dead-letters; its bytes are not kept."""
        ref = said["value_ref"]
        sha256 = ref["sha256"] if ref is not None else hashlib.sha256(said["value"]).digest()
        size = ref["size"] if ref is not None else len(said["value"])
        name = letter_name(said["origin"], sha256)
        self._found.setdefault(name, Letter(name, {**said, "value": b""}, sha256.hex(), at, at_ms, size))

    def see_audit(self, one: Audit) -> None:
        """The next record of audit; those of other orders are passed over."""
        letter = self._found.get(one["order"])
        if letter is not None:
            letter.history.append(one)

    def letters(self) -> list[Letter]:
        """In the order of the topic."""
        return list(self._found.values())

    def find(self, wanted: str) -> Letter:
        """By origin, or by the beginning of its name; LetterError if there is none, or more than one."""
        found = [one for one in self._found.values() if one.said["origin"] == wanted]
        found = found or [one for one in self._found.values() if wanted and one.name.startswith(wanted)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise LetterError(f"no dead letter {wanted}; `chatledger letters list` shows all")
        names = ", ".join(one.name[:8] for one in found[:5]) + (", …" if len(found) > 5 else "")
        raise LetterError(f"{len(found)} dead letters are from {wanted}; name one by its id: {names}")


def letter_name(origin: str, sha256: bytes) -> str:
    """What topic audit calls the letter by."""
    return digest("letter", origin, sha256).hex()


def stranger(at: int, value: bytes, why: str) -> DeadLetter:
    """A letter about what stands in dead-letters and can't be read: nobody shall take it for none."""
    return {
        "stage": UNKNOWN, "connector_uid": None, "reason": why, "error": "DecodeError", "origin": f"{DEAD_LETTERS.name}/0/{at}",
        "topic": None, "partition": None, "position": None, "key": None, "value": value, "value_ref": None,
    }  # fmt: skip
