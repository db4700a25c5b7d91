"""Who has work waiting, by measurement: pure functions from a look at Kafka to the processes that a kill may hit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.processes import Part
from tests.chaos.pulse import Look, Place

LEAST_BEHIND_MIN = 10  # more than a source hides anyway


@dataclass(frozen=True)
class Candidate:
    """A process with work: `waiting` records of the stage (worker) or minutes of the source `uid` (collector)."""

    part: Part
    waiting: int
    places: tuple[Place, ...] = ()
    uid: str = ""


def with_work(look: Look, owners: Mapping[Place, Part], stage: str) -> list[Candidate]:
    """Workers that own partitions of the stage in which records wait, by name."""
    found: dict[str, Candidate] = {}
    for (name, number), part in owners.items():
        waiting = look.waiting(name, number) if name == stage else 0
        if waiting:
            known = found.get(part.name)
            found[part.name] = Candidate(
                part, waiting + (known.waiting if known else 0), _places(owners, part)
            )
    return [found[name] for name in sorted(found)]


def _places(owners: Mapping[Place, Part], part: Part) -> tuple[Place, ...]:
    """Its partitions of the first stage: there, something comes all the time."""
    return tuple(sorted(place for place, owner in owners.items() if owner is part and place[0] == "assemble"))


def behind(look: Look, collectors: Sequence[Part], now_ms: int) -> list[Candidate]:
    """Collectors whose sources have gone on since what they captured last, by name."""
    found = []
    for part in sorted(collectors, key=lambda part: part.name):
        minutes = (now_ms - look.captured.get(part.name, now_ms)) // 60_000
        if minutes >= LEAST_BEHIND_MIN:
            found.append(Candidate(part, minutes, uid=part.name))
    return found
