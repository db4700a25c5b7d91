"""Text of strangers made fit to be shown: nothing in it may act, and nothing may vanish."""

import re

# Everything that could break a line, reorder one, or not be written at all: controls, line and paragraph
# separators, bidirectional embeddings, overrides and isolates, surrogates, noncharacters. Tab and line feed stay,
# and so do the direction *marks* (U+200E, U+200F, U+061C), which honest right-to-left text needs.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_BLANKS = re.compile(r"[ \t\n]+")


def visible(text: str) -> str:
    """The text with line feeds as its only line ends and every unsafe character as a token such as ⟦U+202E⟧."""
    if _UNSAFE.search(text) is None:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _UNSAFE.sub(_token, joined.replace("\r\n", "\n").replace("\r", "\n"))


def _token(match: re.Match[str]) -> str:
    return f"⟦U+{ord(match[0]):04X}⟧"


def one_line(text: str, limit: int = 0) -> str:
    """The visible text on one line, blanks collapsed, cut with an ellipsis beyond `limit` characters (0: never)."""
    line = _BLANKS.sub(" ", visible(text)).strip()
    return f"{line[: limit - 1]}…" if 0 < limit < len(line) else line
