"""What is checked before a write, alike in every store, so that a folder refuses what Azure would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from stores.interface import ChecksumError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

HASH_KEY: Final = "sha256"
"""The one key that belongs to the store."""

_KEY = re.compile(r"[a-z_][a-z0-9_]{0,127}")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_PLAIN = re.compile(r"(?:[a-z_][a-z0-9_]{0,127}\n[!-~](?:[ -~]{0,198}[!-~])?\n){0,8}")
"""Few and short, as all are that the product writes: one look instead of one for each."""


def checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """Return a copy of `metadata`, or raise `StoreError` for what can't travel as an HTTP header.

    Azure: names are C# identifiers, values printable ASCII, 8 KiB in all
    (https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources).
    """
    noted = dict(metadata or {})
    if HASH_KEY not in noted and _is_plain(noted):
        return noted
    for key, value in noted.items():
        if not _KEY.fullmatch(key) or key == HASH_KEY or not _VALUE.fullmatch(value):
            message = f"metadata {key!r}={value!r}: a lower-case name and printable ASCII are needed"
            raise StoreError(message)
    if sum(len(key) + len(value) for key, value in noted.items()) > 7 << 10:
        raise StoreError("metadata of more than 7 KiB can't be stored")
    return noted


def _is_plain(noted: dict[str, str]) -> bool:
    lines = "".join([f"{key}\n{value}\n" for key, value in noted.items()])
    return _PLAIN.fullmatch(lines) is not None and lines.count("\n") == 2 * len(noted)


def checked_hash(path: str, announced: str | None, found: str) -> str:
    """Return the hash that the bytes have, or raise `ChecksumError` if the caller announced another."""
    if announced is not None and announced != found:
        raise ChecksumError(path, expected=announced, found=found)
    return found
