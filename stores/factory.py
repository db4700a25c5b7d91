"""From settings to a store; Azure's libraries are loaded only by who uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stores.folder import FolderStore
from stores.settings import AzureSettings, FolderSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stores.interface import Store


def open_store(settings: FolderSettings | AzureSettings, everybody: Iterable[str] = ()) -> Store:
    """Return the store that `settings` names, without touching it yet (`Store.check` does).

    `everybody`: uids of all connectors, for who asks how the archive is protected.

    Must be called within a running event loop, and the store closed in it. Raises `StoreError` when a secret
    is not where the settings say, or isn't one.
    """
    if isinstance(settings, FolderSettings):
        return FolderStore(settings.path, durable=settings.durable)
    from stores.azure_open import open_azure  # noqa: PLC0415 - loads Azure's libraries, 0.5 s

    return open_azure(settings, everybody)
