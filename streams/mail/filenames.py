"""File names from strangers as names that a mail program can save under."""

import re
from typing import Final

from streams.mail.clean import visible

# path separators, what Windows forbids, tokens that `visible` makes, and what a header would have to escape
_FORBIDDEN: Final = re.compile(r'[/\\:*?"<>|;\x00-\x1f\x7f]')
_TOKEN: Final = re.compile(r"⟦U\+[0-9A-F]{4,5}⟧|[\u200e\u200f\u061c\ufeff]")
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)
_LIMIT: Final = 200  # bytes in UTF-8; file systems take 255
_EXTENSION_LIMIT: Final = 16


def shown_name(name: str | None) -> str:
    """The name as the body shows it: verbatim, but on one line and unable to act."""
    return visible(name or "").replace("\n", "⟦U+000A⟧").replace("\t", "⟦U+0009⟧") or "file without a name"


def safe_name(name: str | None, number: int) -> str:
    """The name without path, controls and direction tricks, at most 200 bytes of UTF-8; `file-N` for nothing."""
    plain = _FORBIDDEN.sub("_", _TOKEN.sub("_", visible(name or "").replace("\n", "_").replace("\t", " ")))
    plain = plain.strip(" .")
    if not plain.strip("_ ."):
        return f"file-{number}"
    if _DEVICES.match(plain):
        plain = f"_{plain}"
    stem, extension = _cut(plain)
    room = _LIMIT - len(extension.encode())
    return f"{stem.encode()[:room].decode(errors='ignore').rstrip(' .')}{extension}"


def unique_name(name: str, taken: set[str]) -> str:
    """The name, numbered if one like it (whatever the case) is taken already; takes it."""
    candidate, count = name, 1
    stem, extension = _cut(name)
    while candidate.casefold() in taken:
        count += 1
        candidate = f"{stem} ({count}){extension}"
    taken.add(candidate.casefold())
    return candidate


def _cut(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, f".{extension}") if dot and stem and len(extension) <= _EXTENSION_LIMIT else (name, "")
