"""Orders beside a real worker: what was captured after an order stays, and what was captured within the term."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from consumers.disposition.books import Books
from consumers.disposition.giving import put_in_force
from consumers.disposition.job import again
from consumers.disposition.removing import past_term
from consumers.disposition.retention import due
from consumers.mapping import activate, load
from consumers.mapping_settings import MappingSettings
from consumers.reading import read_all
from schemas import codec
from schemas.disposed import read_note
from schemas.dispositions import Scope
from schemas.ids import event_id
from schemas.mappings import rows_to_csv
from schemas.records import Event, MappingRow, event, person
from schemas.topics import DEAD_LETTERS
from stores.factory import open_store
from stores.settings import FolderSettings
from tests.consumers.disposition.office import Office, now_ms, raw, with_file
from tests.streams.feeding import BASE_MS, DAY_MS, UID, text
from tests.streams.replay.rig import command, counted, environment, replay
from tests.streams.worker_rig import deliveries

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(200)]


def test_what_was_captured_after_an_order_stays(one: Office) -> None:
    """However late its mails are removed: another day and a late event of the same day, both after the control record."""
    one.feeder.say(0, 0, 0, 1)
    one.feeder.watermark(1)
    order = one.give(Scope(UID, "room0"))
    put_in_force(one.means.kafka, one.means.codec, order)
    one.feeder.say(0, 0, 4)
    one.feeder.say(0, 5, 0)
    one.feeder.watermark(6)
    one.rig.drained()
    assert one.carry_out(order)["mails"] == "1"
    left = one.texts()
    assert text(0, 0, 4) in left
    assert text(0, 5, 0) in left
    assert text(0, 0, 0) not in left


def test_an_order_that_is_finished_later_names_nothing_that_was_captured_meanwhile(one: Office) -> None:
    """Closed or open when it is finished; a day that began before the order and went on stays whole, and so do files."""
    files = {day: f"file of day {day}".encode() for day in range(6)}
    for day in (0, 1, 3, 5):
        one.say(with_file(raw(0, day, 0), one.put(files[day])))
    one.feeder.watermark(1)
    one.rig.drained()
    order = one.give(Scope(UID, "room0"))  # and whoever gave it is killed
    for day, number in ((2, 0), (4, 0), (5, 7)):
        one.say(with_file(raw(0, day, number), one.put(files[day])))
    one.feeder.watermark(3)
    one.rig.drained()
    done = one.carry_out(one.order(order.name))
    assert (done["mails"], done["late"]) == ("2", "yes")
    one.feeder.watermark(6)
    one.rig.drained()
    said = one.texts()
    assert [day for day in range(6) if text(0, day, 0) in said] == [2, 4, 5]
    assert text(0, 5, 7) in said
    assert one.content() == {files[2], files[4], files[5]}
    asyncio.run(again(replace(one.means, index=None)))
    assert one.content() == {files[2], files[4], files[5]}
    assert counted(replay(one.rig, "--into", "compare"))["equal"] == 3


def test_what_was_captured_within_the_term_is_not_past_it(one: Office) -> None:
    """Nobody back-fills, and a message of today says 1970: retention does not touch it, closed or open."""
    now = datetime.now(UTC)
    for number in (0, 1):
        record = raw(number, 0, 0)
        record.update({"slice_start_ms": 0, "slice_end_ms": DAY_MS, "captured_at_ms": now_ms()})
        one.say(record)
        if number == 0:
            one.feeder.watermark(1)
    one.rig.drained()
    scope = due(UID, timedelta(days=30), None, Books(), now)
    assert scope is not None
    assert not list(past_term(one.index(), scope))
    assert one.carry_out(one.give(scope))["mails"] == "0"
    one.feeder.watermark(1)
    one.rig.drained()
    assert text(0, 0, 0) in one.texts()
    assert text(1, 0, 0) in one.texts()
    later = due(UID, timedelta(days=30), None, Books(), now + timedelta(days=40))
    assert later is not None
    assert list(past_term(one.index(), later))


def test_a_file_that_an_order_removed_gets_a_placeholder_for_ever(one: Office) -> None:
    """A later event names it: its mail says which order removed it and when, also once the file came back for others."""
    ref = one.put(b"hello file")
    one.say(with_file(raw(0, 0, 0), ref))
    one.feeder.watermark(1)
    one.rig.drained()
    order = one.ordered("room0")
    assert b"hello file" not in one.content()
    one.say(with_file(raw(0, 1, 0), ref))
    one.feeder.say(3, 5, 0)
    one.feeder.watermark(6)
    one.rig.drained()
    assert not list(read_all(one.means.kafka, DEAD_LETTERS))
    assert text(3, 5, 0) in one.texts()
    (made,) = [each for each in deliveries(one.means.kafka) if each["status"] == "partial"]
    at = datetime.fromtimestamp(order.said["at_ms"] / 1000, UTC)
    assert made["reasons"] == [f"x.txt: not attached, disposed of on {at:%Y-%m-%d} by order {order.name[:8]}"]
    one.put(b"hello file")
    one.say(with_file(raw(0, 7, 0), ref))
    one.feeder.watermark(8)
    one.rig.drained()
    assert [each["status"] for each in deliveries(one.means.kafka)].count("partial") == 1
    path = one.rig.archive / made["path"]
    before = path.read_bytes()
    path.unlink()
    assert counted(replay(one.rig, "--into", "store"))["new"] == 1
    assert path.read_bytes() == before
    assert counted(replay(one.rig, "--into", "compare"))["equal"] == 3
    one.ordered("room5")
    assert b"hello file" in one.content()
    last = one.ordered("room0")
    assert b"hello file" not in one.content()
    notes = (one.rig.archive / "_disposed").rglob(f"{ref['sha256'].hex()}*")
    assert {read_note(note.read_bytes()).order for note in notes} == {order.name, last.name}


def test_a_user_mapping_that_was_shared_in_a_chat_stays(one: Office) -> None:
    """The rows of a mapping lie in the content store too; an order that erases the chat leaves them to the mapping."""
    rows = [
        {"external_user_id": f"user{number:06}", "mailbox": f"u{number}@bank.example"}
        for number in range(3_000)
    ]
    path = one.rig.folder / "many.csv"
    path.write_bytes(rows_to_csv(cast(list[MappingRow], rows)))
    mapping = load(MappingSettings(file=path, domains=["bank.example"]))
    settings = FolderSettings(kind="folder", path=one.rig.archive)
    assert activate(one.means.kafka, one.means.codec, mapping, lambda: open_store(settings))
    ref = one.put(rows_to_csv(mapping["rows"]))
    one.say(with_file(raw(0, 0, 0), ref))
    one.feeder.watermark(1)
    one.rig.drained()
    one.ordered("room0")
    assert rows_to_csv(mapping["rows"]) in one.content()


def test_rows_and_pieces_of_long_mails_go_too(one: Office) -> None:
    """What was put aside of a mail too large for a record, and the source's whole row; a roster that went aside stays."""
    for number in range(0, 120, 30):
        long = raw(0, 0, *range(number, number + 30))
        for each in long["events"]:
            each["text"] = f"{each['text']} {'secret words ' * 2000}"
        one.say(long)
    row, row_ref = b'{"row": "everything that was said"}', one.put(b'{"row": "everything that was said"}')
    closed = raw(0, 0, 500)
    closed["events"][0]["details"] = {"row_sha256": row_ref["sha256"].hex(), "row_size": str(len(row))}
    one.say(closed)
    one.feeder.watermark(1)
    one.rig.drained()
    assert any(b"secret words" in data or b"c2VjcmV0IHdvcmRz" in data for data in one.content())
    one.ordered("room0")
    assert one.content() == set()


