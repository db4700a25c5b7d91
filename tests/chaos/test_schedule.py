"""The schedule is a function of its seed, and holds what was promised of every kind."""

from collections import Counter

import pytest

from tests.chaos.schedule import KILLED, SESSION_S, STAGES, STOPPED, STORE_ANSWERS, Step, plan, planned


@pytest.mark.parametrize("kills", [5, 7, 25, 100, 130])
def test_every_kind_is_planned_often_enough(kills: int) -> None:
    """Exactly so many kills, of each kind ten where there are enough, and each other fault at least once."""
    steps = plan(kills, seed=7)
    found = Counter(step.target for step in steps if step.kind == "kill")
    assert found.total() == kills
    assert set(found) == set(KILLED) >= set(STAGES)
    assert min(found.values()) >= min(10, kills // 5)
    others = {(step.kind, step.target) for step in steps}
    assert {("stop", one) for one in STOPPED} | {("store", one) for one in STORE_ANSWERS} <= others
    assert {("disk", "full"), ("add", "worker"), ("remove", "worker")} <= others


def test_a_seed_gives_one_schedule_and_another_seed_another() -> None:
    """Order, targets, choices and lengths: all of it."""
    assert plan(25, seed=1) == plan(25, seed=1)
    assert plan(25, seed=1) != plan(25, seed=2)


def test_who_is_stopped_stays_so_for_longer_than_the_session() -> None:
    """Else nobody would take over."""
    stops = [step for step in plan(100, seed=3) if step.kind == "stop"]
    assert min(step.lasts_s for step in stops) > SESSION_S


def test_as_many_workers_are_added_as_removed() -> None:
    """So a long run neither drowns in workers nor is left without."""
    kinds = Counter(step.kind for step in plan(100, seed=5))
    assert kinds["add"] == kinds["remove"] > 1


def test_too_few_kills_are_refused() -> None:
    """A run that can't hit every kind would prove less than it says."""
    with pytest.raises(ValueError, match="too few"):
        plan(len(KILLED) - 1, seed=1)


def test_planned_counts_by_what_a_reader_looks_for() -> None:
    """Kills by what they hit, everything else by the name that `faults_by_kind` has."""
    steps = [
        Step(1, "kill", "archive", 0, 0, 0),
        Step(2, "kill", "archive", 0, 0, 0),
        Step(3, "store", "503", 0, 0, 0),
        Step(4, "disk", "full", 0, 0, 0),
    ]
    assert planned(steps) == {"kill archive": 2, "store answers 503": 1, "disk full": 1}
