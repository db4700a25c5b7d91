"""Writing once: what is created, what is already there, and what must never be overwritten."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from stores.interface import (
    BadPathError,
    BlobMissingError,
    ChecksumError,
    StoreConflictError,
    Stored,
    StoreError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stores.interface import Store
    from tests.stores.conftest import Backend

MAIL = "message/rfc822"
MIB = 1 << 20


def sha(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


async def body(size: int, chunk: int = MIB) -> AsyncIterator[bytes]:
    """Yield `size` bytes that repeat with a period of 251, in chunks."""
    pattern = bytes(range(251)) * (chunk // 251 + 2)
    for start in range(0, size, chunk):
        offset = start % 251
        yield pattern[offset : offset + min(chunk, size - start)]


def test_creates_once_and_knows_the_same_bytes_again(backend: Backend) -> None:
    """The second writer of the same bytes is told that they were there."""

    async def scenario(store: Store) -> None:
        first = await store.create("box/mail.eml", b"hello", content_type=MAIL, metadata={"k": "v"})
        again = await store.create("box/mail.eml", b"hello", content_type=MAIL, metadata={"k": "v"})
        assert first == Stored("box/mail.eml", 5, sha(b"hello"), created=True)
        assert again == Stored("box/mail.eml", 5, sha(b"hello"), created=False)

    backend.run(scenario)


@pytest.mark.parametrize("large", [False, True])
def test_never_overwrites(backend: Backend, *, large: bool) -> None:
    """Other bytes at a path are a conflict that names both hashes, and what stood there stays."""
    size = 9 * MIB if large else 10

    async def scenario(store: Store) -> None:
        await store.create("box/mail.eml", b"first", content_type=MAIL)
        with pytest.raises(StoreConflictError) as caught:
            await store.create("box/mail.eml", b"x" * size, content_type=MAIL)
        assert (caught.value.expected, caught.value.found) == (sha(b"x" * size), sha(b"first"))
        assert await store.read("box/mail.eml") == b"first"

    backend.run(scenario)


def test_an_announced_hash_is_checked(backend: Backend) -> None:
    """Bytes that aren't the announced ones are refused, in memory and streamed, and leave nothing."""

    async def scenario(store: Store) -> None:
        for data in (b"abc", body(5 * MIB)):
            with pytest.raises(ChecksumError):
                await store.create("box/a", data, content_type=MAIL, sha256="0" * 64)
        assert await store.stat("box/a") is None

    backend.run(scenario)


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 9 * MIB])
def test_streams_of_all_sizes_arrive_whole(backend: Backend, size: int) -> None:
    """A streamed body is the same blob as the same bytes in one piece, at every edge of a block."""

    async def scenario(store: Store) -> None:
        whole = b"".join([chunk async for chunk in body(size, 777_777)])
        stored = await store.create("a/stream", body(size, 777_777), content_type="application/pdf")
        again = await store.create("a/stream", whole, content_type="application/pdf", sha256=sha(whole))
        assert stored == Stored("a/stream", size, sha(whole), created=True)
        assert again == Stored("a/stream", size, sha(whole), created=False)
        assert await store.read("a/stream") == whole

    backend.run(scenario)


def test_a_stream_of_32_mb_needs_8_mb(backend: Backend) -> None:
    """Memory stays bounded, up and down, however large the body is."""

    async def scenario(store: Store) -> None:
        await store.create("warm", b"up", content_type=MAIL)
        tracemalloc.start()
        stored = await store.create("a/large", body(32 * MIB), content_type=MAIL)
        down = hashlib.sha256()
        async for chunk in store.stream("a/large"):
            down.update(chunk)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert down.hexdigest() == stored.sha256
        assert peak < 8 * MIB + 3 * MIB  # the test's own pattern, chunk and slice

    backend.run(scenario)


def test_a_known_hash_spares_the_upload(backend: Backend) -> None:
    """A body whose hash is announced and stored already isn't read at all."""

    async def unread() -> AsyncIterator[bytes]:
        for _ in range(1):
            raise AssertionError
        yield b""

    async def scenario(store: Store) -> None:
        await store.create("a/b", b"same", content_type=MAIL)
        again = await store.create("a/b", unread(), content_type=MAIL, sha256=sha(b"same"))
        assert not again.created
        with pytest.raises(StoreConflictError):
            await store.create("a/b", unread(), content_type=MAIL, sha256=sha(b"other"))

    backend.run(scenario)


def test_a_failing_body_leaves_nothing(backend: Backend) -> None:
    """The body's own error reaches the caller unchanged, and no half file is seen."""

    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(5 * MIB)
        raise ConnectionResetError

    async def scenario(store: Store) -> None:
        with pytest.raises(ConnectionResetError):
            await store.create("a/b", breaking(), content_type=MAIL)
        assert await store.stat("a/b") is None
        assert [info async for info in store.list("")] == []

    backend.run(scenario)


