"""Orders for a connector by command: what it says, what others see of it."""

import json
import re
import time
from pathlib import Path

import pytest

from cli.demonstration.site import Site
from tests.cli.playground import Installation, install
from tests.servers import free_port

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def collected(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """One connector that has collected everything."""
    made = install(site, tmp_path_factory.mktemp("cli") / "orders", only="liveperson")
    assert made.chatledger("topics", "create").returncode == 0
    assert made.chatledger("collect", "liveperson", "--once").returncode == 0
    return made


def state(made: Installation) -> object:
    """What live says of itself, by `status --json`."""
    found = json.loads(made.chatledger("status", "--json", "--only", "connectors").stdout)
    return found["connectors"]["liveperson"]["states"]["live"]


def test_pause_resume_delete(collected: Installation) -> None:
    """Each says up to where the source is collected; paused and deleted are well, and what is paused is not collected."""
    paused = collected.chatledger("connector", "pause", "liveperson")
    assert "liveperson is paused; collected up to 2026-03-12" in paused.stdout
    assert state(collected) == "paused"
    assert re.search(r"paused since 20\d\d", collected.chatledger("status").stdout.replace("\n", " "))
    summed_up = collected.chatledger("run", "--once", "--json")
    assert list(json.loads(summed_up.stdout)["paused"]) == ["liveperson"]
    assert collected.chatledger("health", "collector", "liveperson", "--silent-after", "0").returncode == 0
    once = collected.chatledger("collect", "liveperson", "--once")
    assert (once.returncode, "is paused since" in once.stderr) == (0, True)

    resumed = collected.chatledger("connector", "resume", "liveperson")
    assert "liveperson goes on; collected up to 2026-03-12" in resumed.stdout
    assert "was not paused" in collected.chatledger("connector", "resume", "liveperson").stdout
    assert collected.chatledger("collect", "liveperson", "--once").returncode == 0
    assert state(collected) == "stopped"

    asked = collected.chatledger("connector", "delete", "liveperson")
    assert asked.returncode == 1
    assert state(collected) == "stopped"
    deleted = collected.chatledger("connector", "delete", "liveperson", "--yes")
    assert "liveperson is deleted" in deleted.stdout
    again = collected.chatledger("collect", "liveperson")
    assert again.returncode == 1
    assert "a uid is never used again" in again.stderr
    assert "a uid is never used again" in collected.chatledger("connector", "resume", "liveperson").stderr
    assert state(collected) == "deleted"
    assert collected.chatledger("status", "--only", "connectors").returncode == 0


def test_an_unknown_connector_is_named(fresh: Installation) -> None:
    """With those that there are."""
    answer = fresh.chatledger("connector", "pause", "nobody")
    assert answer.returncode == 1
    assert "no connector nobody; there are" in answer.stderr


@pytest.mark.parametrize("order", [["pause"], ["resume"], ["delete", "--yes"]])
def test_without_kafka_an_order_changes_nothing_and_says_so_soon(
    site: Site, tmp_path: Path, order: list[str]
) -> None:
    """In seconds, with the reason, and what to do."""
    nowhere = f"127.0.0.1:{free_port()}"
    old = f'bootstrap = "{site.config.kafka.bootstrap}"'
    made = install(site, tmp_path / "brokerless", changes={old: f'bootstrap = "{nowhere}"'})
    began = time.monotonic()
    answer = made.chatledger("connector", *order, "webex")
    assert time.monotonic() - began < 20  # 10 where nothing else keeps the machine busy
    assert answer.returncode == 1
    assert (
        f"Kafka at {nowhere} can't be reached: nothing listens there; start it, or correct" in answer.stderr
    )
    assert answer.stderr.endswith("; nothing was changed\n")


def test_topics_that_drifted_are_said_on_the_status_topic(site: Site, tmp_path: Path) -> None:
    """A collector that refuses to start for them is not just silent."""
    made = install(site, tmp_path / "drift", only="liveperson")
    assert made.chatledger("topics", "create").returncode == 0
    text = made.path.read_text(encoding="utf-8")
    made.path.write_text(text.replace("[kafka]\n", "[kafka]\npartitions = 7\n"), encoding="utf-8")
    assert made.chatledger("collect", "liveperson").returncode == 1
    made.path.write_text(text, encoding="utf-8")
    answer = made.chatledger("status", "--only", "connectors")
    assert answer.returncode == 1
    assert "liveperson: failed: topics are not as they must be" in answer.stdout
