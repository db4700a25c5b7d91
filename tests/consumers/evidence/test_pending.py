"""What was disposed of since the last manifest: who asks the log knows it, who has the archive alone is told what to do."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.words.evidence import of_report
from consumers.evidence.expected import Beyond
from consumers.evidence.newer import beyond
from consumers.evidence.statement import Manifest
from consumers.evidence.verify import Report, Verifier
from consumers.orders import audit, say
from schemas.broker import KafkaSettings
from tests.consumers.evidence.rig import Site

pytestmark = pytest.mark.kafka
ORDER = "cd" * 16


@pytest.fixture
def site(new_kafka: Callable[..., KafkaSettings], tmp_path: Path) -> Iterator[Site]:
    """Two mails in a manifest, a third one after it."""
    site = Site(new_kafka(1), tmp_path)
    for number in range(3):
        site.capture(f"c{number}", 1)
        site.deliver(number)
        if number == 1:
            site.close()
    yield site
    site.leave()


def ordered(site: Site, number: int, *kinds: str) -> list[Path]:
    """An order that is so far; where the mail and its copies stand."""
    mail = site.mails[number]
    steps = {
        "disposition": audit(ORDER, "disposition", at_ms=1, connector_uid="lp", by="dpo", reason="erasure 4"),
        "disposed": audit(ORDER, "disposed", at_ms=2, mails=bytes.fromhex(mail)),
        "finished": audit(ORDER, "finished", at_ms=3),
    }
    say(site.kafka, site.codec, [steps[kind] for kind in ("disposition", *kinds)])
    return [path for path in site.archive.rglob("*.eml") if path.stem in {mail, str(number)}]


def asked(site: Site) -> Report:
    """What is found by who asks the log too."""
    return asyncio.run(Verifier(site.store, None, lambda last: beyond(site.kafka, site.codec, last)).run())


def alone(site: Site) -> Report:
    """What is found in the archive alone."""
    return asyncio.run(Verifier(site.store).run())


def test_what_was_disposed_of_since_the_last_manifest_is_no_fault(site: Site) -> None:
    """The log's answer names the order and how many files; the archive alone says what to do, until a manifest has it."""
    for path in ordered(site, 0, "disposed", "finished"):
        path.unlink()
    report = asked(site)
    assert report.faults == []
    assert report.pending == [(ORDER, 3)]
    said = "\n".join(of_report(report))
    assert "note: 3 files of mails and copies disposed of by order cdcdcdcd, not in a manifest yet" in said
    offline = alone(site)
    assert sum("removed; manifest 1 has it" in fault for fault in offline.faults) == 3
    assert any("`chatledger evidence close` first" in note for note in offline.notes)
    site.close()
    assert (alone(site).faults, asked(site).pending, alone(site).notes) == ([], [], [])


def test_what_nobody_ordered_is_still_removed(site: Site) -> None:
    """An order excuses its own mails and no others; an order that names none excuses nothing."""
    for path in ordered(site, 0, "disposed", "finished"):
        path.unlink()
    next(path for path in site.archive.rglob("1.eml")).unlink()
    (fault,) = asked(site).faults
    assert fault.endswith("1.eml: removed; manifest 1 has it")


@pytest.mark.parametrize(("number", "pending"), [(0, [(ORDER, 3)]), (2, [])])
def test_what_an_order_removes_while_the_archive_is_read_is_no_fault(
    site: Site, number: int, pending: list[tuple[str, int]]
) -> None:
    """All of it was found and hashed, which may take hours, and then an order was carried out."""

    def asked_late(last: Manifest | None) -> Beyond:
        for path in ordered(site, number, "disposed", "finished"):
            path.unlink()
        return beyond(site.kafka, site.codec, last)

    report = asyncio.run(Verifier(site.store, None, asked_late).run())
    assert (report.faults, report.pending) == ([], pending)


@pytest.mark.parametrize("number", [0, 2])
def test_what_stands_again_of_a_finished_order_is_found_before_a_manifest_has_it(
    site: Site, number: int
) -> None:
    """Signed before the order or newer than the last manifest; while the order is under way, it is no fault."""
    paths = ordered(site, number, "disposed")
    assert asked(site).faults == []
    say(site.kafka, site.codec, [audit(ORDER, "finished", at_ms=3)])
    paths[0].chmod(0o600)
    paths[0].write_bytes(b"made again, without its file")
    found = asked(site).faults
    assert len(found) == len(paths) == 3
    assert {fault.partition(": ")[2].partition(",")[0] for fault in found} == {
        "was disposed of by order cdcdcdcd"
    }
