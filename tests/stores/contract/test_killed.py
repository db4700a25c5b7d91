"""What a writer leaves behind that was killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stores.folder_files import INCOMING
from stores.settings import FolderSettings
from tests.stores.conftest import Backend

if TYPE_CHECKING:
    from stores.interface import Store

MIB = 1 << 20


def kill_in_the_middle(backend: Backend, *how: str) -> None:
    """Let a process write 5 MiB of a body to a/b, and kill it before the end."""
    arguments = [
        sys.executable,
        "-m",
        "tests.stores.writer",
        backend.settings.model_dump_json(),
        "a/b",
        "5",
        *how,
    ]
    root = Path(__file__).parents[3]
    with subprocess.Popen(arguments, cwd=root, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        try:
            assert writer.stdout.readline() == "half\n"
        finally:
            writer.kill()


def test_a_killed_writer_leaves_no_half_file(backend: Backend) -> None:
    """Nothing is seen of what a killed process wrote, and the path is free for the next one."""

    async def afterwards(store: Store) -> None:
        assert await store.stat("a/b") is None
        assert [info async for info in store.list("")] == []
        stored = await store.create("a/b", b"whole", content_type="text/plain")
        assert stored.created
        assert [info.path async for info in store.list("")] == ["a/b"]

    kill_in_the_middle(backend)
    backend.run(afterwards)


def test_a_copy_replaces_a_killed_one(backend: Backend) -> None:
    """A copy can be made where a killed process had begun to write."""

    async def copy(store: Store) -> None:
        source = await store.create("source", b"mail", content_type="text/plain")
        copied = await store.copy("source", "a/b", content_type="text/plain", sha256=source.sha256)
        assert copied.created
        assert await store.read("a/b") == b"mail"

    kill_in_the_middle(backend)
    backend.run(copy)


def test_leftovers_are_swept_but_not_a_living_writer(backend: Backend) -> None:
    """The next writer removes an old leftover, and leaves what is young or still being written."""
    if not isinstance(backend.settings, FolderSettings):
        return  # Azure forgets uncommitted blocks by itself, after a week
    kill_in_the_middle(backend)
    incoming = backend.settings.path / INCOMING
    (leftover,) = incoming.iterdir()
    long_ago = time.time() - 3600

    async def write(store: Store) -> None:
        await store.create("a/c", b"x", content_type="text/plain")

    backend.run(write)
    assert leftover.exists()
    os.utime(leftover, (long_ago, long_ago))
    backend.run(write)
    assert leftover.exists()  # nothing had to be written, so nothing was swept

    async def write_more(store: Store) -> None:
        await store.create("a/d", b"x", content_type="text/plain")

    backend.run(write_more)
    assert list(incoming.iterdir()) == []


def test_a_writer_killed_before_the_name_leaves_nothing(tmp_path: Path) -> None:
    """A file in one piece whose writer is killed when all bytes are written, and the name isn't: there is no trace of it."""
    backend = Backend(FolderSettings(path=tmp_path / "archive"))
    kill_in_the_middle(backend, "linking")
    assert [path.name for path in (tmp_path / "archive").rglob("*")] == ["a"]

    async def again(store: Store) -> None:
        assert (await store.create("a/b", b"whole", content_type="text/plain")).created

    backend.run(again)
