"""JSON with positions: rows and their parts together with the very bytes that said so (rule 2).

A body is walked once. `json`'s own decoder reads the values and tells where each ends; the walk only adds the
places of rows, of their sections and of the items of those sections.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from json import JSONDecodeError
from typing import Any

from producers.liveperson.values import fact, mapped, number

RECORDS = "conversationHistoryRecords"
LISTS = frozenset(
    {"messageRecords", "agentParticipants", "agentParticipantsLeave", "transfers", "conversationSurveys"}
)
WITHHELD = '"[withheld]"'
_SPACE = " \t\r\n\ufeff"


def _int(digits: str) -> int | str:
    # Nothing of LivePerson's is longer, and Python refuses to read integers of thousands of digits.
    return int(digits) if len(digits) <= 19 else digits


_DECODER = json.JSONDecoder(strict=False, parse_int=_int)


class MalformedError(ValueError):
    """The body is not the JSON that was expected."""


@dataclass(frozen=True)
class Piece:
    """A value and the place in its body where it stands."""

    value: Any
    body: str = field(repr=False)
    start: int
    end: int
    cuts: tuple[tuple[int, int], ...] = ()

    @property
    def raw(self) -> bytes:
        """The verbatim bytes, but for what is withheld (`without`)."""
        return _cut(self.body, self.start, self.end, self.cuts).encode("utf-8", "surrogateescape")

    def without(self, cuts: list[tuple[int, int]]) -> "Piece":
        """The same piece with these spans of the body written as "[withheld]"."""
        return Piece(self.value, self.body, self.start, self.end, tuple(sorted(cuts)))


@dataclass(frozen=True)
class Row:
    """One conversation as the source told it: all values, and the pieces that become events."""

    whole: Piece
    sections: dict[str, Piece]
    items: dict[str, list[Piece]]

    @cached_property
    def info(self) -> dict[str, Any]:
        """The section `info`, empty if there is none."""
        info = self.whole.value.get("info")
        return info if isinstance(info, dict) else {}

    @property
    def conversation(self) -> str | None:
        """The conversation's id, or None if the row does not say one."""
        return fact(self.info.get("conversationId"))

    @property
    def cut_short(self) -> bool:
        """Whether the source says that it left something out."""
        return any(self.info.get(name) in (True, "true") for name in ("isPartial", "isTruncated"))

    def section(self, *names: str) -> Any:
        """The value of the first of these sections that is there."""
        return next((self.whole.value[name] for name in names if name in self.whole.value), None)


@dataclass(frozen=True)
class Page:
    """One answer of the history."""

    rows: list[Row]
    count: int | None
    """Rows that match the whole query; None if the answer does not say."""
    settled: bool


def page_of(body: bytes) -> Page:
    """Rows of an answer, with their places; MalformedError if it is not such an answer."""
    text = body.decode("utf-8", "surrogateescape")
    envelope: dict[str, Any] = {}
    rows: list[Row] = []
    found: set[str] = set()

    def member(key: str, at: int) -> int:
        if key == RECORDS and text[at : at + 1] == "[":
            found.add(key)
            return _walk(text, at, "[]", lambda _key, start: _append_row(rows, text, start))
        envelope[key], end = _value(text, at)
        return end

    start = _skip(text, 0)
    end = _walk(text, start, "{}", member)
    if _skip(text, end) != len(text):
        raise MalformedError("something follows the end of the JSON document")
    count = number(mapped(envelope.get("_metadata")).get("count"))
    if RECORDS not in found and count != 0:  # an error in disguise must not pass for "nothing there"
        msg = f"no list {RECORDS}"
        raise MalformedError(msg)
    return Page(rows, count, settled=not _partial(envelope))


def _partial(envelope: dict[str, Any]) -> bool:
    status = mapped(mapped(envelope.get("_metadata")).get("shardsStatusResult"))
    return status.get("partialResult") in (True, "true")


def _append_row(rows: list[Row], text: str, at: int) -> int:
    if text[at : at + 1] != "{":  # not a row at all; the collector hands its bytes to dead-letters
        _, end = _value(text, at)
        rows.append(Row(Piece({}, text, at, end), {}, {}))
        return end
    values: dict[str, Any] = {}
    sections: dict[str, Piece] = {}
    items: dict[str, list[Piece]] = {}

    def member(key: str, start: int) -> int:
        if key in LISTS and text[start : start + 1] == "[":
            items[key], end = pieces(text, start)
            values[key] = [item.value for item in items[key]]
        else:
            values[key], end = _value(text, start)
            items[key] = [] if values[key] is None else [Piece(values[key], text, start, end)]
        sections[key] = Piece(values[key], text, start, end)
        return end

    end = _walk(text, at, "{}", member)
    rows.append(Row(Piece(values, text, at, end), sections, items))
    return end


def pieces(text: str, at: int) -> tuple[list[Piece], int]:
    """The items of the array that begins here, and where it ends."""
    found: list[Piece] = []

    def item(_key: str, start: int) -> int:
        value, end = _value(text, start)
        found.append(Piece(value, text, start, end))
        return end

    return found, _walk(text, at, "[]", item)


def members(piece: Piece) -> Iterator[tuple[str, Piece]]:
    """The members of an object, each with its place; nothing for anything else."""
    found: list[tuple[str, Piece]] = []

    def member(key: str, start: int) -> int:
        value, end = _value(piece.body, start)
        found.append((key, Piece(value, piece.body, start, end)))
        return end

    if isinstance(piece.value, dict):
        _walk(piece.body, piece.start, "{}", member)
    return iter(found)


def _walk(text: str, at: int, brackets: str, visit: Callable[[str, int], int]) -> int:
    """Visit each item; `visit` gets the key (empty in an array) and the place, and gives the item's end."""
    if text[at : at + 1] != brackets[0]:
        msg = f"expected {brackets[0]} at character {at}"
        raise MalformedError(msg)
    at = _skip(text, at + 1)
    while text[at : at + 1] != brackets[1]:
        key, at = _key(text, at) if brackets == "{}" else ("", at)
        at = _skip(text, visit(key, at))
        mark = text[at : at + 1]
        if mark not in (",", brackets[1]) or not mark:
            msg = f"expected , or {brackets[1]} at character {at}"
            raise MalformedError(msg)
        at = _skip(text, at + 1) if mark == "," else at
    return at + 1


def _key(text: str, at: int) -> tuple[str, int]:
    key, at = _value(text, at)
    at = _skip(text, at)
    if not isinstance(key, str) or text[at : at + 1] != ":":
        msg = f"expected a name and a colon before character {at}"
        raise MalformedError(msg)
    return key, _skip(text, at + 1)


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except JSONDecodeError as error:
        raise MalformedError(str(error)) from None
    except RecursionError:
        msg = f"nested too deeply after character {at}"
        raise MalformedError(msg) from None


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _cut(body: str, start: int, end: int, cuts: tuple[tuple[int, int], ...]) -> str:
    kept, at = [], start
    for cut_start, cut_end in cuts:
        if start <= cut_start and cut_end <= end:
            kept += [body[at:cut_start], WITHHELD]
            at = cut_end
    return "".join([*kept, body[at:end]])