@pytest.mark.parametrize("streamed", [False, True])
def test_of_many_writers_exactly_one_creates(backend: Backend, *, streamed: bool) -> None:
    """Twelve writers of the same bytes at once all succeed, and one of them has created."""
    size = 5 * MIB if streamed else 10_000

    async def scenario(store: Store) -> None:
        data = b"".join([chunk async for chunk in body(size)])
        writers = [
            store.create("a/race", body(size) if streamed else data, content_type=MAIL) for _ in range(12)
        ]
        outcomes = await asyncio.gather(*writers)
        assert sorted(outcome.created for outcome in outcomes) == [False] * 11 + [True]
        assert await store.read("a/race") == data

    backend.run(scenario)


@pytest.mark.parametrize("size", [100, 5 * MIB])
def test_of_many_different_writers_one_wins_whole(backend: Backend, size: int) -> None:
    """Writers of different bytes: one wins, the others learn of the conflict, blocks never mix."""

    async def chunks(data: bytes) -> AsyncIterator[bytes]:
        yield data

    async def scenario(store: Store) -> None:
        bodies = [bytes([number]) * size for number in range(6)]
        writers = [store.create("a/race", chunks(data), content_type=MAIL) for data in bodies]
        outcomes = await asyncio.gather(*writers, return_exceptions=True)
        won = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
        assert [outcome.created for outcome in won] == [True]
        assert sum(isinstance(outcome, StoreConflictError) for outcome in outcomes) == 5
        assert sha(await store.read("a/race")) == won[0].sha256

    backend.run(scenario)


def test_copies_create_only(backend: Backend) -> None:
    """A copy is made once, found again, checked against its source, and overwrites nothing."""

    async def scenario(store: Store) -> None:
        await store.create("_mails/u/ab/abc.eml", b"mail", content_type=MAIL)
        await store.create("ann/other.eml", b"other", content_type=MAIL)
        for created in (True, False):
            copy = await store.copy(
                "_mails/u/ab/abc.eml", "ann/1.eml", content_type=MAIL, sha256=sha(b"mail")
            )
            assert copy == Stored("ann/1.eml", 4, sha(b"mail"), created=created)
        with pytest.raises(StoreConflictError):
            await store.copy("_mails/u/ab/abc.eml", "ann/other.eml", content_type=MAIL, sha256=sha(b"mail"))
        with pytest.raises(ChecksumError):
            await store.copy("_mails/u/ab/abc.eml", "ann/2.eml", content_type=MAIL, sha256=sha(b"else"))
        with pytest.raises(BlobMissingError):
            await store.copy("_mails/none.eml", "ann/2.eml", content_type=MAIL, sha256=sha(b"mail"))
        assert await store.stat("ann/2.eml") is None

    backend.run(scenario)


def test_copies_of_a_store_opened_anew(backend: Backend) -> None:
    """A copy needs nothing that an earlier process knew, and may bear another type and metadata."""

    async def write(store: Store) -> None:
        await store.create("_content/ab/abc", bytes(5 * MIB), content_type="application/pdf")

    async def copy(store: Store) -> None:
        announced = sha(bytes(5 * MIB))
        for path, kind in (("ann/a.pdf", "application/pdf"), ("ann/b.eml", MAIL)):
            await store.copy(
                "_content/ab/abc", path, content_type=kind, metadata={"n": "1"}, sha256=announced
            )
            info = await store.stat(path)
            assert info is not None
            assert (info.sha256, info.content_type, info.size) == (announced, kind, 5 * MIB)
            assert backend.in_folder or dict(info.metadata) == {"n": "1"}

    backend.run(write)
    backend.run(copy)


@pytest.mark.parametrize("path", ["", "/etc/x", "../x", "a/../../x", "a//b", "a\\b", "a/.x", "a/b.", "a\x00"])
def test_no_path_leaves_the_store(backend: Backend, path: str) -> None:
    """Paths that climb, hide, or can't be held by every store are refused by every method."""

    async def scenario(store: Store) -> None:
        await store.create("ok", b"x", content_type=MAIL)
        with pytest.raises(BadPathError):
            await store.create(path, b"x", content_type=MAIL)
        with pytest.raises(BadPathError):
            await store.copy("ok", path, content_type=MAIL, sha256=sha(b"x"))
        with pytest.raises(BadPathError):
            await store.read(path)
        with pytest.raises(BadPathError):
            await store.stat(path)

    backend.run(scenario)


@pytest.mark.parametrize(
    "metadata", [{"Key": "v"}, {"k": "Zoë"}, {"k": "a\r\nb"}, {"sha256": "0"}, {"k": ""}]
)
def test_metadata_that_no_header_holds_is_refused(backend: Backend, metadata: dict[str, str]) -> None:
    """What Azure couldn't note is refused by the folder too."""

    async def scenario(store: Store) -> None:
        with pytest.raises(StoreError, match="metadata"):
            await store.create("a", b"x", content_type=MAIL, metadata=metadata)

    backend.run(scenario)
