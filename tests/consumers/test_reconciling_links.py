"""Symbolic links in the archive, as reconciliation tells them."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from consumers.reconciling.files import store_findings
from stores.factory import open_store
from stores.paths import content_path
from stores.settings import FolderSettings
from tests.consumers.test_reconciling import a_day


@pytest.mark.parametrize("quick", [False, True])
def test_a_symbolic_link_is_a_difference_and_hides_no_other(tmp_path: Path, *, quick: bool) -> None:
    """Also one that leads to the same bytes, or nowhere; what else is wrong that day is told beside it."""
    asyncio.run(linked(tmp_path, quick=quick))


async def linked(folder: Path, *, quick: bool) -> None:
    """Two files of chats and a copy: a link to the same bytes, a link to nothing, and nothing."""
    day, good, gone = a_day({1}, {1}), hashlib.sha256(b"a mail"), hashlib.sha256(b"gone")
    (mail,) = day.deliveries
    day.deliveries[mail][0]["size"], day.deliveries[mail][0]["sha256"] = 6, good.digest()
    day.contents = {good.digest(): 6, gone.digest(): 4}
    store = open_store(FolderSettings(kind="folder", path=folder / "store"))
    await store.create(day.deliveries[mail][0]["path"], b"a mail", content_type="message/rfc822")
    same, nowhere = content_path(good.hexdigest()), "ana/x.eml"
    (folder / "same").write_bytes(b"a mail")
    for path, goal in ((same, folder / "same"), (nowhere, folder / "nothing")):
        place = folder / "store" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(goal)
    found = {(one.what, one.detail) for one in await store_findings(store, day, quick=quick)}
    await store.close()
    assert found == {
        ("different", same), ("different", nowhere), ("missing", content_path(gone.hexdigest())),
    }  # fmt: skip
