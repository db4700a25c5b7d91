"""Closing manifests: what they cover, and that killing and hurrying changes nothing."""

import asyncio
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consumers.evidence.anchor import announced
from consumers.evidence.errors import EvidenceError
from consumers.evidence.statement import Manifest
from consumers.orders import audit, say
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.topics import IMPORTS, RAW_EVENTS
from tests.consumers.evidence.rig import STRANGER, Site, closed, verified
from tests.schemas.test_formats import example

pytestmark = pytest.mark.kafka
PIECES = ("plan.json", "leaves.jsonl.gz", "manifest.jsonl")


def leaves(site: Site, number: int) -> list[dict[str, Any]]:
    """The leaves of a manifest, as anybody reads them."""
    path = site.archive / f"_evidence/{number:08d}/leaves.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def test_a_manifest_holds_events_mails_copies_and_changes(site: Site) -> None:
    """Every event id with the hash of its record, the mail and its hash, each copy and its mailbox, settings and orders."""
    settings = example("Control") | {
        "kind": "settings",
        "connector_uid": "lp",
        "settings": example("Settings"),
    }
    site.send(RAW_EVENTS, [(1, "Control", settings)])
    site.send(IMPORTS, [(0, "Receipt", example("Receipt"))])
    say(
        site.kafka,
        site.codec,
        [audit("ab" * 16, "hold", at_ms=5, connector_uid="lp", by="ana", reason="case 7")],
    )
    made = closed(site)
    found = leaves(site, 1)

    assert made.statement.counts == {"audit": 2, "complete": 1, "copy": 2, "event": 3, "import": 1, "mail": 1}
    assert len({leaf["id"] for leaf in found if leaf["kind"] == "event"}) == 3
    assert {leaf["mailbox"] for leaf in found if leaf["kind"] == "copy"} == {
        "ana@bank.example",
        "ben@bank.example",
    }
    assert {leaf["what"] for leaf in found if leaf["kind"] == "audit"} == {"settings", "hold"}
    assert [leaf["until_ms"] for leaf in found if leaf["kind"] == "complete"] == [1_000]
    assert verified(site).faults == []


def test_what_comes_late_stands_in_a_later_manifest(site: Site) -> None:
    """Nothing that was signed changes; ranges follow each other; without news nothing is made."""
    first = closed(site)
    before = {path: path.read_bytes() for path in (site.archive / "_evidence").rglob("*") if path.is_file()}
    assert site.close() is None
    site.capture("c1", 5)
    site.deliver(2)
    second = closed(site)

    assert {path: path.read_bytes() for path in before} == before
    assert second.statement.previous == first.digest
    assert {leaf["id"] for leaf in leaves(site, 2) if leaf["kind"] == "event"} >= {
        leaf["id"] for leaf in leaves(site, 1) if leaf["kind"] == "event"
    }
    assert [one["number"] for one in announced(site.kafka, site.codec)] == [1, 2]
    assert verified(site).faults == []


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_a_kill_after_any_step_gives_the_same_bytes(site: Site, left: int) -> None:
    """Whatever stood when it was killed, and whatever came into the log since: closing again makes the same manifest."""
    closed(site)
    folder = site.archive / "_evidence/00000001"
    whole = {name: (folder / name).read_bytes() for name in PIECES}
    for name in PIECES[left:]:
        (folder / name).unlink()
    if (
        left == 0
    ):  # nothing was fixed yet, but the topic has the root: that is no kill, somebody took the chain away
        with pytest.raises(EvidenceError, match="removed"):
            site.close()
        return
    site.capture("c2", 2)
    if left < 3:
        assert closed(site).statement.number == 1
    assert {name: (folder / name).read_bytes() for name in PIECES} == whole
    assert closed(site).statement.number == 2
    assert verified(site).faults == []


@pytest.mark.parametrize("planted", [1, 2])
def test_a_planted_plan_is_not_signed_and_stops_nothing(site: Site, planted: int) -> None:
    """Where it can't be taken away, as in an immutable container: it is named, and a plan of a fresh name is signed."""
    first = closed(site).statement
    site.capture("c2", 1)
    path = site.archive / "_evidence/00000002/plan.json"
    path.parent.mkdir()
    for name in ("plan.json", "plan-2.json")[:planted]:
        path.with_name(name).write_bytes((site.archive / "_evidence/00000001/plan.json").read_bytes())
    before, closer = snapshot(path.parent), site.closer()
    made = asyncio.run(closer.close())

    assert made is not None
    assert (made.statement.number, made.statement.closed_at > first.closed_at) == (2, True)
    assert len(closer.passed_over) == planted
    assert closer.passed_over[0].startswith(
        "_evidence/00000002/plan.json is a plan for manifest 1; it was not signed"
    )
    assert {name: data for name, data in snapshot(path.parent).items() if name in before} == before
    assert path.with_name(f"plan-{planted + 1}.json").exists()
    assert verified(site).faults == []
    assert subprocess.run([sys.executable, STRANGER, site.archive], check=False).returncode == 0


def snapshot(folder: Path) -> dict[str, bytes]:
    """What lies there."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_plan_that_another_clock_refused_is_no_dead_end(site: Site) -> None:
    """Killed after the leaves of its own plan, when the one before may be signed by now: the manifest is that of the leaves."""
    closed(site)
    site.capture("c2", 1)
    folder = site.archive / "_evidence/00000002"
    whole = closed(site)
    (folder / "manifest.jsonl").unlink()
    (folder / "plan.json").rename(folder / "plan-2.json")
    site.capture("c3", 1)
    other = json.loads((folder / "plan-2.json").read_bytes())
    other["ranges"][RAW_EVENTS.name][0][2] += 2
    (folder / "plan.json").write_text(json.dumps(other))

    assert closed(site) == whole
    assert closed(site).statement.number == 3
    assert verified(site).faults == []


def test_two_who_close_at_once_make_one_chain(site: Site) -> None:
    """Of processes that begin together all end with the same manifests, while events go on coming."""

    async def at_once() -> list[Manifest | None]:
        return await asyncio.gather(*(site.closer().close() for _ in range(4)))

    for round_ in range(3):
        made = asyncio.run(at_once())
        by_number = {(one.statement.number, one.digest) for one in made if one is not None}
        assert len({number for number, _ in by_number}) == len(by_number), by_number
        site.capture(f"c{round_}", 1)
    assert verified(site).faults == []
    numbers = [one["number"] for one in announced(site.kafka, site.codec)]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))


def test_records_that_nobody_can_read_are_covered_by_their_bytes(site: Site) -> None:
    """What went to the dead letters is in the evidence too."""
    with new_producer(site.kafka) as producer:
        producer.send(site.kafka.topic(RAW_EVENTS.name), value=b"not avro", partition=1).get(timeout=20)
    assert closed(site).statement.counts["unreadable"] == 1


def test_a_chain_whose_end_was_taken_away_is_not_gone_on_with(site: Site) -> None:
    """A new manifest in place of a removed one would be a fork: closing refuses."""
    closed(site)
    site.capture("c2", 1)
    closed(site)
    shutil.rmtree(site.archive / "_evidence/00000002")
    with pytest.raises(EvidenceError, match="its end was removed"):
        site.close()


def test_another_log_is_refused(site: Site, new_kafka: Callable[..., KafkaSettings], tmp_path: Path) -> None:
    """Positions of a new, shorter log would vouch for what they never covered."""
    closed(site)
    other = Site(new_kafka(), tmp_path)
    with pytest.raises(EvidenceError, match="another log"):
        other.close()
