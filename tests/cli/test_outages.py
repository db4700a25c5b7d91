"""Source, broker and store go away while everything runs: one line, a status, retries, and recovery without a hand."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from cli.demonstration.site import Simulated, Site, open_site
from cli.status import Found, look
from consumers.drain import wait_until_drained
from sandbox.checker import check
from sandbox.processes import ManagedProcess, start_process
from sandbox.webex.tokens import FIRST_REFRESH_TOKEN, OFFICER_TOKEN
from tests.cli.playground import Installation, eventually, install

pytestmark = [pytest.mark.kafka, pytest.mark.azurite, pytest.mark.slow, pytest.mark.timeout(420)]
BEGIN = datetime(2026, 3, 3, 6, tzinfo=UTC)
DAY = timedelta(days=1)
SLACK_MS = 15 * 60_000
AZURITE_SAVES_S = (
    8.0  # it writes its index every 5 s: killed before, it forgets blobs that it has acknowledged
)


class Stage:
    """The site, an installation that runs on it, and the hands that take things away."""

    def __init__(self, site: Site, made: Installation) -> None:
        self.site, self.made = site, made
        self.now = BEGIN
        self._again: list[ManagedProcess] = []

    def status(self) -> Found:
        """What `chatledger status` shows."""
        return look(self.made.config, 600)

    def a_day_passes(self) -> None:
        """More chats happen at the sources."""
        self.now += DAY
        for source in self.site.sources:
            source.move(self.ms())

    def ms(self, days: int = 0) -> int:
        """The moment that it is, or some days away from it, ms since 1970."""
        return int((self.now + days * DAY).timestamp() * 1000)

    def caught_up(self) -> bool:
        """Everything is well, collected to now and archived."""
        found = self.status()
        return (
            not found.unwell
            and len(found.connectors) == 2
            and all(
                (view.captured_up_to_ms or 0) >= self.ms() - SLACK_MS and view.progress == 1
                for view in found.connectors
            )
            and not any(stage.waiting for stage in found.workers.stages)
        )

    def stop_source(self, source: Simulated) -> None:
        """As if its data centre were gone."""
        source.process.kill()

    def start_source(self, source: Simulated) -> None:
        """At the same address, with the same ledger, at the moment that it is now."""
        command = list(source.command)
        command[command.index("--port") + 1] = source.url.rpartition(":")[2]
        command[command.index("--now") + 1] = self.now.isoformat()
        log = self.site.folder / "logs" / f"{source.uid}-again.log"
        source.process = start_process(command, log=log, name=source.uid)
        self._again.append(source.process)
        eventually(lambda: b"listening" in log.read_bytes(), 30)

    def close(self) -> None:
        """End what was started again."""
        for process in self._again:
            process.kill()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A site of its own, since its parts are going to be taken away."""
    site = open_site(tmp_path / "site", "azurite", scale=0, now_iso=BEGIN.isoformat())
    token = site.folder / "state" / "webex.token"  # one that is good also after the simulation has begun anew
    token.write_text(
        json.dumps({"refresh_token": FIRST_REFRESH_TOKEN, "access_token": OFFICER_TOKEN, "expires_ms": 1 << 45,
                    "refresh_expires_ms": 1 << 45, "scope": ""}), encoding="utf-8"
    )  # fmt: skip
    made = Stage(site, install(site, tmp_path / "outage"))
    assert made.made.chatledger("topics", "create").returncode == 0
    try:
        yield made
    finally:
        made.close()
        site.close()


def told(log: str, since: int, words: str) -> list[str]:
    """Warnings and errors in a log after a position, which must all hold these words."""
    lines = [
        line
        for line in log[since:].splitlines()
        if re.search(r" \[?(WARNING|ERROR|CRITICAL)\]? |Traceback", line)
    ]
    assert all(re.search(words, line) for line in lines), lines
    return lines


def test_nothing_is_missing_after_outages_of_source_broker_and_store(stage: Stage) -> None:
    """Each is noticed by status and log and recovered from; no process ended; the sources' ledgers agree with the mails."""
    made = stage.made
    with made.running("run"):
        eventually(stage.caught_up, 90)
        before = ours(made)
        sources_go_away(stage)
        broker_goes_away(stage)
        store_goes_away(stage)
        for _ in range(2):  # so that everything of the days before is closed
            stage.a_day_passes()
            eventually(stage.caught_up, 90)
        wait_until_drained(made.config.kafka, made.config.worker.group)
        assert ours(made) == before
        assert "ended with exit code" not in (made.folder / "output").read_text()
    report = check(
        [source.ledger for source in stage.site.sources],
        fetched(stage.site, made.folder / "fetched"),
        before_ms=stage.ms(-2),
    )
    assert report.messages > 100
    assert (report.missing, report.doubled) == ([], [])


def ours(made: Installation) -> set[int]:
    """Ids of the product's processes."""
    return {pid for pid, line in made.processes().items() if "cli.main" in line}


def sources_go_away(stage: Stage) -> None:
    """Both at once, for a while; status says so, and each collector in a line or a few."""
    made, site = stage.made, stage.site
    marks = {source.uid: len(made.log(source.uid)) for source in site.sources}
    for source in site.sources:
        stage.stop_source(source)
    eventually(lambda: sum(": waiting: " in line for line in stage.status().unwell) == 2, 60)
    stage.now += DAY
    for source in site.sources:
        stage.start_source(source)
    eventually(stage.caught_up, 90)
    for source in site.sources:
        assert 1 <= len(told(made.log(source.uid), marks[source.uid], "127.0.0.1")) <= 3


def broker_goes_away(stage: Stage) -> None:
    """Killed, and back after a day of the sources; who has something to write says so in a few lines."""
    made = stage.made
    marks = {name: len(made.log(name)) for name in ("liveperson", "webex", "monitor", "worker-0")}
    stage.site.kafka.kill()
    stage.a_day_passes()
    time.sleep(12)
    assert made.chatledger("status").returncode == 1
    stage.site.kafka.start()
    eventually(stage.caught_up, 120)
    for name, mark in marks.items():
        lines = told(made.log(name), mark, "Kafka|cursors can't be read")
        # What a collector has sent may be confirmed late without a word, for half a minute.
        assert lines or name in {"liveperson", "webex"}
        assert len(lines) <= 4


def store_goes_away(stage: Stage) -> None:
    """Killed, and back when status says that the archive waits; the worker has said why."""
    made, azurite = stage.made, stage.site.azurite
    mark = len(made.log("worker-0"))
    assert azurite is not None
    time.sleep(AZURITE_SAVES_S)
    azurite.kill()
    stage.a_day_passes()
    eventually(lambda: any(line.startswith("archive: waiting: ") for line in stage.status().unwell), 90)
    azurite.start()
    eventually(stage.caught_up, 120)
    assert told(made.log("worker-0"), mark, "store unavailable")


def fetched(site: Site, folder: Path) -> Path:
    """Every mail and copy of the site's container, as files."""
    assert site.azurite is not None
    string = site.azurite.connection_string
    with ContainerClient.from_connection_string(string, "chats", api_version="2026-06-06") as client:
        for name in client.list_blob_names():
            if name.endswith(".eml"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(client.download_blob(name).readall())
    return folder
