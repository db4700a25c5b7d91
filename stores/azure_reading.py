"""Reading blobs from Azure: bytes, properties, and the hash where nobody noted it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from stores.azure_access import explain
from stores.checks import HASH_KEY
from stores.interface import BlobInfo, BlobMissingError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from azure.storage.blob import BlobProperties
    from azure.storage.blob.aio import BlobClient


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
