"""Pages and their next links: cursors, repeated items, empty pages, parameters in another order."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from sandbox.webex.switches import Switches


class CursorError(ValueError):
    """The cursor is not one that this service has given out."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a listing stands: items passed, pages given, and the moment as of which it lists (ms)."""

    offset: int
    page: int
    as_of: int

    def encode(self) -> str:
        """Return the cursor as it stands in a link."""
        raw = json.dumps([self.offset, self.page, self.as_of]).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Return the cursor of a link. Raises CursorError."""
        try:
            offset, page, as_of = map(
                int, json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            )
        except (ValueError, TypeError) as error:
            raise CursorError("The cursor is not valid.") from error
        return cls(offset, page, as_of)


@dataclass(frozen=True, slots=True)
class Page:
    """Which items a page shows, and what comes after."""

    start: int
    end: int
    following: Cursor | None


def cut(total: int, cursor: Cursor, size: int, switches: Switches) -> Page:
    """Return the page of a listing of `total` items that a cursor points at."""
    if switches.empty_pages and cursor.page % 3 == 1 and cursor.offset < total:
        return Page(cursor.offset, cursor.offset, Cursor(cursor.offset, cursor.page + 1, cursor.as_of))
    repeated = min(switches.repeated, size - 1, cursor.offset)
    start, end = cursor.offset - repeated, min(cursor.offset - repeated + size, total)
    if end == total:
        return Page(start, end, None)
    following = cursor if switches.endless else Cursor(end, cursor.page + 1, cursor.as_of)
    return Page(start, end, following)


def next_link(url: str, query: Mapping[str, str], cursor: Cursor, size: int, switches: Switches) -> str:
    """Return the Link header: parameters sorted, the cursor after the first, some without a value."""
    given = {name: value for name, value in query.items() if value and name not in {"cursor", "max"}}
    maximum = "null" if switches.max_null else str(size)
    pairs = [*sorted(given.items()), ("max", maximum)]
    pairs.insert(1 if given else 0, ("cursor", cursor.encode()))
    joined = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    return f'<{url}?{joined}{"&before&after" if switches.valueless else ""}>; rel="next"'
