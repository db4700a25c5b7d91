"""Reading back: bytes, properties and listings."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from stores.interface import BlobMissingError

if TYPE_CHECKING:
    from stores.interface import Store
    from tests.stores.conftest import Backend

MAIL = "message/rfc822"
PATHS = ["zoë@exämple.org/Webex Teams/日本語 🎉.eml", "_content/ab/abc", "a b/c+d&e=f%20g.eml", "ann/x-y.eml"]


def test_stat_tells_size_hash_type_and_metadata(backend: Backend) -> None:
    """Whoever asks for a blob's hash gets it; metadata comes back where the store keeps it."""

    async def scenario(store: Store) -> None:
        await store.create("ann/m.eml", b"hello", content_type=MAIL, metadata={"mail_id": "abc 1"})
        info = await store.stat("ann/m.eml")
        assert await store.exists("ann/m.eml")
        assert info is not None
        assert (info.path, info.size, info.content_type) == ("ann/m.eml", 5, MAIL)
        assert info.sha256 == hashlib.sha256(b"hello").hexdigest()
        assert backend.in_folder or dict(info.metadata) == {"mail_id": "abc 1"}

    backend.run(scenario)


def test_what_is_not_there_is_missing(backend: Backend) -> None:
    """A missing blob is None for stat and an error for readers; a folder is no blob; nothing is made."""

    async def scenario(store: Store) -> None:
        for path in ("ann/m.eml", "box"):
            assert await store.stat(path) is None
            assert not await store.exists(path)
            with pytest.raises(BlobMissingError):
                await store.read(path)
            with pytest.raises(BlobMissingError):
                _ = [chunk async for chunk in store.stream(path)]

    async def with_folder(store: Store) -> None:
        await store.create("box/in/mail.eml", b"x", content_type=MAIL)
        await scenario(store)

    backend.run(scenario)
    backend.run(with_folder)


def test_chunks_are_as_small_as_wished(backend: Backend) -> None:
    """Chunks hold at most the size asked for, and together the bytes."""

    async def scenario(store: Store) -> None:
        data = bytes(range(256)) * 100
        await store.create("a/b", data, content_type=MAIL)
        chunks = [chunk async for chunk in store.stream("a/b", chunk_size=10_000)]
        assert [len(chunk) for chunk in chunks] == [10_000, 10_000, 5_600]
        assert b"".join(chunks) == data

    backend.run(scenario)


def test_any_script_makes_a_path(backend: Backend) -> None:
    """Letters of all scripts, spaces and characters special to addresses come back as they were."""

    async def scenario(store: Store) -> None:
        for path in PATHS:
            await store.create(path, path.encode(), content_type=MAIL)
            copied = await store.copy(
                path, f"copy/{path}", content_type=MAIL, sha256=hashlib.sha256(path.encode()).hexdigest()
            )
            assert copied.created
            assert await store.read(path) == await store.read(f"copy/{path}") == path.encode()
        listed = [info.path async for info in store.list("")]
        assert sorted(listed) == sorted([*PATHS, *(f"copy/{path}" for path in PATHS)])

    backend.run(scenario)


def test_lists_by_prefix_in_order(backend: Backend) -> None:
    """A prefix may end within a name; the order is that of whole paths; sizes are told."""

    async def scenario(store: Store) -> None:
        paths = ["a-b/1", "a/1", "a/10", "a/2/x", "a/2/y/z", "a0", "b/1"]
        for path in reversed(paths):
            await store.create(path, path.encode(), content_type=MAIL)
        found = [(info.path, info.size) async for info in store.list("")]
        assert found == [(path, len(path)) for path in paths]
        for prefix in ("a/", "a/1", "a", "a/2/y", "c", "a/2/y/z/"):
            listed = [info.path async for info in store.list(prefix)]
            assert listed == [path for path in paths if path.startswith(prefix)], prefix

    backend.run(scenario)


def test_check_passes_and_leaves_no_trace(backend: Backend) -> None:
    """A probe can be made any number of times and is never listed."""

    async def scenario(store: Store) -> None:
        await store.check()
        await store.check()
        assert [info async for info in store.list("")] == []

    backend.run(scenario)
