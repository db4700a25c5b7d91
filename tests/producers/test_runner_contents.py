"""Content goes into the store under its hash, with little memory, and waits for a store that is down."""

import hashlib
import threading
import tracemalloc
from collections.abc import AsyncIterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from producers.contents import StoreContents
from producers.waiting import StoppedError, Waiting
from stores.folder import FolderStore
from stores.interface import Stored, StoreError, StoreUnavailableError


class ShakyStore(FolderStore):
    """A folder that is down for the first `down` writes."""

    down = 0
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
