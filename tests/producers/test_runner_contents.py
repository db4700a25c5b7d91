"""Content goes into the store under its hash, with little memory, and waits for a store that is down."""

import asyncio
import errno
import hashlib
import threading
import tracemalloc
import uuid
from collections.abc import AsyncIterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from producers.contents import TICK_S, StoreContents
from producers.spool import Spool
from producers.waiting import StoppedError, Waiting
from stores.factory import open_store
from stores.folder import FolderStore
from stores.interface import Store, Stored, StoreError, StoreUnavailableError
from stores.settings import AzureSettings, FolderSettings


class ShakyStore(FolderStore):
    """A folder that is down for the first `down` writes."""

    down, slow_s = 0, 0.0
    error: type[StoreError] = StoreUnavailableError

    async def create(
        self,
        path: str,
        data: bytes | AsyncIterable[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        sha256: str | None = None,
    ) -> Stored:
        """Fail, or store."""
        await asyncio.sleep(self.slow_s)
        if self.down > 0:
            self.down -= 1
            raise self.error("it is full")
        return await super().create(path, data, content_type=content_type, metadata=metadata, sha256=sha256)


def chunks(count: int, size: int = 1 << 20) -> Iterator[bytes]:
    """So many different chunks of 1 MiB."""
    for number in range(count):
        yield number.to_bytes(4, "big") * (size // 4)


def test_content_lies_under_its_hash(tmp_path: Path) -> None:
    """The reference says hash and size; the same bytes again change nothing."""
    data = b"".join(chunks(3, 1000))
    with closing(StoreContents(lambda: FolderStore(tmp_path), Waiting(threading.Event()))) as contents:
        ref = contents.put(chunks(3, 1000), "text/plain")
        assert contents.put([data], "text/plain") == ref
    digest = hashlib.sha256(data)
    assert ref == {"sha256": digest.digest(), "size": len(data)}
    assert (tmp_path / "_content" / digest.hexdigest()[:2] / digest.hexdigest()).read_bytes() == data


def test_memory_does_not_grow_with_the_content(tmp_path: Path) -> None:
    """60 MiB pass with less than 16."""
    with closing(StoreContents(lambda: FolderStore(tmp_path), Waiting(threading.Event()))) as contents:
        contents.put([b"warm"], "text/plain")
        tracemalloc.start()
        try:
            ref = contents.put(chunks(60), "application/octet-stream")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert ref["size"] == 60 << 20
    assert peak < 16 << 20


def test_a_store_that_is_down_is_waited_for(tmp_path: Path) -> None:
    """It says why, and stores in the end."""
    said: list[str] = []
    store = ShakyStore(tmp_path)
    store.down = 2
    with closing(StoreContents(lambda: store, Waiting(threading.Event(), said.append))) as contents:
        assert contents.put([b"x"], "text/plain")["size"] == 1
    assert said == ["the content store does not take attachments: it is full"] * 2


def test_a_stop_ends_the_wait(tmp_path: Path) -> None:
    """A collector must end although the store stays down."""
    stop = threading.Event()
    store = ShakyStore(tmp_path)
    store.down = 10_000
    contents = StoreContents(lambda: store, Waiting(stop, lambda _: stop.set()))
    with closing(contents), pytest.raises(StoppedError):
        contents.put([b"x"], "text/plain")


def test_other_errors_come_out(tmp_path: Path) -> None:
    """They need a person; waiting would not help."""
    store = ShakyStore(tmp_path)
    store.down, store.error = 1, StoreError
    contents = StoreContents(lambda: store, Waiting(threading.Event()))
    with closing(contents), pytest.raises(StoreError, match="full"):
        contents.put([b"x"], "text/plain")


def test_closing_unused_contents_is_fine(tmp_path: Path) -> None:
    """No thread was started, nothing is left open."""
    StoreContents(lambda: FolderStore(tmp_path), Waiting(threading.Event())).close()


def test_large_content_waits_where_it_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """The folder for temporary files may be memory; what is spooled is gone with the process, so it has no name."""
    spool = tmp_path / "spool"
    spool.mkdir()

    def noticed() -> Iterator[bytes]:
        yield from chunks(4)
        links = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        assert any(link.startswith(str(spool)) for link in links)

    store = FolderStore(tmp_path / "archive")
    with closing(StoreContents(lambda: store, Waiting(threading.Event()), spool)) as contents:
        assert contents.put(noticed(), "text/plain")["size"] == 4 << 20
    assert list(spool.iterdir()) == []


def test_a_full_disk_on_the_way_is_waited_for(tmp_path: Path) -> None:
    """No byte is lost or doubled, whatever part of a chunk still fitted."""
    said: list[str] = []

    class Tight(Spool):
        def _new_file(self) -> BinaryIO:
            return cast("BinaryIO", TightFile(super()._new_file()))

    data = b"".join(chunks(5))
    with Tight(tmp_path, Waiting(threading.Event(), said.append)) as spool:
        for chunk in chunks(5):
            spool.write(chunk)
        assert asyncio.run(_all(spool)) == data
        assert asyncio.run(_all(spool)) == data
    assert len(said) == 2
    assert "no space left" in said[0]


class TightFile:
    """A file on a disk that takes half of what it is given, and nothing at every third try."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._tries = file, 0
        self.seek, self.read, self.close = file.seek, file.read, file.close

    def write(self, data: memoryview) -> int:
        """Write some."""
        self._tries += 1
        if self._tries % 3 == 0 and self._tries < 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data[: max(1, len(data) // 2)] if self._tries < 9 else data)


async def _all(spool: Spool) -> bytes:
    return b"".join([chunk async for chunk in spool.chunks()])


@pytest.mark.parametrize("kind", ["folder", pytest.param("azurite", marks=pytest.mark.azurite)])
def test_what_two_share_at_the_same_moment_is_stored_once(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """Two collectors, or two messages: the second finds the bytes there, also when both began before either ended."""
    if kind == "azurite":
        blobs = request.getfixturevalue("azurite")
        settings: Any = AzureSettings(
            kind="azure", container=f"c{uuid.uuid4().hex[:8]}", api_version="2026-06-06",
            connection_string_file=_secret(tmp_path, blobs.connection_string),
        )  # fmt: skip
    else:
        settings = FolderSettings(kind="folder", path=tmp_path / "archive")
    both = threading.Barrier(3)

    def put(number: int) -> Any:
        def together() -> Iterator[bytes]:
            yield from chunks(9)
            both.wait(30)

        with closing(StoreContents(lambda: open_store(settings), Waiting(threading.Event()))) as contents:
            return contents.put(together(), f"text/x-{number}")

    with ThreadPoolExecutor(3) as pool:
        refs = list(pool.map(put, range(3)))
    assert refs == [refs[0]] * 3
    assert refs[0]["size"] == 9 << 20
    assert asyncio.run(_stored(open_store(settings))) == [(9 << 20, refs[0]["sha256"])]


def _secret(folder: Path, text: str) -> Path:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    return path


async def _stored(store: Store) -> list[tuple[int, bytes]]:
    found = []
    async for info in store.list("_content/"):
        body = await store.read(info.path)
        found.append((info.size, hashlib.sha256(body).digest()))
    await store.close()
    return found


def test_a_large_file_that_moves_shows_that_the_collector_lives(tmp_path: Path) -> None:
    """Each piece is told, from the source and into the store: health checks must not end a long download."""
    waiting, told = Waiting(threading.Event()), list[int]()
    waiting.alive = lambda: told.append(1)
    store = ShakyStore(tmp_path)
    with closing(StoreContents(lambda: store, waiting)) as contents:
        contents.put(chunks(5), "text/plain")
        of_pieces = len(told)
        store.slow_s = 3 * TICK_S
        contents.put([b"x"], "text/plain")
    assert of_pieces >= 5
    assert len(told) >= of_pieces + 2
