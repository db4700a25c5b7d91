"""Removing blobs from Azure: the credential must have the delete permission, which no other process needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceNotFoundError

from stores.azure_access import explain
from stores.azure_open import access_of
from stores.paths import check_path

if TYPE_CHECKING:
    from stores.azure_access import Access
    from stores.settings import AzureSettings


class AzureDisposal:
    """In one container; see `stores.disposal.Disposal`."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def remove(self, path: str) -> bool:
        """Remove a blob with its snapshots (`x-ms-delete-snapshots: include`).

        Soft delete, versioning or an immutability policy of the account keep it for as long as they say; a policy or a
        legal hold of Azure refuses, and that is a `StoreError`.
        (https://learn.microsoft.com/rest/api/storageservices/delete-blob)
        """
        blob = self._access.container.get_blob_client(check_path(path))
        try:
            await blob.delete_blob(delete_snapshots="include")
        except ResourceNotFoundError:
            return False
        except AzureError as error:
            raise explain(path, error) from error
        return True

    async def folders(self, path: str) -> list[str]:
        """What blobs' names have below `path/` up to the next slash: one request for up to 5,000 of them.

        (https://learn.microsoft.com/rest/api/storageservices/list-blobs, delimiter)
        """
        prefix = f"{check_path(path)}/"
        try:
            found = self._access.container.walk_blobs(name_starts_with=prefix, delimiter="/")
            return sorted([
                one.name[len(prefix) :].rstrip("/") async for one in found if one.name.endswith("/")
            ])  # fmt: skip
        except AzureError as error:
            raise explain(path, error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._access.close()


def open_azure_disposal(settings: AzureSettings) -> AzureDisposal:
    """The disposal of the container that `settings` names; `StoreError` when a secret is missing or malformed."""
    return AzureDisposal(access_of(settings))
