"""Reading blobs from Azure: bytes, properties, and the hash where nobody noted it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from azure.core.exceptions import AzureError, ResourceNotFoundError

from stores.azure_access import FETCH_SIZE, explain, explained
from stores.checks import HASH_KEY
from stores.interface import CHUNK_SIZE, BlobInfo, BlobMissingError
from stores.paths import check_path, is_listed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.storage.blob import BlobProperties
    from azure.storage.blob.aio import BlobClient, ContainerClient

PROBE: Final = ".chatledger/probe"


class AzureReader:
    """The reading half of a store in one container."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def read(self, path: str) -> bytes:
        """Return all bytes; see `Store.read`."""
        return b"".join([chunk async for chunk in self.stream(path, chunk_size=FETCH_SIZE)])

    async def stream(self, path: str, *, chunk_size: int = CHUNK_SIZE) -> AsyncIterator[bytes]:
        """Yield the bytes in chunks; see `Store.stream`."""
        async for chunk in chunks_of(self._blob(path), chunk_size):
            yield chunk

    async def stat(self, path: str) -> BlobInfo | None:
        """Return what stands there; its bytes are read only if their hash isn't in the metadata."""
        try:
            _, info = await look(self._blob(path))
        except BlobMissingError:
            return None
        return info

    async def exists(self, path: str) -> bool:
        """Tell whether anything stands there; see `Store.exists`."""
        with explained(path):
            return await self._blob(path).exists()

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """Yield what is there, with hashes as far as noted; see `Store.list`."""
        with explained(self._container.container_name):
            found = self._container.list_blobs(name_starts_with=prefix or None, include=["metadata"])
            async for properties in found:
                if is_listed(str(properties.name)):
                    yield info_of(properties)

    def _blob(self, path: str) -> BlobClient:
        """Return a light child of the one client."""
        return self._container.get_blob_client(path if path == PROBE else check_path(path))


async def chunks_of(blob: BlobClient, chunk_size: int) -> AsyncIterator[bytes]:
    """Yield the bytes of a blob, at most `chunk_size` at a time; all of one version of it."""
    path = blob.blob_name
    try:
        download = await blob.download_blob()
        async for block in download.chunks():
            for start in range(0, len(block), chunk_size):
                yield block[start : start + chunk_size]
    except ResourceNotFoundError as error:
        raise BlobMissingError(path) from error
    except AzureError as error:
        raise explain(path, error) from error


async def look(blob: BlobClient) -> tuple[str, BlobInfo]:
    """Return ETag and properties of a blob; its bytes are read only if their hash isn't in the metadata."""
    path = blob.blob_name
    try:
        properties = await blob.get_blob_properties()
    except ResourceNotFoundError as error:
        raise BlobMissingError(path) from error
    except AzureError as error:
        raise explain(path, error) from error
    info = info_of(properties)
    if info.sha256 is None:
        info = replace(info, sha256=await _hash_of(blob))
    return str(properties.etag), info


def info_of(properties: BlobProperties) -> BlobInfo:
    """Return what a listing or a look tells of a blob."""
    noted = {str(key).lower(): str(value) for key, value in (properties.metadata or {}).items()}
    sha256 = noted.pop(HASH_KEY, None)
    kind = str(properties.content_settings.content_type or "application/octet-stream")
    return BlobInfo(str(properties.name), int(properties.size), sha256, kind, MappingProxyType(noted))


async def _hash_of(blob: BlobClient) -> str:
    running = hashlib.sha256()
    async for chunk in chunks_of(blob, 1 << 20):
        running.update(chunk)
    return running.hexdigest()
