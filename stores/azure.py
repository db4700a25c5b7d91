"""A store in Azure Blob: every write is create-only (`If-None-Match: *`), and a refusal is checked by hash."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from azure.core.exceptions import AzureError, HttpResponseError

from stores.azure_access import (
    SINGLE_PUT_SIZE,
    Access,
    code_of,
    explain,
    explained,
    is_taken,
    make_container,
)
from stores.azure_guard import Guard
from stores.azure_reading import PROBE, AzureReader, look
from stores.azure_recent import Recent
from stores.azure_upload import Origin, Upload, blocks_of
from stores.checks import checked_hash, checked_metadata
from stores.interface import (
    BlobInfo,
    StoreConflictError,
    Stored,
    StoreError,
    StoreUnavailableError,
)
from stores.protection import Protections

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Mapping

    from stores.protection import Safeguard

_REMEMBERED: Final = 4096  # what was just written, so that copying a mail needs no request to look at it


class _PhantomError(StoreUnavailableError):
    """A path was refused as taken although nothing is there: perhaps another writer's unfinished business."""


class AzureStore(AzureReader):
    """Keeps blobs in one container, each with its SHA-256 in the metadata; one long-lived client."""

    def __init__(
        self,
        access: Access,
        *,
        create_container: bool = True,
        protections: Protections | None = None,
        recent: Recent | None = None,
    ) -> None:
        """`protections`: what each connector's blobs are to be protected by; `safeguard` says whether they are.

        `recent`: keeps the bodies of which a further copy is sent once more.
        """
        super().__init__(access.container)
        self._access = access
        self._guard = Guard(access.container, protections or Protections(None, {}))
        self._may_lack_container = create_container
        self._server_copies = True
        self._known: OrderedDict[str, tuple[str, BlobInfo]] = OrderedDict()
        self._recent = recent or Recent()

    async def create(
        self,
        path: str,
        data: bytes | AsyncIterable[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        sha256: str | None = None,
    ) -> Stored:
        """Store `data` unless the same bytes stand there; see `Store.create`."""
        upload = self._upload(path, content_type, metadata)
        await self._ensure_container()
        return await self._guard.checked(upload, await self._create(upload, data, sha256))

    async def _create(self, upload: Upload, data: bytes | AsyncIterable[bytes], sha256: str | None) -> Stored:
        path = upload.path
        if isinstance(data, bytes) and len(data) <= SINGLE_PUT_SIZE:
            found = checked_hash(path, sha256, hashlib.sha256(data).hexdigest())
            stored = await self._put(upload, data, found)
            self._recent.note(path, found, data)
            return stored
        if sha256 is not None and await self.exists(path):
            return await self._compare(path, sha256)
        return await self._create_in_blocks(upload, data, sha256)

    async def copy(
        self,
        source: str,
        target: str,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        sha256: str,
    ) -> Stored:
        """What was sent a moment ago is sent again, large bodies are copied within the service; see `Store.copy`.

        Where the service doesn't allow that, they go through this process.
        """
        sent = self._recent.of(source, sha256)
        if sent is not None:
            return await self.create(
                target, sent, content_type=content_type, metadata=metadata, sha256=sha256
            )
        etag, origin = self._known.get(source) or await look(self._blob(source))
        checked_hash(source, sha256, str(origin.sha256))
        upload = self._upload(target, content_type, metadata)
        if self._server_copies and origin.content_type == content_type:
            stored = await self._copy_on_server(upload, source, etag, origin)
            if stored is not None:
                return await self._guard.checked(upload, stored)
        body = self.stream(source)
        return await self.create(target, body, content_type=content_type, metadata=metadata, sha256=sha256)

    async def check(self) -> None:
        """Write and read a probe, which stays; raise `StoreError` with a sentence on what to do."""
        await self.create(PROBE, b"probe", content_type="text/plain")
        if await self.read(PROBE) != b"probe":
            message = f"{self._container.container_name}: what was written reads back differently"
            raise StoreError(message)
        async for _ in self.list("_"):
            break

    @property
    def safeguard(self) -> Safeguard | None:
        """See `Safeguarded.safeguard`."""
        return self._guard.safeguard

    async def prove(self) -> Safeguard | None:
        """See `Safeguarded.prove`."""
        await self._ensure_container()
        return await self._guard.prove()

    async def close(self) -> None:
        """Close the connections."""
        await self._access.close()

    def _upload(self, path: str, content_type: str, metadata: Mapping[str, str] | None) -> Upload:
        noted = checked_metadata(metadata)
        return Upload(self._blob(path), path, content_type, noted, self._guard.options(noted))

    async def _ensure_container(self) -> None:
        """Make the container on the first write."""
        if self._may_lack_container:
            await make_container(self._container)
            self._may_lack_container = False

    async def _create_in_blocks(
        self, upload: Upload, data: bytes | AsyncIterable[bytes], announced: str | None
    ) -> Stored:
        running, size, last = hashlib.sha256(), 0, b""
        async for block in blocks_of(data):
            running.update(block)
            size += len(block)
            if size == len(block) <= SINGLE_PUT_SIZE:
                last = block  # the only one: it goes in one request
                continue
            with explained(upload.path):
                await upload.stage(block)
        sha256 = checked_hash(upload.path, announced, running.hexdigest())
        if size == len(last):
            return await self._put(upload, last, sha256)
        return await self._settle(upload, size, sha256, upload.commit(sha256))

    async def _put(self, upload: Upload, data: bytes, sha256: str) -> Stored:
        """Send a small body in one request.

        Azurite refuses that as "taken" where a killed writer has left uncommitted blocks; a commit it takes.
        """
        try:
            return await self._settle(upload, len(data), sha256, upload.put(data, sha256))
        except _PhantomError:
            with explained(upload.path):
                await upload.stage(data)
            return await self._settle(upload, len(data), sha256, upload.commit(sha256))

    async def _settle(self, upload: Upload, size: int, sha256: str, attempt: Awaitable[str]) -> Stored:
        """Wait for the request that makes the blob; when the path is taken, compare hashes.

        A first request may succeed and its answer be lost: then the repeat says "taken", and that is well.
        """
        try:
            etag = await attempt
        except HttpResponseError as error:
            if not is_taken(error):
                raise explain(upload.path, error) from error
            return await self._compare(upload.path, sha256, error)
        except AzureError as error:
            raise explain(upload.path, error) from error
        metadata = MappingProxyType(upload.metadata)
        self._remember(etag, BlobInfo(upload.path, size, sha256, upload.content_type, metadata))
        return Stored(upload.path, size, sha256, created=True)

    async def _compare(self, path: str, sha256: str, error: HttpResponseError | None = None) -> Stored:
        found = await self.stat(path)
        if found is None:
            if error is not None and error.status_code == 403:
                raise explain(path, error) from error
            reason = code_of(error) if error else "gone again"
            message = f"{path}: refused as taken, but nothing is there ({reason}); try again"
            raise _PhantomError(message)
        if found.sha256 != sha256:
            raise StoreConflictError(path, expected=sha256, found=str(found.sha256))
        return Stored(path, found.size, sha256, created=False)

    async def _copy_on_server(
        self, upload: Upload, source: str, etag: str, origin: BlobInfo
    ) -> Stored | None:
        """Copy without moving the bytes through here; None when the service won't."""
        blob = self._blob(source)
        sha256 = str(origin.sha256)
        await self._ensure_container()
        with explained(upload.path):
            address, authorization = await self._access.readable(blob)
        try:
            attempt = upload.copy(Origin(blob, address, authorization, etag, origin.size), sha256)
            return await self._settle(upload, origin.size, sha256, attempt)
        except _PhantomError:
            return None
        except (StoreUnavailableError, StoreConflictError):
            raise
        except StoreError as error:
            self._known.pop(source, None)
            self._server_copies = getattr(error.__cause__, "status_code", 0) not in (401, 403, 501)
            return None

    def _remember(self, etag: str, info: BlobInfo) -> None:
        self._known[info.path] = (etag, info)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
