"""What the tests of folders store."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stores.folder import FolderStore

MAIL = "message/rfc822"
SHA = hashlib.sha256(b"mail").hexdigest()


async def stored(store: FolderStore, *paths: str) -> None:
    """A new mail at each of these, which reads as it was written."""
    for path in paths:
        assert (await store.create(path, b"mail", content_type=MAIL)).created
        assert await store.read(path) == b"mail"
