"""A real Azurite for the whole run, and stores to try."""

from __future__ import annotations

import asyncio
import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sandbox.azurite import Azurite
from stores.azure_recent import Recent
from stores.factory import open_store
from stores.folder import FolderStore
from stores.settings import AzureSettings, FolderSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from stores.interface import Store

CONNECTION = "CHATLEDGER_TEST_CONNECTION_STRING"
_numbers = itertools.count()


@dataclass(frozen=True)
class Backend:
    """One empty store, however often it is opened."""

    settings: FolderSettings | AzureSettings
    nameless: bool = True
    """In a folder: whether files may be nameless until they are whole."""

    @property
    def in_folder(self) -> bool:
        """Whether the store is a folder."""
        return isinstance(self.settings, FolderSettings)

    def run(self, scenario: Callable[[Store], Awaitable[None]]) -> None:
        """Open the store, play a scenario, close the store."""
        asyncio.run(self._play(scenario))

    async def _play(self, scenario: Callable[[Store], Awaitable[None]]) -> None:
        store = self._opened()
        try:
            await scenario(store)
        finally:
            await store.close()

    def _opened(self) -> Store:
        if isinstance(self.settings, FolderSettings) and not self.nameless:
            return FolderStore(self.settings.path, durable=self.settings.durable, nameless=False)
        return open_store(self.settings)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Run one Azurite; the connection string stands in the environment as it would in production."""
    with Azurite(tmp_path_factory.mktemp("azurite")) as server:
        os.environ[CONNECTION] = server.connection_string
        yield server
        del os.environ[CONNECTION]


@pytest.fixture(params=["folder", "folder-named", pytest.param("azurite", marks=pytest.mark.azurite)])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Give an empty store of each kind in turn."""
    if request.param != "azurite":
        return Backend(FolderSettings(path=tmp_path / "archive"), nameless=request.param == "folder")
    request.getfixturevalue("azurite")
    return Backend(new_container())


def new_container() -> AzureSettings:
    """Return settings for a container that nobody has used in this run."""
    return AzureSettings(container=f"test-{os.getpid()}-{next(_numbers)}", connection_string_env=CONNECTION)


@pytest.fixture
def copied_within(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every copy be made within the service, as those of large mails are."""
    monkeypatch.setattr("stores.azure.Recent", lambda: Recent(largest=-1))
