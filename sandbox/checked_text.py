"""Texts made comparable: what a source served, and what a mail shows of it, whatever the layout.

Written for the checker alone, and on purpose without the product's own cleaning: two independent ideas of "the
same text" have to agree. White space is one blank; a character that must not act in a mail (controls, line and
paragraph separators, bidirectional overrides and isolates) has to be shown as a token such as ⟦U+202E⟧; one that
need not (zero-width ones, noncharacters) may be shown either way; half a surrogate pair may be U+FFFD.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_MUST: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_PLANES: Final = "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_MAY: Final = re.compile(f"[\u00ad\u061c\u200b-\u200f\u2060-\u2065\ufdd0-\ufdef\ufeff{_PLANES}]")
_ISOLATES: Final = re.compile("[\u2068\u2069]")
_HALVES: Final = re.compile(r"[\ud800-\udfff]")
_TOKEN: Final = re.compile(r"[⟦\[<{(]U\+([0-9A-Fa-f]{4,6})[⟧\]>})]")


class Flat(NamedTuple):
    """A text on one line, blanks collapsed, that remembers where its lines began and ended."""

    text: str
    starts: frozenset[int]
    ends: frozenset[int]

    def shows(self, wanted: str, *, whole: bool) -> int:
        """Where `wanted` (flattened) is shown, or -1; `whole`: with nothing else before and behind it.

        "Nothing else" is the end of a line behind it, and the begin of a line or a colon before it. An empty text
        is shown everywhere.
        """
        if not wanted:
            return 0
        at = self.text.find(wanted)
        while whole and at >= 0 and not self._stands_alone(at, at + len(wanted)):
            at = self.text.find(wanted, at + 1)
        return at

    def _stands_alone(self, start: int, end: int) -> bool:
        begins = start in self.starts or self.text[max(0, start - 2) : start] == ": "
        return begins and end in self.ends


def served(text: str) -> str:
    """A source's text as a mail has to show it, on one line."""
    return " ".join(_lines(_MUST.sub(_token, _tokens(text))))


def stored(text: str) -> Flat:
    """A text of events.json, which is for programs and has control characters as they came."""
    return _flat(_lines(_MUST.sub(_token, _tokens(text))))


def shown(text: str) -> Flat:
    """A piece of a mail; a control character that was left as it is will not be found equal to anything.

    Isolates are the layout's own, since a source's would have to be shown as tokens.
    """
    return _flat(_lines(_tokens(_ISOLATES.sub("", text))))


def _flat(lines: list[str]) -> Flat:
    starts, ends, at = set[int](), set[int](), 0
    for line in lines:
        starts.add(at)
        ends.add(at + len(line))
        at += len(line) + 1
    return Flat(" ".join(lines), frozenset(starts), frozenset(ends))


def excerpt(text: str, most: int = 60) -> str:
    """The begin of a text, for a sentence; safe to print."""
    line = served(text)
    return f"“{line}”" if len(line) <= most else f"“{line[:most]}…” ({len(line):,} characters)"


def _tokens(text: str) -> str:
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    plain = _HALVES.sub("\ufffd", joined.replace("\r\n", "\n").replace("\r", "\n"))
    return _MAY.sub(_token, _TOKEN.sub(_same_token, plain))


def _token(match: re.Match[str]) -> str:
    return f"⟦U+{ord(match[0]):04X}⟧"


def _same_token(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return "\ufffd" if 0xD800 <= code < 0xE000 else f"⟦U+{code:04X}⟧"


def _lines(text: str) -> list[str]:
    # split("\n"), not splitlines(): a form feed or U+2028 that was left raw must not pass for a line end
    flat = (" ".join(line.split()) for line in text.split("\n"))
    return [line for line in flat if line]
