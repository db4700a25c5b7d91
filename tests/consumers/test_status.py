"""What status and health checks make of the records of the status topic."""

from typing import Any, cast

import pytest

from consumers.drain import Backlog
from consumers.stages import WorkersView, stage_views, stages_unwell
from consumers.status import unwell, views
from schemas.status import ConnectorStatus

NOW = 1_000_000
EVERY_STATE = (
    "starting", "collecting", "working", "idle", "waiting", "refused", "stopped", "paused", "deleted",
)  # fmt: skip


def record(**changes: Any) -> ConnectorStatus:
    """A collector's live lane, well and of this moment, unless said otherwise."""
    base: dict[str, Any] = {
        "connector_uid": "lp", "connector": "LivePerson", "source": "liveperson", "component": "collector",
        "partition": None, "lane": "live", "reached": None, "state": "idle", "captured_up_to_ms": 900, "lag_ms": 50,
        "progress": None, "last_success_ms": 950, "last_error": None, "counters": {}, "updated_at_ms": NOW,
    }  # fmt: skip
    return cast("ConnectorStatus", base | changes)


def stage(component: str, state: str, partition: int = 0, **changes: Any) -> ConnectorStatus:
    """One partition of a worker's stage."""
    return record(
        connector_uid="*", component=component, partition=partition, lane=None, state=state, **changes
    )


@pytest.mark.parametrize("state", EVERY_STATE)
def test_only_waiting_and_refused_are_unwell(state: str) -> None:
    """Every other state is a normal part of a collector's life."""
    error = {"at_ms": 1, "message": "the source is down"}
    found = views([record(state=state, last_error=error)])
    expected = [f"lp: {state}: the source is down"] if state in {"waiting", "refused"} else []
    assert unwell(found, now_ms=NOW, silent_ms={"lp": 1000}, stopped_ms=1000) == expected
    assert found[0].healthy is not bool(expected)
    assert found[0].last_error == "the source is down"  # it is told also when it is over


def test_silence_is_judged_by_the_collector_alone() -> None:
    """The monitor may still speak of a connector whose collector is gone."""
    records = [
        record(updated_at_ms=NOW - 5000),
        record(component="delivery", lane=None, counters={"mails": 3}),
    ]
    found = views(records)
    assert found[0].counters == {"mails": 3}
    assert unwell(found, now_ms=NOW, silent_ms={"lp": 5000}, stopped_ms=9) == []
    assert unwell(found, now_ms=NOW, silent_ms={"lp": 4999}, stopped_ms=9000) == [
        "lp: silent for 5 s; is `chatledger collect lp` running?"
    ]


def test_a_collector_that_stopped_is_well_for_a_while() -> None:
    """Nightly runs end; but where nothing runs any more, a health check has to say so, whatever the pause between polls."""
    found = views([record(state="stopped", updated_at_ms=NOW - 5000)])
    assert unwell(found, now_ms=NOW, silent_ms={"lp": 65_000}, stopped_ms=5000) == []
    assert unwell(found, now_ms=NOW, silent_ms={"lp": 65_000}, stopped_ms=4999) == [
        "lp: stopped 5 s ago, and nothing collects since; start `chatledger collect lp`"
    ]


@pytest.mark.parametrize("state", ["paused", "deleted"])
def test_what_rests_by_order_is_well(state: str) -> None:
    """However long it is silent, and whatever a back-fill of it said last."""
    found = views([record(state=state), record(lane="backfill-a-b", state="waiting")])
    assert unwell(found, now_ms=NOW + 10**9, silent_ms={"lp": 1000}, stopped_ms=1000) == []


def test_configured_connectors_must_report_and_others_need_not() -> None:
    """One that was never started is said; one that was taken out of the configuration does not fail for ever."""
    found = views([record(connector_uid="old", updated_at_ms=0, state="waiting")])
    assert unwell(found, now_ms=NOW, silent_ms={"lp": 10}, stopped_ms=10) == [
        "lp: has never reported; is `chatledger collect lp` running?"
    ]


def test_lanes_are_told_apart() -> None:
    """Captured up to and lag are live's, progress is the back-fill's, the newest error and success count."""
    records = [
        record(lane="backfill-1", state="collecting", progress=0.25, captured_up_to_ms=1, lag_ms=9, last_success_ms=970,
               last_error={"at_ms": 7, "message": "late"}),
        record(last_error={"at_ms": 3, "message": "early"}),
    ]  # fmt: skip
    (view,) = views(records)
    assert (view.captured_up_to_ms, view.lag_ms, view.progress) == (900, 50, 0.25)
    assert view.states == {"backfill-1": "collecting", "live": "idle"}
    assert (view.last_error, view.last_error_ms, view.last_collected_ms) == ("late", 7, 970)


def test_stages_show_the_worst_of_their_partitions() -> None:
    """What Kafka knows is joined with what workers say."""
    waiting = [Backlog("assemble", 0, 9), Backlog("archive", 4, 5)]
    trouble = {"at_ms": 1, "message": "the store is down"}
    records = [stage("archive", "working"), stage("archive", "waiting", 1, last_error=trouble), record()]
    found = stage_views(waiting, records, workers=1)
    assert [(one.stage, one.waiting, one.state) for one in found] == [
        ("assemble", 0, "never reported"), ("archive", 4, "waiting"),
    ]  # fmt: skip
    assert stages_unwell(WorkersView(found, 1, 0)) == ["archive: waiting: the store is down"]


def test_what_a_worker_said_is_left_over_when_none_is_there() -> None:
    """Nobody is shown at work who is gone."""
    (found,) = stage_views([Backlog("archive", 0, 9)], [stage("archive", "working")], workers=0)
    assert found.state == "no worker"


@pytest.mark.parametrize(
    ("waiting", "workers", "state", "reasons"),
    [
        (0, 0, "idle", 0),  # nothing to do, nobody there: as after `run --once`
        (0, 1, "waiting", 0),  # what a worker said last is over when nothing waits
        (3, 1, "working", 0),
        (3, 1, "waiting", 1),
        (3, 1, "refused", 1),
        (3, 0, "idle", 1),
    ],
)
def test_stages_are_unwell_where_work_waits_and_nobody_does_it(
    waiting: int, workers: int, state: str, reasons: int
) -> None:
    """A health check must not fail for what is over, nor pass where records wait for a worker."""
    found = stage_views([Backlog("archive", waiting, 9)], [stage("archive", state)], workers=workers)
    assert len(stages_unwell(WorkersView(found, workers, 0))) == reasons
