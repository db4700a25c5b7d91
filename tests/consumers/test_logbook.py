"""The connector log: runs by the day of recording, counted by ids, with Microsoft's invariant."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaProducer

from consumers.logbook.items import OUTCOMES, Item, imported, stored
from consumers.logbook.reading import catch_up
from consumers.logbook.runs import Run, Runs
from consumers.tally import Tally
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import Delivery, Receipt
from schemas.topics import DAY_MS, DELIVERIES
from tests.consumers.ledger import EXAMPLE, delivery, write

RECEIPT = EXAMPLE.with_name("Receipt.json")
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
START_MS = (MONDAY.toordinal() - date(1970, 1, 1).toordinal()) * DAY_MS
Recorded = tuple[int, Delivery]
"""On which day after Monday, and what."""


@pytest.fixture
def runs() -> Iterator[Runs]:
    """A log that is thrown away."""
    with closing(Runs()) as made:
        yield made


def fold(runs: Runs, *recorded: Recorded, at: int = 0) -> None:
    """Take these in, each a second after the one before, from offset `at` on."""
    runs.add("stored", [
        (0, at + number, START_MS + day * DAY_MS + 1000 * number, stored(one)) for number, (day, one) in enumerate(recorded)
    ])  # fmt: skip


def run_of(runs: Runs, day: date = MONDAY, connector: str = "lp") -> Run:
    """The run of this connector and day."""
    return runs.run("stored", connector, day)


def test_the_seven_fields_mean_what_microsoft_s_mean(runs: Runs) -> None:
    """One mail to five people: before fan-out one item, after it all but the external one, each with its outcome."""
    fold(
        runs,
        (
            0,
            delivery(
                1, {"ana": "ok", "bob": "partial", "cyd": "skipped", "dee": "failed", "eve": "external"}
            ),
        ),
    )
    found = run_of(runs)
    assert (found.available_from_source, found.available_for_import) == (1, 4)
    assert (found.ok, found.partial, found.skipped, found.failed, found.external) == (1, 1, 1, 1, 1)
    assert found.completed_at_ms == START_MS
    assert found.adds_up


def test_a_day_with_nothing_has_a_run_too(runs: Runs) -> None:
    """Silence is said: zeros, and no time of completion."""
    fold(runs, (0, delivery(1, {"ana": "ok"})))
    assert run_of(runs, TUESDAY) == Run(TUESDAY)
    assert run_of(runs, connector="other").completed_at_ms is None


def test_what_comes_late_is_in_the_run_that_brought_it(runs: Runs) -> None:
    """A run that is over never changes: another mail, or a repeat of an old one, leaves it as it was."""
    fold(runs, (0, delivery(1, {"ana": "ok"})))
    before = run_of(runs)
    fold(runs, (1, delivery(1, {"ana": "ok"})), (1, delivery(2, {"ana": "ok"})), at=1)
    assert run_of(runs) == before
    assert run_of(runs, TUESDAY).available_from_source == 1


def test_a_copy_that_is_routed_again_counts_in_both_runs(runs: Runs) -> None:
    """Monday's failure stays Monday's; Tuesday's run has the new result, and says that it is one."""
    fold(runs, (0, delivery(1, {"ana": "failed"})), (1, delivery(1, {"ana": "ok"}, routing=1)))
    fold(runs, (1, delivery(1, {"ana": "failed"})), at=2)
    monday, tuesday = run_of(runs), run_of(runs, TUESDAY)
    assert (monday.failed, monday.ok) == (1, 0)
    assert (tuesday.available_from_source, tuesday.available_for_import, tuesday.ok) == (0, 1, 1)
    assert (monday.routed_again, tuesday.routed_again) == (0, 1)


def test_users_without_a_mailbox_are_one_line_a_day_and_others_one_an_item(runs: Runs) -> None:
    """As Microsoft does, but with the count; a mailbox that refused a copy is told for each item."""
    refused = delivery(3, {"bob": "failed"})
    refused["copies"][0]["mailbox"] = "bob@bank.example"
    again = delivery(4, {"bob": "failed"})
    again["copies"][0]["mailbox"] = "bob@bank.example"
    fold(
        runs,
        (0, delivery(1, {"dee": "failed"})),
        (0, delivery(2, {"dee": "failed"})),
        (0, refused),
        (0, again),
    )
    lines = list(runs.lines("stored", "lp", MONDAY, "failed"))
    assert [(line.user, line.count) for line in lines] == [("bob", 1), ("bob", 1), ("dee", 2)]
    assert lines[2].item == delivery(1, {})["mail_id"].hex()
    assert (lines[2].reason, lines[2].mailbox, lines[0].mailbox) == ("why failed", "", "bob@bank.example")


def test_a_user_without_a_mailbox_is_told_anew_each_day(runs: Runs) -> None:
    """One line on each day on which a copy failed, none on the others: who maps the user sees when it was of use."""
    fold(
        runs,
        (0, delivery(1, {"dee": "failed"})),
        (1, delivery(2, {"dee": "failed"})),
        (1, delivery(3, {"dee": "failed"})),
        (2, delivery(4, {"dee": "ok"})),
    )
    days = (MONDAY, TUESDAY, date(2026, 3, 4))
    told = [[(line.user, line.count) for line in runs.lines("stored", "lp", day, "failed")] for day in days]
    assert told == [[("dee", 1)], [("dee", 2)], []]


def test_externals_and_unrouted_stand_apart(runs: Runs) -> None:
    """A mail that only strangers took part in has no copy: it is unrouted, and its people are external."""
    fold(runs, (0, delivery(1, {"eve": "external"})), (0, delivery(2, {"ana": "ok", "eve": "external"})))
    found = run_of(runs)
    assert (found.external, found.unrouted, found.available_for_import) == (2, 1, 1)
    assert [line.user for line in runs.lines("stored", "lp", MONDAY, "external")] == ["eve"]
    (alone,) = runs.lines("stored", "lp", MONDAY, "unrouted")
    assert alone.path == delivery(1, {})["path"]


def test_partial_items_are_listed_and_what_was_skipped_is_a_line_a_user(runs: Runs) -> None:
    """Which copy lacks something can be found; of what is the same for all of a user's mails there is one line with the count."""
    outcomes = {"ana": "partial", "bob": "skipped"}
    fold(runs, *((0, delivery(number, outcomes)) for number in range(3)))
    assert [(line.user, line.count) for line in runs.lines("stored", "lp", MONDAY, "partial")] == [
        ("ana", 1)
    ] * 3
    assert len({line.item for line in runs.lines("stored", "lp", MONDAY, "partial")}) == 3
    assert [(line.user, line.count) for line in runs.lines("stored", "lp", MONDAY, "skipped")] == [("bob", 3)]
    assert not list(runs.lines("stored", "lp", MONDAY, "failed"))
    assert (runs.latest("stored", "lp"), runs.latest("imported", "lp")) == (MONDAY, None)


def test_a_mail_in_several_records_is_unrouted_only_if_all_of_them_are(runs: Runs) -> None:
    """More participants than a record takes: whoever has a copy may stand in a later one."""
    fold(runs, (0, delivery(1, {"eve": "external"})))
    assert run_of(runs).unrouted == 1
    fold(runs, (0, delivery(1, {"ana": "ok"})), at=1)
    found = run_of(runs)
    assert (found.unrouted, found.available_from_source, found.ok, found.external) == (0, 1, 1, 1)


def test_an_outcome_of_a_later_version_has_failed() -> None:
    """What this version does not know is shown to somebody, and keeps the sum."""
    odd = delivery(1, {"ana": "ok"})
    odd["copies"][0]["outcome"] = "teleported"  # type: ignore[typeddict-item]  # that is the point
    assert [result.outcome for result in stored(odd).results] == ["failed"]


recorded = st.builds(
    lambda mail, day, outcomes, again: (day, delivery(mail, outcomes, routing=again)),
    st.integers(0, 4), st.integers(0, 2), st.dictionaries(st.sampled_from("abc"), st.sampled_from(OUTCOMES[:5])),
    st.integers(0, 1),
)  # fmt: skip


@given(st.lists(recorded, max_size=12), st.data())
def test_runs_add_up_and_no_repetition_changes_them(ledger: list[Recorded], data: st.DataObject) -> None:
    """For any ledger in order of time: each run's sum holds, mails are counted once, and reading it twice changes nothing."""
    ledger.sort(key=lambda one: one[0])
    cut = data.draw(st.integers(0, len(ledger)))
    with closing(Runs()) as runs, closing(Runs()) as pieces, closing(Tally()) as tally:
        fold(runs, *ledger)
        fold(pieces, *ledger[:cut])
        before = all_runs(pieces)
        fold(pieces, *ledger[:cut])
        assert all_runs(pieces) == before
        tally.add([(0, number, 0, one) for number, (_, one) in enumerate(ledger)])
        found = all_runs(runs)
        assert all(run.adds_up for run in found)
        assert sum(run.available_from_source for run in found) == tally.counters("lp").mails


@pytest.mark.parametrize("second", ["ok", "partial"])
def test_a_copy_that_was_made_again_counts_as_it_did_first(runs: Runs, second: str) -> None:
    """By a worker that was stopped while an order removed it: what failed first and stands later is another matter."""
    ledger = [delivery(1, {"ana": "ok", "bob": "failed"}), delivery(1, {"ana": second, "bob": second})]
    fold(runs, *((0, one) for one in ledger))
    with closing(Tally()) as tally:
        tally.add([(0, number, 0, one) for number, one in enumerate(ledger)])
        counters = tally.counters("lp")
    run = run_of(runs)
    assert (run.available_for_import, run.ok + run.partial, run.failed, run.routed_again) == (3, 2, 1, 1)
    assert run.adds_up
    assert (counters.available_for_import, counters.failed) == (2, 0)
    assert counters.ok == (2 if second == "ok" else 1)


def all_runs(runs: Runs) -> list[Run]:
    """Three days from Monday on."""
    return [run_of(runs, date.fromordinal(MONDAY.toordinal() + number)) for number in range(3)]


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    """The file is a cache: whatever stands in it, the topics say it again."""
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"no database at all, and longer than a header would be" * 20)
    with closing(Runs(path)) as runs:
        assert runs.positions("stored") == {}


@pytest.mark.kafka
def test_the_log_is_rebuilt_from_the_topics_alone(
    kafka: KafkaSettings, new_kafka: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    """With its file it reads only what is new; without it, it says the same; another ledger is read anew."""
    path, today = tmp_path / "log.sqlite", recorded_day(kafka)
    write(kafka, [(0, delivery(1, {"ana": "ok"})), (1, delivery(2, {"dee": "failed"}, conversation="c2"))])
    with closing(Runs(path)) as runs:
        catch_up(runs, kafka, Codec())
    write(kafka, [(2, delivery(3, {"ana": "partial"}))])
    with closing(Runs(path)) as runs, closing(Runs()) as anew:
        catch_up(runs, kafka, Codec())
        catch_up(anew, kafka, Codec())
        kept = run_of(runs, today)
        assert kept == run_of(anew, today)
        assert (kept.available_from_source, kept.ok, kept.partial, kept.failed) == (3, 1, 1, 1)
    other = new_kafka()
    write(other, [(1, delivery(9, {"ana": "ok"}))])
    with closing(Runs(path)) as runs:
        catch_up(runs, other, Codec())
        assert run_of(runs, today).available_from_source == 1


def recorded_day(kafka: KafkaSettings) -> date:
    """The day that Kafka's records have now; bytes that are no record are passed over."""
    producer = KafkaProducer(**kafka.client_kwargs())
    sent = producer.send(kafka.topic(DELIVERIES.name), value=b"no record", partition=0).get(timeout=20)
    producer.close()
    return date.fromordinal(date(1970, 1, 1).toordinal() + sent.timestamp // DAY_MS)


def test_items_are_told_by_ledger(runs: Runs) -> None:
    """What one ledger has of a mail is nothing to the other."""
    one = stored(delivery(1, {"ana": "ok"}))
    other = Item("imported", one.connector, one.mail, one.path, one.results)
    runs.add("stored", [(0, 0, START_MS, one)])
    runs.add("imported", [(0, 0, START_MS + DAY_MS, other)])
    assert run_of(runs).ok == runs.run("imported", "lp", TUESDAY).ok == 1
    runs.clear("stored")
    assert (run_of(runs).ok, runs.run("imported", "lp", TUESDAY).ok) == (0, 1)


def test_what_waits_for_its_mailbox_is_told_and_not_counted(runs: Runs) -> None:
    """A receipt that says *waiting* is open; the one that follows counts, in its own run, and the line is gone."""
    receipt = cast("Receipt", json.loads(RECEIPT.read_text(encoding="utf-8")))
    receipt["mail_id"], receipt["connector_uid"] = bytes(16), "lp"
    runs.add(
        "imported", [(0, 0, START_MS, imported({**receipt, "outcome": "waiting", "reason": "over quota"}))]
    )
    assert [line.reason for line in runs.lines("imported", "lp", MONDAY, "waiting")] == ["over quota"]
    assert runs.run("imported", "lp", MONDAY).available_for_import == 0
    runs.add("imported", [(0, 1, START_MS + DAY_MS, imported({**receipt, "outcome": "ok", "reason": None}))])
    found = runs.run("imported", "lp", TUESDAY)
    assert (found.ok, found.available_for_import, found.routed_again) == (1, 1, 0)
    assert list(runs.lines("imported", "lp", MONDAY, "waiting")) == []
