"""What others do to an archive's folder, and disks that are full, read-only or without /proc."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stores import folder_files as files
from stores.folder import FolderStore
from stores.folder_files import INCOMING
from stores.interface import LinkFoundError, StoreConflictError, StoreError
from stores.settings import FolderSettings
from tests.stores.folders import MAIL, SHA, stored

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


def test_a_folder_that_is_removed_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an order of disposition removes one that it has emptied; that says nothing of what this file system can do."""
    store, really, removed = FolderStore(tmp_path), files.write, list[Path]()

    def removing(take: Callable[[memoryview], int], data: bytes) -> None:
        if len(removed) < 2:
            removed.append(tmp_path / "ann/in")
            shutil.rmtree(tmp_path / "ann")
        really(take, data)

    monkeypatch.setattr(files, "write", removing)
    asyncio.run(stored(store, "ann/in/m.eml", "ann/in/n.eml"))
    assert len(removed) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["ann"]


def test_a_changed_file_is_found_out(tmp_path: Path) -> None:
    """A stored file that somebody altered is a conflict for its writer, and no source for a copy."""
    store = FolderStore(tmp_path)

    async def scenario() -> None:
        await store.create("m.eml", b"mail", content_type=MAIL)
        path = tmp_path / "m.eml"
        path.chmod(0o644)
        path.write_bytes(b"Mail")
        os.utime(path, (1, 1))
        with pytest.raises(StoreConflictError):
            await store.create("m.eml", b"mail", content_type=MAIL)
        with pytest.raises(StoreError, match="announced"):
            await store.copy("m.eml", "copy.eml", content_type=MAIL, sha256=SHA)

    asyncio.run(scenario())


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    """The error says which file to move away."""
    store = FolderStore(tmp_path)

    async def scenario() -> None:
        await store.create("ann", b"mail", content_type=MAIL)
        with pytest.raises(StoreError, match="move it away"):
            await store.create("ann/m.eml", b"mail", content_type=MAIL)

    asyncio.run(scenario())


def test_a_symbolic_link_is_no_file_of_the_store(tmp_path: Path) -> None:
    """Whatever it leads to, also to the same bytes, also to nothing: it is not read, and no write takes it for its own."""
    store, elsewhere = FolderStore(tmp_path / "archive"), tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mail")

    async def scenario() -> None:
        made = await store.create("m.eml", b"mail", content_type=MAIL)
        for place, goal in (
            ("same", elsewhere),
            ("inner", tmp_path / "archive/m.eml"),
            ("none", tmp_path / "none"),
        ):
            (tmp_path / "archive" / place).symlink_to(goal)
            for look in (store.read, store.stat):
                with pytest.raises(LinkFoundError, match="symbolic link"):
                    await look(place)
            with pytest.raises(StoreConflictError, match="symbolic link"):
                await store.create(place, b"mail", content_type=MAIL)
            with pytest.raises(StoreConflictError, match="symbolic link"):
                await store.copy("m.eml", place, content_type=MAIL, sha256=made.sha256)
            with pytest.raises(LinkFoundError):
                await store.copy(place, "copy.eml", content_type=MAIL, sha256=made.sha256)

    asyncio.run(scenario())


def works(command: list[str]) -> bool:
    """Tell whether a command ends well."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def in_namespace(script: str, tmp_path: Path, *arguments: str) -> str:
    """Run a shell script in a mount namespace of its own, where a small disk can be mounted for real."""
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-ec"]
    if shutil.which("unshare") is None or not works([*prefix, ":"]):
        pytest.skip("this machine lets nobody mount in a namespace of their own")
    command = [*prefix, script, "sh", str(tmp_path), sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_a_full_disk_is_something_to_wait_for(tmp_path: Path) -> None:
    """On a disk of 2 MiB, 3 MiB don't fit: the caller is told to wait, nothing stays, and 1 MiB fits."""
    settings = FolderSettings(path=tmp_path / "a").model_dump_json()
    script = (
        'mount -t tmpfs -o size=2m none "$1"\n'
        '"$2" -m tests.stores.writer "$3" b/large 3 whole\n'
        '"$2" -m tests.stores.writer "$3" b/small 1 whole\n'
    )
    large, small = in_namespace(script, tmp_path, settings).splitlines()
    assert large.startswith("StoreUnavailableError")
    assert "no space left" in large
    assert small == f"stored True {1 << 20}"


def test_a_read_only_disk_says_what_to_do(tmp_path: Path) -> None:
    """Where nothing may be written, the error names user and folder."""
    settings = FolderSettings(path=tmp_path / "a").model_dump_json()
    script = 'mount -t tmpfs -o ro none "$1"\n"$2" -m tests.stores.writer "$3" b/c 1 whole\n'
    said = in_namespace(script, tmp_path, settings)
    assert said.startswith("StoreError")
    assert "or name another folder" in said


def test_works_without_proc(tmp_path: Path) -> None:
    """Where /proc is not mounted, nameless files can't be named, and files grow below `.incoming`."""
    settings = FolderSettings(path=tmp_path / "a").model_dump_json()
    script = 'mount -t tmpfs none /proc\n"$2" -m tests.stores.writer "$3" b/c 1 bytes\n'
    assert in_namespace(script, tmp_path, settings) == f"stored True {1 << 20}\n"
    assert list((tmp_path / "a" / INCOMING).iterdir()) == []
    assert (tmp_path / "a/b/c").read_bytes() == bytes(1 << 20)
