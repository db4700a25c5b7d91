"""A file counts as stored when a power cut can't take it away, or the folders above it."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from pathlib import Path

import pytest

from stores.folder import FolderStore
from stores.interface import StoreError
from tests.stores.folders import MAIL


def synced(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[str]:
    """The folders of which somebody asks that a power cut loses no name in them, below the root's own."""
    found, really = list[str](), os.fsync

    def watching(number: int) -> None:
        path = Path(f"/proc/self/fd/{number}").readlink()
        if path.is_dir():
            found.append(str(path.relative_to(root.parent)))
        really(number)

    monkeypatch.setattr(os, "fsync", watching)
    return found


@pytest.mark.parametrize("nameless", [True, False])
def test_a_folder_that_another_has_made_is_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, nameless: bool
) -> None:
    """Whoever made it may not have synced it yet: a file counts as durable only when all names on its path are."""
    root = tmp_path / "archive"
    (root / "ann/in").mkdir(parents=True)
    store, found = FolderStore(root, nameless=nameless), synced(monkeypatch, root)

    async def scenario() -> None:
        await store.create("ann/in/m.eml", b"mail", content_type=MAIL)
        assert set(found) >= {".", "archive", "archive/ann", "archive/ann/in"}
        found.clear()
        await store.create("ann/in/n.eml", b"mail", content_type=MAIL)
        assert found == ["archive/ann/in"]
        shutil.rmtree(root / "ann")
        found.clear()
        await store.create("ann/in/m.eml", b"mail", content_type=MAIL)
        assert set(found) >= {"archive", "archive/ann", "archive/ann/in"}

    asyncio.run(scenario())


def test_a_folder_that_is_made_again_is_kept_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing failed for want of it: an order that removes one folder may have removed others."""
    root = tmp_path / "archive"
    store, found = FolderStore(root), synced(monkeypatch, root)

    async def scenario() -> None:
        for path in ("ann/in/m.eml", "bob/in/m.eml"):
            await store.create(path, b"mail", content_type=MAIL)
        for name in ("ann", "bob"):
            shutil.rmtree(root / name)
        await store.create("ann/in/n.eml", b"mail", content_type=MAIL)
        found.clear()
        await store.create("bob/in/n.eml", b"mail", content_type=MAIL)
        assert set(found) >= {"archive", "archive/bob", "archive/bob/in"}

    asyncio.run(scenario())


def test_a_folder_counts_as_kept_when_all_above_it_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails in between is asked again by whoever writes there next."""
    root = tmp_path / "archive"
    store, really, failed = FolderStore(root), os.fsync, list[Path]()

    def failing(number: int) -> None:
        path = Path(f"/proc/self/fd/{number}").readlink()
        if path == root and not failed:
            failed.append(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        really(number)

    monkeypatch.setattr(os, "fsync", failing)

    async def scenario() -> None:
        with pytest.raises(StoreError):
            await store.create("ann/in/m.eml", b"mail", content_type=MAIL)
        found = synced(monkeypatch, root)
        await store.create("ann/in/n.eml", b"mail", content_type=MAIL)
        assert set(found) >= {"archive", "archive/ann", "archive/ann/in"}

    asyncio.run(scenario())
    assert failed == [root]
