"""Header fields (RFC 5322, 2047, 2231), written so that no value can end its line or speak for its neighbour.

Values are made of one line of visible text before they come here (`clean.one_line`); everything is ASCII when it
leaves.
"""

import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from streams.mail.times import DAY_MS, time_of_day

WIDTH: Final = 78
FOLD: Final = "\r\n "
_LONGEST: Final = 900  # below RFC 5322's hard limit of 998 a word may stand alone on an over-long line
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
_PRINTABLE: Final = re.compile(r"[ -~]+")
_Q_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q_TABLE: Final = [chr(c) if c in _Q_PLAIN else f"={c:02X}" for c in range(256)]
_Q_TABLE[32] = "_"
_WORD: Final = 75
_FRAME: Final = 12  # =?utf-8?b? and ?=
_WORD_BYTES: Final = 45  # 60 characters of base64, 72 with the frame
_PLAIN_NAME: Final = 60  # characters of a name that needs no folding
_ATTR_CHAR: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")
_ATTR_TABLE: Final = [chr(c) if c in _ATTR_CHAR else f"%{c:02X}" for c in range(256)]


def encoded_words(text: str, used: int = 0) -> str:
    """The text as RFC 2047 encoded words, folded between them so that no line is over 78 characters.

    `used` are the characters that stand on the line before the first word, the blank included.
    """
    raw = text.encode("utf-8")
    room = max(8, min(WIDTH - used, _WORD) - _FRAME)  # a character of four bytes always fits
    quoted = "".join([_Q_TABLE[byte] for byte in raw]) if len(raw) <= room else ""
    if 0 < len(quoted) <= min(room, (len(raw) + 2) // 3 * 4 + 8):
        return f"=?utf-8?q?{quoted}?="
    return FOLD.join([f"=?utf-8?b?{_b64(piece)}?=" for piece in _pieces(raw, room // 4 * 3)])


def _b64(piece: bytes) -> str:
    return binascii.b2a_base64(piece, newline=False).decode()


def _pieces(raw: bytes, first: int) -> Iterable[bytes]:
    """Pieces of UTF-8, each whole characters: the first of at most `first` bytes, the others of a word's 45.

    They end behind a blank where there is one: Python's own parser keeps the fold between two words of a name as a
    blank (against RFC 2047, 6.2), which then merely widens a gap.
    """
    at, size = 0, first
    while len(raw) - at > size:
        end = raw.rfind(b" ", at, at + size) + 1 or at + size
        while raw[end] & 0xC0 == 0x80:
            end -= 1
        yield raw[at:end]
        at, size = end, _WORD_BYTES
    yield raw[at:]


def unstructured(name: str, value: str) -> str:
    """A header field of free text, with its line end."""
    if len(name) + len(value) + 2 <= WIDTH and _literal(value):
        return f"{name}: {value}\r\n"
    words = value.split(" ")
    if not _literal(value) or "" in words or max(map(len, words)) > _LONGEST:
        return f"{name}: {encoded_words(value, len(name) + 2)}\r\n"
    return _folded(name, words)


def _literal(value: str) -> bool:
    """Whether the value can stand as it is: printable ASCII that nobody takes for an encoded word."""
    return _PRINTABLE.fullmatch(value) is not None and "=?" not in value and value[0] != " "


def _folded(name: str, words: list[str]) -> str:
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > WIDTH and not lines[-1].endswith(":"):
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines) + "\r\n"


def phrase(name: str) -> str:
    """A display name, not empty: bare, quoted, or as encoded words, as they stand behind `From: `."""
    if "=?" not in name and len(name) <= _PLAIN_NAME:
        if _ATOMS.fullmatch(name):
            return name
        if _PRINTABLE.fullmatch(name):
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
    return encoded_words(name, len("From: "))


def mailbox(name: str, address: str) -> str:
    """`name <address>`, folded before the address when it is long; the bare address without a name."""
    if not name:
        return address
    shown = phrase(name)
    last = len(shown) - shown.rfind("\n") - 1
    gap = " " if last + len(address) + 4 < WIDTH else FOLD
    return f"{shown}{gap}<{address}>"


def listed(name: str, values: Iterable[str]) -> str:
    """A header field of values with commas between them, each on a line of its own; with its line end."""
    return f"{name}: " + ",\r\n ".join(values) + "\r\n"


def date(ms: int) -> str:
    """RFC 5322 date and time in UTC; needs a year from 1 to 9999."""
    return f"{_day(ms // DAY_MS)} {time_of_day(ms)} +0000"


@lru_cache(maxsize=256)
def _day(number: int) -> str:
    """Day, month and year, so many days after 1970-01-01."""
    at = _EPOCH + timedelta(days=number)
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d}"


def parameter(name: str, value: str) -> str:
    """`; name=value` on lines of its own, as RFC 2231 says for what isn't plain."""
    if len(value) <= _PLAIN_NAME and _literal(value) and '"' not in value and "\\" not in value:
        return f';\r\n {name}="{value}"'
    pieces = _percent_pieces(value, _PLAIN_NAME - len(name))
    if len(pieces) == 1:
        return f";\r\n {name}*=utf-8''{pieces[0]}"
    pieces[0] = f"utf-8''{pieces[0]}"
    return "".join([f";\r\n {name}*{n}*={piece}" for n, piece in enumerate(pieces)])


def _percent_pieces(value: str, size: int) -> list[str]:
    """Percent-encoded pieces of at most `size` characters, each of whole characters of the value."""
    pieces = [""]
    for char in value:
        coded = "".join([_ATTR_TABLE[byte] for byte in char.encode("utf-8")])
        if len(pieces[-1]) + len(coded) > size:
            pieces.append("")
        pieces[-1] += coded
    return pieces
