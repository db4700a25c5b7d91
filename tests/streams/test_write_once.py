"""An archive in Azurite that somebody else writes to, and that protects nothing: what the worker and its status say."""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from consumers.reading import read_all
from schemas.broker import KafkaSettings
from schemas.codec import decode
from schemas.topics import DEAD_LETTERS
from tests.servers import AZURITE_API, Blobs
from tests.stores.worm_proxy import WormProxy
from tests.streams.feeding import Feeder
from tests.streams.replay.rig import environment, replay
from tests.streams.replay.test_command import map_users
from tests.streams.worker_rig import Rig, deliveries

pytestmark = [pytest.mark.kafka, pytest.mark.azurite, pytest.mark.slow]
FORGED = b"somebody else's"


@pytest.fixture
def rig(
    kafka: KafkaSettings, tmp_path: Path, azurite: Blobs, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rig]:
    """Workers with a container of Azurite that is asked to protect what is written."""
    monkeypatch.setenv("STORE", azurite.connection_string)
    with Rig(kafka, tmp_path) as made:
        made.store = (
            f'kind = "azure"\nconnection_string_env = "STORE"\ncontainer = "{kafka.topic_prefix}a"\n'
            f'api_version = "{AZURITE_API}"\nprotection = {{ days = 30, mode = "locked" }}'
        )
        yield made


def command(rig: Rig, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the product with the rig's configuration."""
    line = [sys.executable, "-m", "cli.main", *words, "-c", str(rig.folder / "chatledger.toml")]
    return subprocess.run(
        line, env=environment(), cwd=rig.folder, capture_output=True, text=True, timeout=60, check=False
    )


def status(rig: Rig, *, of: str) -> Any:
    """What `chatledger status` says, as soon as it says this of the archive."""
    until = time.monotonic() + 30
    while not (found := json.loads(command(rig, "status", "--json").stdout))["archive"][of]:
        assert time.monotonic() < until, found
        time.sleep(0.5)
    return found


def test_other_bytes_in_the_archive_are_an_alarm_and_nothing_is_overwritten(rig: Rig, azurite: Blobs) -> None:
    """In a mail's place and in a copy's: alarm, dead letter, ledger; the other mails go on. And Azurite protects nothing."""
    rig.write_config()
    map_users(rig)
    feeder = Feeder(rig.kafka)
    for conversation in range(4):
        feeder.say(conversation, 0, 0, 1)
    feeder.watermark(1)
    replay(rig, "--into", str(rig.folder / "preview"))  # says where mails and copies will lie
    preview = [
        str(path.relative_to(rig.folder / "preview")) for path in (rig.folder / "preview").rglob("*.eml")
    ]
    mail = min(path for path in preview if path.startswith("_mails/"))
    copies = sorted(path for path in preview if not path.startswith("_mails/"))
    container = ContainerClient.from_connection_string(
        azurite.connection_string, f"{rig.kafka.topic_prefix}a", api_version=AZURITE_API
    )
    with container:
        container.create_container()
        for path in (mail, copies[-1]):
            container.upload_blob(path, FORGED).close()
        rig.start()
        rig.drained()
        found = status(rig, of="alarms")
        for path in (mail, copies[-1]):
            assert container.download_blob(path).readall() == FORGED
    said = " ".join(found["unwell"])
    assert "other bytes already stand there" in said
    assert found["archive"]["protection"][0].startswith("not enforced: ")
    assert "archive not enforced: " in said
    assert "immutable:" not in json.dumps(found)
    letters = [decode(one.value).value for one in read_all(rig.kafka, DEAD_LETTERS) if one.value is not None]
    assert {(one["stage"], one["error"]) for one in letters} == {("archive", "StoreConflictError")}
    named = " ".join(one["reason"] for one in letters)
    assert (mail in named) or (copies[-1] in named)
    outcomes = [copy["outcome"] for one in deliveries(rig.kafka) for copy in one["copies"]]
    assert outcomes.count("ok") >= 2
    checked = command(rig, "check")
    assert "FAIL  write-once protection is not enforced: " in checked.stdout


@contextlib.contextmanager
def enforced(connection: str) -> Iterator[str]:
    """The connection string of a service that does protect, as Azure documents it."""
    found = re.search(r"BlobEndpoint=(https?://[^/]+)", connection)
    assert found
    ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
    proxy = WormProxy(found[1], keeps_host=True)

    async def serve() -> None:
        async with proxy.running():
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield connection.replace(found[1], proxy.url)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def test_an_archive_that_is_protected_says_so(
    rig: Rig, azurite: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every mail and copy has its policy, a deletion was refused: status and check say immutable, and a replay is well."""
    with enforced(azurite.connection_string) as connection:
        monkeypatch.setenv("STORE", connection)
        rig.start()
        map_users(rig)
        feeder = Feeder(rig.kafka)
        feeder.say(0, 0, 0, 1)
        feeder.watermark(1)
        rig.drained()
        found = status(rig, of="protection")
        (protection,) = found["archive"]["protection"]
        assert re.fullmatch(
            r"immutable since .+ UTC: retention of 30 days; a deletion was tried and refused", protection
        )
        assert found["archive"]["alarms"] == []
        checked = command(rig, "check")
        assert re.search("ok    archive is immutable since .+: retention of 30 days", checked.stdout)
        assert replay(rig, "--into", "store")["well"]
        assert replay(rig, "--into", "compare")["well"]