def test_what_was_brought_back_is_named_and_removed_again(one: Office) -> None:
    """A replay that began before an order ends by naming what it made; the comparison names it too; `again` removes it."""
    one.feeder.say(0, 0, 0, 3)
    one.feeder.say(1, 0, 0)
    one.feeder.watermark(1)
    one.rig.drained()
    slow = [
        subprocess.Popen([sys.executable, "-c", SLOW, *command(one.rig, "--into", where, "--processes", "1")[3:]],
                         env=environment(), cwd=one.rig.folder, stdout=subprocess.PIPE)
        for where in ("store", "_replay/again")
    ]  # fmt: skip
    while len(list(one.rig.folder.glob("began-*"))) < len(slow):
        time.sleep(0.1)
    one.ordered("room0")
    (one.rig.folder / "go-on").touch()
    for each in slow:
        said, _ = each.communicate(timeout=60)
        assert each.returncode == 1, said
    assert text(0, 0, 0) in one.texts()
    found = replay(one.rig, "--into", "compare", code=1)["findings"]
    assert {"was disposed of" in each["detail"] for each in found} == {True}
    done = asyncio.run(again(one.means))
    assert (done.mails, done.copies, done.replayed) == (1, 1, 2)
    assert counted(replay(one.rig, "--into", "compare"))["equal"] == 1


SLOW = """
import asyncio, os, pathlib, streams.replay.partition as partition
run = partition.PartitionReplay.run
async def late(self):
    pathlib.Path(f"began-{os.getpid()}").touch()
    while not pathlib.Path("go-on").exists():
        await asyncio.sleep(0.1)
    await run(self)
partition.PartitionReplay.run = late
import cli.main
cli.main.main()
"""


def test_a_roster_that_went_aside_is_kept_for_the_mails_that_come_after_an_order(one: Office) -> None:
    """People of a disposed slice get its supplements, live and in a replay, to the byte."""
    whole = event(event_id(UID, "roster-0"), "roster-0", "roster", BASE_MS)
    whole["people"] = [person(f"m{n}", f"M{n}", f"m{n}@bank.example", "member") for n in range(3)]
    record = raw(0, 0, 0)
    aside = {**whole, "people": [], "raw": b"", "overflow": one.put(codec.encode("Event", whole))}
    record["events"].insert(0, cast("Event", aside))
    one.say(record)
    one.feeder.watermark(1)
    one.rig.drained()
    one.ordered("room0")
    one.feeder.say(0, 0, 3)
    one.feeder.watermark(2)
    one.rig.drained()
    assert counted(replay(one.rig, "--into", "compare"))["copies_equal"] == 4
