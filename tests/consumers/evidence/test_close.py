"""Closing manifests: what they cover, that killing and hurrying changes nothing, and how keys change."""

import asyncio
import gzip
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from consumers.evidence.anchor import announced
from consumers.evidence.daily import follow, is_due
from consumers.evidence.errors import EvidenceError
from consumers.evidence.keys import load_key, next_path
from consumers.evidence.rotate import rotate
from consumers.evidence.statement import Manifest, Statement
from consumers.evidence.telling import Teller, evidence_view
from consumers.evidence.verify import Report, Verifier
from consumers.orders import audit, said, say
from consumers.status import read_status
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.topics import IMPORTS, RAW_EVENTS
from stores.folder import FolderStore
from tests.consumers.evidence.rig import Site
from tests.schemas.test_formats import example

pytestmark = pytest.mark.kafka
STRANGER = Path(__file__).parents[3] / "docs" / "verify_evidence.py"
PIECES = ("plan.json", "leaves.jsonl.gz", "manifest.jsonl")


def leaves(site: Site, number: int) -> list[dict[str, Any]]:
    """The leaves of a manifest, as anybody reads them."""
    path = site.archive / f"_evidence/{number:08d}/leaves.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def verified(site: Site) -> Report:
    """What an offline check finds."""
    return asyncio.run(Verifier(FolderStore(site.archive)).run())


def closed(site: Site) -> Manifest:
    """A manifest, which must be a new one."""
    made = site.close()
    assert made is not None
    return made


@pytest.fixture
def site(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Site]:
    """Two conversations captured, one mail delivered."""
    made = Site(kafka, tmp_path)
    made.capture("c1", 3, watermark_ms=1_000)
    made.deliver(1)
    yield made
    made.leave()


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


def test_keys_change_within_the_chain(site: Site) -> None:
    """The old key vouches for the new one; what follows is signed with it, and a verifier needs no word of ours."""
    first = load_key(site.key_file).public
    made = asyncio.run(rotate(site.closer(), site.kafka, site.codec, site.key_file, "ana", "yearly"))
    second = load_key(site.key_file).public
    site.capture("c9", 1)

    assert (made.statement.key, made.statement.next_key) == (first, second)
    assert closed(site).statement.key == second != first
    assert verified(site).faults == []


