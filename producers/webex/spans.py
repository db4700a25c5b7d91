"""Cuts the items out of a page of JSON, byte for byte as the source wrote them. Pure."""

import json
import re
from dataclasses import dataclass, field

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


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
    except RecursionError:
        return Page(items, "too deeply nested")
    except ValueError as error:
        return Page(items, str(error))
    return Page(items)


def loads(raw: bytes) -> object:
    """The value of some JSON, invalid UTF-8 included (as lone surrogates). Raises MalformedError."""
    try:
        return json.loads(raw.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        msg = f"no JSON: {error}"
        raise MalformedError(msg) from error


def _walk(text: str, items: list[bytes]) -> bool:
    """Go through the members of the outer object; true when one of them was a list of items."""
    at, found = _past(text, 0, "{\ufeff"), False
    while not text.startswith("}", at):
        key, at = _DECODER.raw_decode(text, at)
        at = _past(text, at, ":")
        if key == "items" and text.startswith("[", at):
            at, found = _list(text, at + 1, items), True
        else:
            _, at = _DECODER.raw_decode(text, at)
        at = _next(text, at, "}")
    return found


def _list(text: str, at: int, items: list[bytes]) -> int:
    at = _skip(text, at)
    while not text.startswith("]", at):
        _, end = _DECODER.raw_decode(text, at)
        items.append(text[at:end].encode("utf-8", "surrogateescape"))
        at = _next(text, end, "]")
    return at + 1


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
