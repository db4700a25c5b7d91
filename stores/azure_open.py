"""From settings to a store in Azure; importing this loads Azure's libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stores.azure import AzureStore
from stores.azure_access import Access, by_connection_string, by_default_credential, by_sas
from stores.interface import StoreError
from stores.protection import Protections

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stores.settings import AzureSettings


def open_azure(settings: AzureSettings, everybody: Iterable[str] = ()) -> AzureStore:
    """Return the store that `settings` names; `StoreError` when a secret is missing or malformed."""
    protections = Protections(settings.protection, settings.protections, everybody)
    return AzureStore(
        access_of(settings), create_container=settings.create_container, protections=protections
    )


def access_of(settings: AzureSettings) -> Access:
    """The way in that `settings` names; `StoreError` as in `open_azure`."""
    text, sas = settings.connection_string(), settings.sas()
    url, container, version = str(settings.account_url or ""), settings.container, settings.api_version
    try:
        if text is not None:
            return by_connection_string(text, container, api_version=version)
        if sas is not None:
            return by_sas(url, container, sas, api_version=version)
        return by_default_credential(url, container, api_version=version)
    except ValueError:
        # The library's own text may quote the secret.
        message = f"container {container}: the connection string, address or API version is malformed"
        raise StoreError(message) from None
