"""One create-only upload to Azure: in one request, in blocks, or as a copy within the service."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, ContentSettings

from stores.azure_access import BLOCK_SIZE
from stores.checks import HASH_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from azure.storage.blob.aio import BlobClient


COPY_LIMIT = 256 << 20
"""Bytes of a blob that "Copy Blob From URL" takes at most; larger ones are copied with "Put Block From URL"."""
COPIED_BLOCK = 16 << 20
"""Bytes that the service copies in one request then: few enough to be done before a client gives up waiting."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the service is to copy, and how it may read it."""

    blob: BlobClient
    address: str
    authorization: str | None
    etag: str
    size: int  # bytes

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments of a request that reads it."""
        return {"source_authorization": self.authorization} if self.authorization else {}


@dataclass(slots=True)
class Upload:
    """What is to stand where; every method raises azure-storage-blob's own errors and returns the ETag."""

    blob: BlobClient
    path: str
    content_type: str
    metadata: dict[str, str]
    protection: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments that protect the blob from the moment at which it is there."""
    # Writers of one blob share its list of uncommitted blocks, so their names must never meet. Azure wants
    # all names of a blob to be of one length.
    _attempt: str = field(default_factory=lambda: uuid.uuid4().hex)
    _blocks: list[BlobBlock] = field(default_factory=list)

    async def put(self, data: bytes, sha256: str) -> str:
        """Send everything at once; the service checks and keeps the MD5."""
        answer = await self.blob.upload_blob(data, validate_content=True, **self._named(sha256))
        return str(answer["etag"])

    async def stage(self, block: bytes) -> None:
        """Send one block; it is visible to nobody before `commit`, and gone after a week without."""
        name = self._next_name()
        file = io.BytesIO(block)  # aiohttp sends a file bit by bit, and plain bytes at one go
        await self.blob.stage_block(name, file, length=len(block), validate_content=True)
        self._blocks.append(BlobBlock(block_id=name))

    async def commit(self, sha256: str) -> str:
        """Make the staged blocks the blob, unless there is one."""
        missing = MatchConditions.IfMissing
        answer = await self.blob.commit_block_list(
            self._blocks, match_condition=missing, **self._named(sha256)
        )
        return str(answer["etag"])

    async def copy(self, origin: Origin, sha256: str) -> str:
        """Let the service copy what is of this version; done, or nothing done, on return."""
        if origin.size <= COPY_LIMIT:
            return await self._copy_at_once(origin, sha256)
        for start in range(0, origin.size, COPIED_BLOCK):
            name, length = self._next_name(), min(COPIED_BLOCK, origin.size - start)
            await self.blob.stage_block_from_url(name, origin.address, start, length, **origin.options)
            self._blocks.append(BlobBlock(block_id=name))
        same = MatchConditions.IfNotModified  # the blocks came one by one
        await origin.blob.get_blob_properties(etag=origin.etag, match_condition=same)
        return await self.commit(sha256)

    async def _copy_at_once(self, origin: Origin, sha256: str) -> str:
        """By "Copy Blob From URL": the content type comes with the source.

        (https://learn.microsoft.com/rest/api/storageservices/copy-blob-from-url)
        """
        answer = await self.blob.start_copy_from_url(
            origin.address,
            metadata=self._noted(sha256),
            requires_sync=True,
            match_condition=MatchConditions.IfMissing,
            source_match_condition=MatchConditions.IfNotModified,
            source_etag=origin.etag,
            **origin.options,
            **self.protection,
        )
        return str(answer["etag"])

    def _next_name(self) -> str:
        return f"{self._attempt}-{len(self._blocks):06}"

    def _named(self, sha256: str) -> dict[str, Any]:
        settings = ContentSettings(content_type=self.content_type)
        return {"metadata": self._noted(sha256), "content_settings": settings, **self.protection}

    def _noted(self, sha256: str) -> dict[str, str]:
        return {**self.metadata, HASH_KEY: sha256}


async def blocks_of(data: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Cut a body into blocks of `BLOCK_SIZE` bytes, the last one shorter; holds one block, and one piece."""
    waiting = bytearray()
    async for piece in _pieces(data):
        rest = piece
        while rest:
            room = BLOCK_SIZE - len(waiting)
            waiting += rest[:room]
            rest = rest[room:]
            if len(waiting) == BLOCK_SIZE:
                block = bytes(waiting)
                waiting.clear()
                yield block
    if waiting:
        yield bytes(waiting)


async def _pieces(data: bytes | AsyncIterable[bytes]) -> AsyncIterator[memoryview]:
    if isinstance(data, bytes):
        yield memoryview(data)
        return
    async for piece in data:
        yield memoryview(piece)
