"""Text of strangers made fit to be shown: nothing in it may act, and nothing may vanish."""

import re
from typing import Final

# Everything that could break a line, reorder one, or not be written at all: controls, line and paragraph
# separators, bidirectional embeddings, overrides and isolates, surrogates, noncharacters. Tab and line feed stay,
# and so do the direction *marks* (U+200E, U+200F, U+061C), which honest right-to-left text needs.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_BLANKS = re.compile(r"[ \t\n]+")
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
ISOLATE: Final = "\u2068"
"""First strong isolate: what stands up to END_ISOLATE has a direction of its own (UAX 9)."""
END_ISOLATE: Final = "\u2069"
LEFT_TO_RIGHT_MARK: Final = "\u200e"


def visible(text: str) -> str:
    """The text with line feeds as its only line ends and every unsafe character as a token such as ⟦U+202E⟧."""
    if _is_plain(text) or _UNSAFE.search(text) is None:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _UNSAFE.sub(_token, joined.replace("\r\n", "\n").replace("\r", "\n"))


def _is_plain(text: str) -> bool:
    """Whether all of it is printable ASCII; asked first: of a name it takes half as long as the expression."""
    return text.isascii() and text.isprintable()


def _token(match: re.Match[str]) -> str:
    return f"⟦U+{ord(match[0]):04X}⟧"


def one_line(text: str, limit: int = 0) -> str:
    """The visible text on one line, blanks collapsed, cut with an ellipsis beyond `limit` characters (0: never)."""
    if limit == 0 and _is_plain(text) and "  " not in text:
        return text.strip()  # as nearly all names, ids and facts are
    line = visible(text)
    if "  " in line or not line.isprintable():
        line = _BLANKS.sub(" ", line)
    line = line.strip()
    return f"{line[: limit - 1]}…" if 0 < limit < len(line) else line


def isolated(text: str) -> str:
    """Visible text between isolates, line by line, if it holds right-to-left letters: it can't tear its line then.

    Only the writer's own isolates are ever in a mail, always in pairs: `visible` makes tokens of all others.
    """
    if text.isascii() or not has_right_to_left(text):
        return text
    return "\n".join(f"{ISOLATE}{line}{END_ISOLATE}" if line else "" for line in text.split("\n"))


def has_right_to_left(text: str) -> bool:
    """Whether a letter of Hebrew, Arabic or another script written from the right is in it."""
    return _RIGHT_TO_LEFT.search(text) is not None


def counted(number: int, noun: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
