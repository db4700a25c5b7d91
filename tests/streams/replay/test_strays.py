"""Links among what the end of a replay looks at: they are told, and end nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stores.folder import FolderStore
from streams.contents import Contents
from streams.keeping import Keeper
from streams.replay.findings import Finding
from streams.replay.ledger import Rerouted, restore
from streams.replay.state import PartitionState
from streams.replay.strangers import Listing
from streams.replay.strays import brought_back, known, look_again

PATH = "ann/m.eml"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """A folder with a link in place of a mail."""
    (tmp_path / "in/ann").mkdir(parents=True)
    (tmp_path / "in" / PATH).symlink_to(tmp_path / "elsewhere")
    return FolderStore(tmp_path / "in", durable=False)


async def _paths() -> AsyncIterator[str]:
    yield PATH


def test_a_link_where_a_mail_was_disposed_of_is_told(store: FolderStore) -> None:
    """Something stands there, whatever it leads to."""

    async def run() -> None:
        with closing(Listing(None)) as listing:
            await listing.fill(store, frozenset(), ())
            assert await known(_paths(), listing, store) == {PATH}
        assert [one.path for one in await brought_back(_paths(), store)] == [PATH]

    asyncio.run(run())


def test_a_link_where_a_mail_was_missing_does_not_stand_for_it(store: FolderStore, tmp_path: Path) -> None:
    """It stays missing at the second look."""
    with closing(PartitionState.blank(tmp_path / "0.sqlite")) as state:
        state.begin(0, 1)
        state.add(Finding("missing", PATH, "", "0" * 64, copy=True))
        asyncio.run(look_again(state, store))
        assert [one.path for one in state.findings("missing")] == [PATH]


def test_a_rerouted_copy_is_not_made_from_a_link(store: FolderStore) -> None:
    """A copy whose mail is a link can't be made again, which is a finding."""
    delivery: Any = {
        "path": PATH, "sha256": b"\0" * 32, "connector_uid": "lp", "mail_id": b"m" * 32, "slice": "p0000", "revision": 0,
        "status": "ok",
    }  # fmt: skip
    one = Rerouted("ben/m.eml", delivery, _copy("ben/m.eml"))
    counts = Counter[str]()
    found = asyncio.run(restore(one, Keeper(store, Contents(store)), counts))
    assert found is not None
    assert found.kind == "failed"
    assert counts == {"copies": 1, "failed": 1}


def _copy(path: str) -> Any:
    return {"participant": "p", "mailbox": "ben", "path": path, "outcome": "ok", "reason": None}
