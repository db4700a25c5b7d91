"""Settings: what they accept, where secrets come from, and what is loaded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

from stores.factory import open_store
from stores.folder import FolderStore
from stores.interface import StoreError
from stores.settings import AzureSettings, FolderSettings, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS: TypeAdapter[FolderSettings | AzureSettings] = TypeAdapter(StoreSettings)
URL = "https://account.blob.core.windows.net"


def opened(settings: FolderSettings | AzureSettings) -> None:
    """Open and close a store."""

    async def run() -> None:
        await open_store(settings).close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "s3"},
        {"kind": "folder"},
        {"kind": "folder", "path": "a", "colour": "red"},
        {"kind": "azure", "container": "mails"},
        {"kind": "azure", "container": "Mails", "account_url": URL},
        {"kind": "azure", "container": "a--b", "account_url": URL},
        {"kind": "azure", "container": "mails", "account_url": URL, "connection_string_env": "A"},
        {"kind": "azure", "container": "mails", "account_url": URL, "sas_env": "A", "sas_file": "b"},
        {"kind": "azure", "container": "mails", "connection_string_env": "A", "sas_env": "B"},
        {"kind": "azure", "container": "mails", "connection_string": "AccountKey=secret"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Mapping[str, object]) -> None:
    """Unknown keys, two ways in or none, and names that Azure doesn't take are found before any request."""
    with pytest.raises(ValidationError):
        SETTINGS.validate_python(wrong)


def test_a_folder_is_opened(tmp_path: Path) -> None:
    """Nothing but a path is needed, and nothing is made before the first write."""
    settings = SETTINGS.validate_python({"kind": "folder", "path": tmp_path / "a"})
    assert isinstance(open_store(settings), FolderStore)
    assert not (tmp_path / "a").exists()


def test_a_secret_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names variable or file."""
    monkeypatch.delenv("CHATLEDGER_NONE", raising=False)
    with pytest.raises(StoreError, match="CHATLEDGER_NONE"):
        opened(AzureSettings(container="mails", connection_string_env="CHATLEDGER_NONE"))
    with pytest.raises(StoreError, match=r"absent\.txt"):
        opened(AzureSettings(container="mails", connection_string_file=tmp_path / "absent.txt"))


def test_a_malformed_secret_is_not_repeated(tmp_path: Path) -> None:
    """What isn't a connection string is said to be none, without showing it."""
    file = tmp_path / "connection"
    file.write_text("hunter2\n")
    with pytest.raises(StoreError, match="malformed") as caught:
        opened(AzureSettings(container="mails", connection_string_file=file))
    assert "hunter2" not in str(caught.value)


def test_all_ways_into_azure_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connection string, SAS and the default credential open without a request."""
    monkeypatch.setenv("CHATLEDGER_SECRET", f"AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint={URL}")
    opened(AzureSettings(container="mails", connection_string_env="CHATLEDGER_SECRET"))
    file = tmp_path / "sas"
    file.write_text("?sv=2026-06-06&sig=x\n")
    given = {"container": "mails", "account_url": URL, "api_version": "2026-06-06"}
    opened(AzureSettings.model_validate({**given, "sas_file": file}))
    opened(AzureSettings.model_validate(given))


def test_a_folder_needs_nothing_of_azure() -> None:
    """Azure's libraries are not even imported where a folder is used."""
    program = "import sys, stores.factory; print(sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True, capture_output=True
    )
    assert b"'stores'" in done.stdout
    assert b"'azure'" not in done.stdout
    assert b"'aiohttp'" not in done.stdout
