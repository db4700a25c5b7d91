"""The one way to remove something: single files, each once, and nothing else has it."""

import asyncio
import hashlib
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stores.azure_disposal import open_azure_disposal
from stores.azure_open import open_azure
from stores.disposal import FolderDisposal
from stores.folder import FolderStore
from stores.interface import BadPathError
from stores.settings import AzureSettings
from tests.servers import Blobs

DATA = b"Subject: x\r\n\r\n"
SHA256 = hashlib.sha256(DATA).hexdigest()


def test_a_file_leaves_a_folder_and_its_copies_stay(tmp_path: Path) -> None:
    """Copies are names of the same file: each is removed by its own name; folders that are empty go too."""

    async def work() -> None:
        store, disposal = FolderStore(tmp_path / "archive"), FolderDisposal(tmp_path / "archive")
        await store.create("_mails/a/b.eml", DATA, content_type="message/rfc822")
        await store.copy("_mails/a/b.eml", "ana/b.eml", content_type="message/rfc822", sha256=SHA256)
        assert await disposal.remove("_mails/a/b.eml")
        assert not await disposal.remove("_mails/a/b.eml")
        assert await store.read("ana/b.eml") == DATA
        assert not (tmp_path / "archive/_mails").exists()
        assert await disposal.folders("ana") == []
        await store.create("ana/x/b.eml", DATA, content_type="message/rfc822")
        assert await disposal.folders("ana") == ["x"]
        assert await disposal.folders("nobody") == []
        await disposal.remove("ana/x/b.eml")
        await disposal.remove("ana/b.eml")
        assert [one.path async for one in store.list()] == []
        with pytest.raises(BadPathError):
            await disposal.remove("../other")

    asyncio.run(work())


@pytest.mark.azurite
def test_a_blob_leaves_a_container(azurite: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; what is not there is no error."""
    monkeypatch.setenv("AZURITE", azurite.connection_string)
    settings = AzureSettings(
        container=f"d{uuid.uuid4().hex[:12]}", connection_string_env="AZURITE", api_version="2026-06-06"
    )

    async def work() -> None:
        store, disposal = open_azure(settings), open_azure_disposal(settings)
        try:
            await store.create("a/b.eml", DATA, content_type="message/rfc822")
            await store.create("a/c/d/e.eml", DATA, content_type="message/rfc822")
            assert await disposal.folders("a") == ["c"]
            assert await disposal.folders("nobody") == []
            assert await disposal.remove("a/b.eml")
            assert not await disposal.remove("a/b.eml")
            assert await store.stat("a/b.eml") is None
        finally:
            await disposal.close()
            await store.close()

    asyncio.run(work())


def test_two_who_remove_at_once_are_in_nobody_s_way(tmp_path: Path) -> None:
    """The folders that both make empty go once, and that they are gone is no trouble."""

    def work(mine: int) -> int:
        disposal = FolderDisposal(tmp_path)
        names = (f"ana/{number}/x/{mine}.eml" for number in range(300))
        return sum(asyncio.run(_removed(disposal, names)))

    for number in range(300):
        (tmp_path / f"ana/{number}/x").mkdir(parents=True)
        for mine in range(2):
            (tmp_path / f"ana/{number}/x/{mine}.eml").write_bytes(DATA)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [300, 300]
    assert list(tmp_path.iterdir()) == []


async def _removed(disposal: FolderDisposal, names: Iterable[str]) -> list[bool]:
    return [await disposal.remove(name) for name in names]
