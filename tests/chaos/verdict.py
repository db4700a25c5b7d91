"""What a run has shown: pure functions from what was found to the document that `chaos.json` holds."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Kill:
    """One SIGKILL: what it hit, what was waiting there by measurement, and how long until something was committed again.

    `waiting`: records of the stage that nobody had committed; for a collector, minutes of its source's time that were not
    captured. `recovery_s` counts from the kill, so it holds the time that the process was kept away; None: never seen.
    """

    target: str
    victim: str
    waiting: int
    away_s: float
    recovery_s: float | None


@dataclass
class Found:
    """Everything that the verdict is about; the sentences say what is wrong, one each. `wanted`: the least number of events."""

    seed: int
    planned: Mapping[str, int]
    wanted: int
    kills: list[Kill] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    events: int = 0
    mails: int = 0
    copies: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


def differing(archive: Mapping[str, str], again: Mapping[str, str]) -> list[str]:
    """A sentence for each path that both archives do not have with the same hash."""
    sentences = [f"{path} is in the archive alone" for path in sorted(archive.keys() - again.keys())]
    sentences += [
        f"{path} is in the undisturbed archive alone" for path in sorted(again.keys() - archive.keys())
    ]
    both = sorted(archive.keys() & again.keys())
    return sentences + [f"{path} has other bytes" for path in both if archive[path] != again[path]]


def absent(found: Found) -> list[str]:
    """A sentence for each planned kind of fault that occurred too seldom. A kill without waiting work is none."""
    done = found.faults + Counter(f"kill {kill.target}" for kill in found.kills if kill.waiting > 0)
    return [
        f"{name}: planned {times} times, occurred {done[name]} times"
        for name, times in found.planned.items()
        if done[name] < times
    ]


def document(found: Found) -> dict[str, Any]:
    """The content of chaos.json; `ok` is what the exit code says."""
    missing = absent(found)
    wrong = [*found.stuck, *found.lost, *found.doubled, *found.different, *missing]
    if found.events < found.wanted:
        wrong.append(f"{found.events} events were served, {found.wanted} were wanted")
    return {
        "ok": not wrong,
        "seed": found.seed,
        "kills": len(found.kills),
        "kills_by_process": dict(sorted(Counter(process(kill.target) for kill in found.kills).items())),
        "kills_by_stage": dict(sorted(Counter(kill.target for kill in found.kills).items())),
        "faults_by_kind": dict(sorted((found.faults + Counter(kill=len(found.kills))).items())),
        "events": found.events, "mails": found.mails, "copies": found.copies,
        "lost": len(found.lost), "doubled": len(found.doubled), "different": len(found.different),
        "did_not_occur": missing,
        "recovery_s": recoveries(found.kills),
        "wrong": wrong[:50],
        **found.extra,
    }  # fmt: skip


def process(target: str) -> str:
    """Which process a kill of this target ends: all stages run in a worker."""
    return target if target in {"collector", "broker", "azurite"} else "worker"


def recoveries(kills: Iterable[Kill]) -> dict[str, dict[str, float]]:
    """By target: how many were seen to recover, and the shortest, median and longest time in seconds."""
    times = defaultdict[str, list[float]](list)
    for kill in kills:
        if kill.recovery_s is not None:
            times[kill.target].append(kill.recovery_s)
    return {
        target: {"seen": len(all_), "least": min(all_), "median": round(median(all_), 1), "most": max(all_)}
        for target, all_ in sorted(times.items())
    }
