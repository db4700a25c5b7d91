"""Cuts the items out of a page of JSON, byte for byte as the source wrote them. Pure."""

import json
import re
from dataclasses import dataclass, field

MOST_LEVELS = 100
"""So deep may an item be nested and still be read: a fixed bound, for Python's own depends on who is calling."""
_SPACE = re.compile(r"[ \t\r\n]*")
_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)  # strings, closed or not, and brackets


def _int(digits: str) -> int | str:
    # Nothing of Webex's is longer, and Python refuses to read integers of thousands of digits.
    return int(digits) if len(digits) <= 19 else digits


_DECODER = json.JSONDecoder(strict=False, parse_int=_int)


class MalformedError(ValueError):
    """The body is no JSON object with a list of items; the message says where it breaks."""


@dataclass(frozen=True)
class Page:
    """The verbatim items of a body; `error` says why it could not be read to its end, if so."""

    items: list[bytes] = field(default_factory=list)
    error: str | None = None


def page(body: bytes) -> Page:
    """The items of `{"items": [...]}`: as many as can be read. Never fails."""
    text, items = body.decode("utf-8", "surrogateescape"), list[bytes]()
    try:
        if not _walk(text, items):
            return Page(items, "there is no list of items")
    except ValueError as error:
        return Page(items, str(error))
    return Page(items)


def loads(raw: bytes) -> object:
    """The value of some JSON, invalid UTF-8 included (as lone surrogates). Raises MalformedError."""
    text = raw.decode("utf-8", "surrogateescape")
    if _levels(text) > MOST_LEVELS:
        raise MalformedError("no JSON that anyone reads: too deeply nested")
    try:
        return _DECODER.decode(text)
    except ValueError as error:
        msg = f"no JSON: {error}"
        raise MalformedError(msg) from error


def _walk(text: str, items: list[bytes]) -> bool:
    """Go through the members of the outer object; true when one of them was a list of items."""
    at, found = _past(text, 0, "{\ufeff"), False
    while not text.startswith("}", at):
        begin, at = at, _end(text, at)
        key = text[begin + 1 : at - 1]
        at = _past(text, at, ":")
        if key == "items" and text.startswith("[", at):
            at, found = _list(text, at + 1, items), True
        else:
            at = _end(text, at)
        at = _next(text, at, "}")
    return found


def _list(text: str, at: int, items: list[bytes]) -> int:
    at = _skip(text, at)
    while not text.startswith("]", at):
        end = _end(text, at)
        items.append(text[at:end].encode("utf-8", "surrogateescape"))
        at = _next(text, end, "]")
    return at + 1


def _end(text: str, at: int) -> int:
    """Where the value that begins here ends, however deeply it is nested."""
    try:
        return _DECODER.raw_decode(text, at)[1]
    except RecursionError:
        return _matching(text, at)


def _matching(text: str, at: int) -> int:
    """Behind the bracket that closes the one that stands here."""
    depth = 0
    for match in _MARKS.finditer(text, at):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if depth == 0:
            return match.end()
    raise ValueError("cut off within a nested value")


def _levels(text: str) -> int:
    """How deeply the brackets are nested, at most."""
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return 0
    depth = most = 0
    for match in _MARKS.finditer(text):
        depth += (match[0] in "[{") - (match[0] in "]}")
        most = max(most, depth)
    return most


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _past(text: str, at: int, marks: str) -> int:
    """Step over one of the marks (a byte order mark may come first) and the space around it."""
    at = _skip(text, at)
    if text.startswith("\ufeff", at) and "\ufeff" in marks:
        at = _skip(text, at + 1)
    if not text.startswith(marks[0], at):
        msg = f"expected {marks[0]!r} at character {at}"
        raise MalformedError(msg)
    return _skip(text, at + 1)


def _next(text: str, at: int, close: str) -> int:
    at = _skip(text, at)
    return at if text.startswith(close, at) else _past(text, at, ",")
