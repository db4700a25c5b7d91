"""What makes a run fail, and whom a kill may hit."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.processes import Part
from tests.chaos.pulse import Look
from tests.chaos.recovery import Recoveries
from tests.chaos.site import scales
from tests.chaos.stages import behind, with_work
from tests.chaos.verdict import Found, Kill, differing, document


def found(**changes: Any) -> Found:
    """A run in which all is well, but for the changes."""
    well = Found(
        7,
        {"kill archive": 1, "stop worker": 1},
        wanted=10,
        kills=[Kill("archive", "worker-1", 3, 1.0, 4.5)],
        faults=Counter({"stop worker": 1}),
        events=10,
    )
    for name, value in changes.items():
        setattr(well, name, value)
    return well


def test_a_good_run_is_ok() -> None:
    """And its document has what its readers count on."""
    result = document(found())
    assert result["ok"]
    assert result["kills_by_process"] == {"worker": 1}
    assert result["faults_by_kind"] == {"kill": 1, "stop worker": 1}
    assert result["recovery_s"] == {"archive": {"seen": 1, "least": 4.5, "median": 4.5, "most": 4.5}}


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"lost": ["a message is missing"]}, "lost"),
        ({"doubled": ["twice"]}, "doubled"),
        ({"different": ["other bytes"]}, "different"),
    ],
)
def test_anything_lost_doubled_or_different_fails_the_run(changes: dict[str, Any], figure: str) -> None:
    """And is counted and told."""
    result = document(found(**changes))
    assert not result["ok"]
    assert result[figure] == 1
    assert result["wrong"] == changes[figure]


def test_a_fault_that_did_not_occur_fails_the_run() -> None:
    """Also a kill that hit a process without work."""
    assert not document(found(faults=Counter()))["ok"]
    idle = document(found(kills=[Kill("archive", "worker-1", 0, 1.0, None)]))
    assert not idle["ok"]
    assert idle["did_not_occur"] == ["kill archive: planned 1 times, occurred 0 times"]


def test_a_run_with_too_few_events_proves_nothing() -> None:
    """An empty archive has nothing lost."""
    assert not document(found(events=9))["ok"]


def test_what_never_settles_fails_the_run() -> None:
    """Also when nothing was found missing."""
    assert document(found(stuck=["no progress"]))["wrong"] == ["no progress"]


def test_differing_names_every_path_that_is_not_the_same_in_both() -> None:
    """Only here, only there, or with other bytes."""
    one, other = {"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"}
    assert [sentence.split()[0] for sentence in differing(one, other)] == ["a", "d", "c"]
    assert differing(one, dict(one)) == []


def part(name: str, *arguments: str) -> Part:
    """A process that was never started."""
    return Part(name, list(arguments), Path("none"))


def test_a_worker_is_hit_only_where_records_wait_in_its_own_partitions() -> None:
    """Work that others have is none of its own."""
    first, second = part("worker-1"), part("worker-2")
    look = Look(
        0,
        ends={("archive", 0): 5, ("archive", 1): 5, ("another", 0): 9},
        reached={("archive", 0): 5, ("archive", 1): 3},
    )
    owners = {("archive", 0): first, ("archive", 1): second, ("another", 0): first, ("assemble", 1): second}
    (only,) = with_work(look, owners, "archive")
    assert (only.part, only.waiting, only.places) == (second, 2, (("assemble", 1),))
    assert [one.part for one in with_work(look, owners, "another")] == [first]
    assert with_work(look, owners, "a third") == []


def test_a_collector_is_hit_only_when_its_source_has_gone_on() -> None:
    """Ten minutes of its source's time, which is more than sources hide."""
    collectors = [part("webex"), part("liveperson")]
    look = Look(0, captured={"webex": 60_000_000 - 9 * 60_000, "liveperson": 60_000_000 - 11 * 60_000})
    assert [one.part.name for one in behind(look, collectors, 60_000_000)] == ["liveperson"]


def test_recovery_is_what_comes_after_the_first_look_that_counts() -> None:
    """A commit before the kill that Kafka shows only afterwards is none."""
    recoveries = Recoveries()
    recoveries.killed("archive", "worker-1", 3, 0.0, places=(("assemble", 1),))
    at = recoveries.opened[0].at
    for after, reached in ((-1, 1), (1, 2), (2, 2)):
        recoveries.see(Look(at + after, reached={("assemble", 1): reached, ("assemble", 0): after}))
    assert recoveries.kills[0].recovery_s is None
    recoveries.see(Look(at + 3, reached={("assemble", 1): 3}))
    assert recoveries.kills[0].recovery_s == 3.0


def test_both_sources_get_half_of_the_events() -> None:
    """Webex' content comes in large pieces, LivePerson gives the rest."""
    assert scales(20_000) == (520, 3)
    assert scales(1_000) == (50, 0)