@pytest.mark.parametrize("moment", ["before the order", "before the manifest", "before the file"])
def test_a_change_of_keys_that_was_killed_goes_on(
    site: Site, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given again, the command ends with one new key in force, and closing works in between."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def change() -> Manifest:
        return asyncio.run(rotate(site.closer(), site.kafka, site.codec, site.key_file, "ana", "yearly"))

    target = {"before the order": "consumers.evidence.rotate.say", "before the manifest": "consumers.evidence.close.chain.last",
              "before the file": "pathlib.Path.replace"}[moment]  # fmt: skip
    if moment == "before the manifest":
        calls: list[int] = []
        real: Callable[..., Any] = __import__("consumers.evidence.chain", fromlist=["last"]).last

        async def second(*given: Any) -> Any:
            calls.append(1)
            return killed() if len(calls) == 2 else await real(*given)

        monkeypatch.setattr(target, second)
    else:
        monkeypatch.setattr(target, killed)
    with pytest.raises(KeyboardInterrupt):
        change()
    monkeypatch.undo()
    site.capture("c8", 1)
    site.close()
    change()
    site.capture("c9", 1)

    assert closed(site).statement.key == load_key(site.key_file).public
    assert not next_path(site.key_file).exists()
    assert verified(site).faults == []


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


def test_a_foreign_or_open_key_is_refused(site: Site) -> None:
    """The chain goes on with the key that it names, and no key is used that others can read."""
    closed(site)
    site.capture("c2", 1)
    kept = site.key_file.read_bytes()
    site.key_file.unlink()
    with pytest.raises(EvidenceError, match="is missing"):
        site.close()
    Site(site.kafka, site.folder)  # makes another key
    with pytest.raises(EvidenceError, match="put that one back"):
        site.close()
    site.key_file.chmod(0o644)
    with pytest.raises(EvidenceError, match="chmod 600"):
        site.close()
    site.key_file.write_bytes(kept)
    site.key_file.chmod(0o600)
    assert closed(site).statement.number == 2


@pytest.mark.parametrize(
    ("closed_at", "now", "due"),
    [
        (None, "2026-03-02T00:00:00Z", True),
        ("2026-03-01T23:59:59.000Z", "2026-03-02T00:00:01Z", True),
        ("2026-03-02T00:00:01.000Z", "2026-03-02T23:59:59Z", False),
        ("2026-03-02T00:00:01.000Z", "2026-03-03T01:00:00+02:00", False),
    ],
)
def test_a_manifest_a_day(closed_at: str | None, now: str, due: bool) -> None:
    """Due when the day (UTC) of the last one is over, or where there is none."""
    last = None
    if closed_at is not None:
        zeros = "0" * 64
        one = Statement(
            number=1, previous=None, closed_at=closed_at, ranges={}, count=0, counts={}, root=zeros, key=zeros, next_key=zeros
        )  # fmt: skip
        last = Manifest(one, b"", "", zeros)
    assert is_due(last, datetime.fromisoformat(now)) is due


def test_it_closes_by_itself_and_waits_for_what_is_wrong(site: Site) -> None:
    """Without its key it says why and tries again; with it, it closes once, and not again on the same day. Status has it all."""
    kept, stop = site.key_file.read_bytes(), threading.Event()
    site.key_file.unlink()
    said: list[str] = []

    def explain(error: Exception) -> str:
        said.append(str(error))
        site.key_file.write_bytes(kept)
        site.key_file.chmod(0o600)
        return str(error)

    def open_one() -> FolderStore:
        return FolderStore(site.archive, durable=False)

    thread = threading.Thread(
        target=lambda: follow(
            open_one, lambda _: site.closer(), stop, Teller(site.kafka), explain=explain, look_seconds=0.1
        )
    )
    thread.start()
    deadline = time.monotonic() + 60
    while len(announced(site.kafka, site.codec)) < 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(0.5)
    stop.set()
    thread.join(30)

    assert len(said) == 1
    assert "is missing" in said[0]
    (known,) = announced(site.kafka, site.codec)
    view = evidence_view(read_status(site.kafka), 10**14)
    assert view is not None
    assert (view.state, view.manifest, view.closed_at_ms, view.healthy) == (
        "stopped",
        1,
        known["closed_at_ms"],
        True,
    )
    assert "no evidence was made" in (view.last_error or "")
    assert read_status(site.kafka)[0]["last_success_ms"] is not None


@pytest.mark.parametrize("closings", [1, 2])
def test_keys_change_once_whoever_closes_meanwhile(
    site: Site, closings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process closes right after the order: the command finds the manifest that says so, and gives no second order."""
    first, real = load_key(site.key_file).public, say

    def say_and_close(*given: Any) -> None:
        real(*given)
        threads = [threading.Thread(target=site.close) for _ in range(closings)]
        for thread in threads:
            thread.start()
            thread.join()
            site.capture("c7", 1)

    monkeypatch.setattr("consumers.evidence.rotate.say", say_and_close)
    made = asyncio.run(rotate(site.closer(), site.kafka, site.codec, site.key_file, "ana", "yearly"))
    second = load_key(site.key_file).public
    assert (made.statement.key, made.statement.next_key) == (first, second)
    assert second != first
    assert orders_of_keys(site) == 1
    assert verified(site).faults == []


def test_a_change_that_was_killed_at_its_end_is_not_made_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain has the new key, its file waits still: given again, the command only finishes."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def change() -> Manifest:
        return asyncio.run(rotate(site.closer(), site.kafka, site.codec, site.key_file, "ana", "yearly"))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            change()
    waiting = load_key(next_path(site.key_file)).public
    assert change().statement.next_key == waiting == load_key(site.key_file).public
    assert orders_of_keys(site) == 1


def orders_of_keys(site: Site) -> int:
    """How many changes of keys topic audit has."""
    return sum(one["kind"] == "key" for one in said(site.kafka, site.codec))
