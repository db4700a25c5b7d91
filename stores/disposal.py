"""The one way to remove something from a store: a small interface of its own, opened by `chatledger dispose` alone.

`Store` can only create and read (stores/interface.py), and nothing that has a `Store` in its hands can remove anything. This
needs rights that no other process needs: to write into the folder, or the delete permission of Azure.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from stores import folder_files as files
from stores import folder_places as places
from stores.paths import check_path
from stores.settings import AzureSettings, FolderSettings

if TYPE_CHECKING:
    from pathlib import Path


class Disposal(Protocol):
    """Removes single files; raises `StoreError` or one of its subclasses, nothing else."""

    async def remove(self, path: str) -> bool:
        """Remove what stands at this path, durably; False if nothing stands there."""
        ...

    async def folders(self, path: str) -> list[str]:
        """Names of the folders right below this one, sorted; none where it does not exist."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


class FolderDisposal:
    """In a local folder; folders that become empty go too."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    async def remove(self, path: str) -> bool:
        """See `Disposal.remove`. Other names of the same file (hard links) stay."""
        target = self._root / check_path(path)
        with files.explained(self._root):
            return await asyncio.to_thread(_remove, target, self._root)

    async def folders(self, path: str) -> list[str]:
        """See `Disposal.folders`. Links are none."""
        target = self._root / check_path(path)
        with files.explained(self._root):
            return await asyncio.to_thread(_folders, target)

    async def close(self) -> None:
        """Nothing is held open."""


def _folders(target: Path) -> list[str]:
    try:
        return sorted(one.name for one in target.iterdir() if one.is_dir() and not one.is_symlink())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove(target: Path, root: Path) -> bool:
    try:
        target.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    with contextlib.suppress(FileNotFoundError):  # another process removed the rest, and the folder with it
        places.sync_folder(target.parent)
    for folder in target.parents:
        if folder == root or not folder.is_relative_to(root) or not _is_gone(folder):
            break
    return True


def _is_gone(folder: Path) -> bool:
    """Whether it is not there any more: it goes if it is empty."""
    try:
        folder.rmdir()
    except FileNotFoundError:  # another process was faster
        return True
    except OSError:  # it is not empty
        return False
    return True


def open_disposal(settings: FolderSettings | AzureSettings) -> Disposal:
    """The disposal of the store that `settings` names; as `open_store`."""
    if isinstance(settings, FolderSettings):
        return FolderDisposal(settings.path)
    from stores.azure_disposal import open_azure_disposal  # noqa: PLC0415 - loads Azure's libraries, 0.5 s

    return open_azure_disposal(settings)
