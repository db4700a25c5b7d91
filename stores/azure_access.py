"""How Azure is reached: the client with its time-outs and retries, and what its errors mean for a caller."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobSasPermissions, generate_blob_sas
from azure.storage.blob.aio import ContainerClient, ExponentialRetry

from stores.interface import BlobMissingError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.blob.aio import BlobClient

BLOCK_SIZE: Final = 2 << 20
"""Bytes of one block of a streamed upload: client and transport hold up to three and a half of them."""

FETCH_SIZE: Final = 1 << 20
"""Bytes of one request of a download, of which client and transport hold up to four and a half."""

SINGLE_PUT_SIZE: Final = 1 << 20
"""Bytes up to which a body goes up in one request; aiohttp sends plain bytes at one go, and warns above."""

_SCOPE: Final = "https://storage.azure.com/.default"
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Access:
    """One container, and how the service itself may read from it (for copies that stay on the server)."""

    container: ContainerClient
    credential: AsyncTokenCredential | None = None

    async def readable(self, blob: BlobClient) -> tuple[str, str | None]:
        """Return an address that lets the service read `blob`, and the Authorization to go with it."""
        if self.credential is not None:
            return blob.url, f"Bearer {(await self.credential.get_token(_SCOPE)).token}"
        key = getattr(blob.credential, "account_key", None)
        if key is None:
            return blob.url, None  # a SAS is part of the address already
        return f"{blob.url}?{_read_token(blob, key)}", None

    async def close(self) -> None:
        """Close the connections."""
        await self.container.close()
        if self.credential is not None:
            await self.credential.close()


def by_connection_string(text: str, container: str, **tuning: Any) -> Access:
    """Reach a container with a storage account's connection string; tuning: see `client_options`."""
    return Access(ContainerClient.from_connection_string(text, container, **client_options(**tuning)))


def by_sas(account_url: str, container: str, sas: str, **tuning: Any) -> Access:
    """Reach a container with a shared access signature: its token, or an address that ends in it."""
    token = urlsplit(sas).query if "://" in sas else sas.lstrip("?")
    return Access(ContainerClient(account_url, container, credential=token, **client_options(**tuning)))


def by_default_credential(account_url: str, container: str, **tuning: Any) -> Access:
    """Reach a container as whoever this process is to Microsoft Entra ID (managed identity, CLI, ...)."""
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - slow to import, seldom needed

    credential = DefaultAzureCredential()
    client = ContainerClient(account_url, container, credential=credential, **client_options(**tuning))
    return Access(client, credential)


def client_options(
    *,
    api_version: str | None = None,
    retries: int = 4,
    backoff_s: int = 1,
    connect_timeout_s: float = 5,
    read_timeout_s: float = 30,
) -> dict[str, Any]:
    """Return the keyword arguments of a client that gives up after about 20 s of waiting, in all.

    Waits are `backoff_s` + 2, 4, 8, ... seconds, give or take one; azure-storage-blob's own default waits
    15 s before it tries a second time.
    """
    retry = ExponentialRetry(
        initial_backoff=backoff_s, increment_base=2 * min(backoff_s, 1), retry_total=retries,
        random_jitter_range=min(backoff_s, 1),
    )  # fmt: skip
    options: dict[str, Any] = {"retry_policy": retry, "max_single_put_size": SINGLE_PUT_SIZE}
    options |= {"connection_timeout": connect_timeout_s, "read_timeout": read_timeout_s}
    options |= {"max_single_get_size": FETCH_SIZE, "max_chunk_get_size": FETCH_SIZE}
    # Else aiohttp asks for a proxy, and for a .netrc that no request of ours could use, in a thread before each request.
    options["use_env_settings"] = _has_proxy()
    return options | ({"api_version": api_version} if api_version else {})


def _has_proxy() -> bool:
    """Whether the environment names one, as HTTPS_PROXY and its like do; looked at once, when a store is opened."""
    return bool(getproxies().keys() - {"no"})


async def make_container(container: ContainerClient) -> None:
    """Make it if it is missing; a credential that may not is no error here, since it may be there."""
    name = container.container_name
    try:
        await container.create_container()
    except HttpResponseError as error:
        if error.status_code not in (401, 403, 409):
            raise explain(name, error) from error
    except AzureError as error:
        raise explain(name, error) from error


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn an error of azure-storage-blob into a `StoreError` with a sentence on what to do."""
    try:
        yield
    except AzureError as error:
        raise explain(what, error) from error


def is_taken(error: HttpResponseError) -> bool:
    """Tell whether a create-only write may have failed because something stands there already.

    409 BlobAlreadyExists and 412 say so; InvalidBlockList is what remains when another writer has committed
    first. A credential that may create but not overwrite is answered 403 (UnauthorizedBlobOverwrite; Azurite:
    AuthorizationPermissionMismatch), which may mean anything: only a look tells.
    """
    if code_of(error) in ("SourceConditionNotMet", "CannotVerifyCopySource"):
        return False
    return error.status_code in (403, 409, 412) or code_of(error) == "InvalidBlockList"


def is_passing(error: HttpResponseError) -> bool:
    """Tell whether the service is down or throttling, which waiting may cure."""
    return error.status_code in _PASSING


def code_of(error: HttpResponseError) -> str:
    """Return Azure's own word for an error, such as `BlobNotFound`, or an empty text."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def explain(what: str, error: AzureError) -> StoreError:
    """Return what an error means; secrets that a request may have carried stay out of the text."""
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        if isinstance(error, ClientAuthenticationError):
            return StoreError(f"{what}: no credential for Azure ({error.message}); sign in or configure one")
        return StoreUnavailableError(f"{what}: Azure Blob can't be reached ({type(error).__name__})")
    answer = f"{error.status_code} {code_of(error)}".strip()
    if is_passing(error):
        return StoreUnavailableError(f"{what}: Azure Blob answers {answer}; trying again later may help")
    if isinstance(error, ResourceNotFoundError) and code_of(error) == "BlobNotFound":
        return BlobMissingError(what)
    return StoreError(f"{what}: Azure Blob answers {answer}; {_advice(error)}")


def _advice(error: HttpResponseError) -> str:
    if code_of(error) == "ContainerNotFound":
        return "create the container, or let this credential create it"
    if error.status_code in (401, 403):
        return "check the credential: it needs to read, create, write and list blobs in this container"
    if code_of(error) == "InvalidHeaderValue":
        return "the service may not know this API version; set api_version to one that it knows"
    return "this is not expected to pass by itself"


def _read_token(blob: BlobClient, key: str) -> str:
    """Sign for reading one blob; an hour, since the service may take its time over a large one."""
    return generate_blob_sas(
        str(blob.account_name),
        blob.container_name,
        blob.blob_name,
        account_key=key,
        permission=BlobSasPermissions(read=True),
        expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )
