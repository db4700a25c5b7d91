"""Counters from the ledger: by ids, so that no repetition and no order changes them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.gaps import Gaps
from consumers.tally import Counters, Tally, positions_in
from schemas.records import Delivery
from tests.consumers.ledger import delivery

OUTCOMES = ("ok", "partial", "skipped", "failed", "external")
Read = tuple[int, int, int, Delivery]


def reads(*deliveries: Delivery, partition: int = 0) -> list[Read]:
    """As if read from one partition, recorded at 100, 101, ..."""
    return [(partition, offset, 100 + offset, one) for offset, one in enumerate(deliveries)]


@pytest.fixture
def tally() -> Iterator[Tally]:
    """Counters that are thrown away."""
    with closing(Tally()) as made:
        yield made


def test_who_looks_how_far_a_tally_is_holds_nobody_up_and_makes_nothing_anew(tmp_path: Path) -> None:
    """As a health check every few seconds: the file may have gigabytes, and be in the midst of a transaction."""
    path = tmp_path / "monitor.sqlite"
    with closing(Tally(path)) as tally:
        tally.add(reads(delivery(1, {"ana": "ok"}), delivery(2, {"ana": "ok"})))
        writing = sqlite3.connect(path, isolation_level=None)
        writing.execute("BEGIN IMMEDIATE")
        assert positions_in(path) == {0: 2}
        writing.execute("ROLLBACK")
        writing.execute("PRAGMA user_version = 1")
        writing.close()
        assert positions_in(path) == {}
    path.write_bytes(b"no database at all " * 500)
    with pytest.raises(sqlite3.DatabaseError):
        positions_in(path)
    assert path.read_bytes().startswith(b"no database")
    path.unlink()
    with pytest.raises(sqlite3.OperationalError):
        positions_in(path)
    assert not path.exists()


def test_counts_every_outcome(tally: Tally) -> None:
    """Each outcome counts once; external people stay outside the sum; mails without a copy are unrouted."""
    tally.add(reads(
        delivery(1, {"ana": "ok", "ben": "partial", "cy": "skipped", "dee": "failed", "eve": "external"}, events=5),
        delivery(2, {"eve": "external"}, events=2),
        delivery(3, {"ana": "ok"}, conversation="c2"),
    ))  # fmt: skip
    assert tally.counters("lp") == Counters(
        conversations=2, events=8, mails=3, available_from_source=3, available_for_import=5, ok=2, partial=1, skipped=1,
        failed=1, external=2, unrouted=1, completed_at_ms=102,
    )  # fmt: skip


def test_nothing_is_counted_of_a_connector_without_deliveries(tally: Tally) -> None:
    """Zeros, and no moment of completion."""
    assert tally.counters("nobody") == Counters()
    assert tally.connectors() == []


def test_connectors_are_counted_apart(tally: Tally) -> None:
    """The same conversation id at two connectors is two conversations."""
    tally.add(reads(delivery(1, {"ana": "ok"}), delivery(1, {"ana": "ok"}, connector="wx")))
    assert tally.connectors() == ["lp", "wx"]
    assert [tally.counters(uid).conversations for uid in ("lp", "wx")] == [1, 1]


def test_a_mail_with_several_records_is_one_mail(tally: Tally) -> None:
    """Thousands of participants need several records: one mail, routed if any record has a copy."""
    tally.add(
        reads(delivery(1, {"ana": "ok"}), delivery(1, {"eve": "external"}), delivery(2, {"eve": "external"}))
    )
    found = tally.counters("lp")
    assert (found.mails, found.events, found.unrouted, found.ok, found.external) == (2, 2, 1, 1, 2)


def test_a_later_outcome_takes_the_place_of_an_earlier_one(tally: Tally) -> None:
    """A copy that failed and was made later counts as made, and the mail as routed."""
    tally.add(reads(delivery(1, {"ana": "failed"})))
    assert (tally.counters("lp").failed, tally.counters("lp").unrouted) == (1, 1)
    tally.add(reads(delivery(1, {"ana": "ok"})))
    found = tally.counters("lp")
    assert (found.failed, found.ok, found.unrouted, found.available_for_import) == (0, 1, 0, 1)


def test_a_copy_that_was_routed_elsewhere_counts_once_and_as_superseded(tally: Tally) -> None:
    """With its newest delivery, also when the ledger says the first one again; the former copy is a figure of its own."""
    first, moved = delivery(1, {"ana": "ok", "ben": "failed"}), delivery(1, {"ana": "partial"}, routing=1)
    tally.add(reads(first, moved, first))
    found = tally.counters("lp")
    assert (found.ok, found.partial, found.failed, found.superseded) == (0, 1, 1, 1)
    assert (found.available_for_import, found.mails, found.unrouted) == (2, 1, 0)


def test_gaps_forget_a_failure_that_was_routed_again(tally: Tally) -> None:
    """Also when the ledger says the failure again afterwards, as live stages do when their offsets are lost."""
    gaps, failed = Gaps(), delivery(1, {"dee": "failed"})
    for one in (failed, delivery(1, {"dee": "ok"}, routing=1), failed):
        gaps.add(one)
        tally.add(reads(one))
    assert gaps.failed() == []
    assert tally.counters("lp").failed == 0


@st.composite
def ledgers(draw: st.DrawFn) -> list[Delivery]:
    """Deliveries of a few mails and people, some routed again; a copy's fate depends on mail, person and routing alone."""
    users = st.lists(st.sampled_from(["ana", "ben", "cy", "dee"]), max_size=4, unique=True)
    made = []
    for mail in draw(st.lists(st.integers(0, 5), max_size=12)):
        again = draw(st.integers(0, 2))
        outcomes = {user: OUTCOMES[(mail * 3 + ord(user[0]) + again) % 5] for user in draw(users)}
        connector = "lp" if mail % 2 else "wx"
        made.append(
            delivery(
                mail, outcomes, connector=connector, conversation=f"c{mail % 3}", events=mail, routing=again
            )
        )
    return made


@given(data=st.data(), ledger=ledgers())
def test_any_order_and_repetition_gives_the_same_counters(
    data: st.DataObject, ledger: list[Delivery]
) -> None:
    """Deliveries in any order, any of them again, in any batches: equal to a plain count by sets; the sum holds."""
    again = data.draw(
        st.permutations(ledger + (data.draw(st.lists(st.sampled_from(ledger))) if ledger else []))
    )
    cut = data.draw(st.integers(0, len(again)))
    with closing(Tally()) as tally:
        tally.add(reads(*again[:cut]))
        tally.add(reads(*again[cut:], partition=1))
        for uid in ("lp", "wx"):
            found = tally.counters(uid)
            assert found.available_for_import == found.ok + found.partial + found.skipped + found.failed
            assert found.as_dict() | {"completed_at_ms": 0} == plainly(ledger, uid)


def plainly(ledger: list[Delivery], uid: str) -> dict[str, int]:
    """The same by sets."""
    own = [one for one in ledger if one["connector_uid"] == uid]
    mails = {one["mail_id"]: one["event_count"] for one in own}
    results = sorted(
        (copy.get("routing", 0), one["mail_id"], copy["participant"]["id"], copy["outcome"])
        for one in own for copy in one["copies"]
    )  # fmt: skip
    copies = {(mail, user): outcome for _, mail, user, outcome in results}
    again = {(mail, user) for number, mail, user, _ in results if number}
    routed = {mail for _, mail, _, outcome in results if outcome in {"ok", "partial"}}
    by_outcome = {name: sum(outcome == name for outcome in copies.values()) for name in OUTCOMES}
    return by_outcome | {
        "conversations": len({one["conversation"] for one in own}), "events": sum(mails.values()), "mails": len(mails),
        "available_from_source": len(mails), "available_for_import": len(copies) - by_outcome["external"],
        "unrouted": len(mails) - len(routed), "superseded": len(again), "completed_at_ms": 0,
    }  # fmt: skip


def test_the_file_keeps_counters_together_with_positions(tmp_path: Path) -> None:
    """Opened again, it knows where to read on; a batch that fails leaves neither."""
    path = tmp_path / "monitor.sqlite"
    with closing(Tally(path)) as tally:
        tally.add(reads(delivery(1, {"ana": "ok"}), delivery(2, {"ana": "ok"})))
        broken = delivery(3, {"ana": "ok"})
        del broken["conversation"]  # type: ignore[misc]  # that is the fault
        with pytest.raises(KeyError):
            tally.add([(1, 0, 200, delivery(4, {"ana": "ok"})), (1, 1, 201, broken)])
    with closing(Tally(path)) as tally:
        assert tally.positions() == {0: 2}
        assert tally.counters("lp").mails == 2
        tally.add([(1, 0, 200, delivery(4, {"ana": "ok"}))])
        assert (tally.positions(), tally.counters("lp").mails) == ({0: 2, 1: 1}, 3)


def test_clear_forgets_everything(tmp_path: Path) -> None:
    """Counters, ids and positions."""
    with closing(Tally(tmp_path / "monitor.sqlite")) as tally:
        tally.add(reads(delivery(1, {"ana": "ok"})))
        tally.clear()
        assert (tally.positions(), tally.connectors(), tally.counters("lp")) == ({}, [], Counters())
        tally.add(reads(delivery(1, {"ana": "ok"})))
        assert tally.counters("lp").mails == 1


@pytest.mark.parametrize("content", [b"no database at all " * 100, None])
def test_a_damaged_or_older_file_is_begun_anew(tmp_path: Path, content: bytes | None) -> None:
    """The ledger has everything, so nobody is asked to delete a cache by hand."""
    path = tmp_path / "monitor.sqlite"
    if content is None:
        with closing(sqlite3.connect(path)) as old:
            old.execute("CREATE TABLE position (partition INTEGER, next INTEGER)")
            old.execute("INSERT INTO position VALUES (0, 7)")
            old.commit()
    else:
        path.write_bytes(content)
    with closing(Tally(path)) as tally:
        assert tally.positions() == {}


def test_a_folder_that_is_missing_is_not_taken_for_damage(tmp_path: Path) -> None:
    """Nothing is deleted, and the error comes out."""
    with pytest.raises(sqlite3.OperationalError):
        Tally(tmp_path / "nowhere" / "monitor.sqlite")


def test_gaps_list_unrouted_mails_and_each_failed_person_once(tally: Tally) -> None:
    """Unrouted by connector and date; failed with reason, number of copies and the first mail."""
    gaps = Gaps()
    ledger = [
        delivery(3, {"dee": "failed", "eve": "external"}), delivery(2, {"dee": "failed", "ana": "ok"}),
        delivery(1, {"eve": "external"}, connector="wx"), delivery(2, {"cy": "external"}),
    ]  # fmt: skip
    tally.add(reads(*ledger))
    for one in ledger:
        gaps.add(one)
    assert [one.path for one in gaps.unrouted(tally)] == ["_mails/lp/0003.eml", "_mails/wx/0001.eml"]
    (found,) = gaps.failed()
    assert (found.user, found.name, found.reason) == ("dee", "Dee", "why failed")
    assert (found.first_path, found.copies) == ("_mails/lp/0002.eml", 2)
    gaps.add(delivery(3, {"dee": "ok"}))
    assert [one.copies for one in gaps.failed()] == [1]
