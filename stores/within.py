"""A store below a prefix of another one: what stands there looks like a store of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stores.interface import CHUNK_SIZE, BlobInfo, Store, Stored
from stores.paths import check_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping


class Within:
    """All paths are those below `prefix`, here and in what is returned; errors name the whole path."""

    def __init__(self, store: Store, prefix: str) -> None:
        """BadPathError if no store can hold the prefix."""
        self._store, self._prefix = store, f"{check_path(prefix)}/"

    async def create(
        self,
        path: str,
        data: bytes | AsyncIterable[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        sha256: str | None = None,
    ) -> Stored:
        """As `Store.create`."""
        made = await self._store.create(
            self._prefix + path, data, content_type=content_type, metadata=metadata, sha256=sha256
        )
        return replace(made, path=path)

    async def read(self, path: str) -> bytes:
        """As `Store.read`."""
        return await self._store.read(self._prefix + path)

    def stream(self, path: str, *, chunk_size: int = CHUNK_SIZE) -> AsyncIterator[bytes]:
        """As `Store.stream`."""
        return self._store.stream(self._prefix + path, chunk_size=chunk_size)

    async def stat(self, path: str) -> BlobInfo | None:
        """As `Store.stat`."""
        found = await self._store.stat(self._prefix + path)
        return found and replace(found, path=path)

    async def exists(self, path: str) -> bool:
        """As `Store.exists`."""
        return await self._store.exists(self._prefix + path)

    async def copy(
        self,
        source: str,
        target: str,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        sha256: str,
    ) -> Stored:
        """As `Store.copy`."""
        made = await self._store.copy(
            self._prefix + source,
            self._prefix + target,
            content_type=content_type,
            metadata=metadata,
            sha256=sha256,
        )
        return replace(made, path=target)

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """As `Store.list`."""
        async for found in self._store.list(self._prefix + prefix):
            yield replace(found, path=found.path.removeprefix(self._prefix))

    async def check(self) -> None:
        """As `Store.check`, of the whole store."""
        await self._store.check()

    async def close(self) -> None:
        """Close the whole store."""
        await self._store.close()
