"""What is done to whom, in which order and for how long: a function of the seed and of the number of kills."""

import random
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["kill", "stop", "store", "disk", "add", "remove"]
STAGES: Final = ("assemble", "archive")
KILLED: Final = ("collector", *STAGES, "broker", "azurite")
STOPPED: Final = ("collector", "worker", "broker", "azurite")
STORE_ANSWERS: Final = ("500", "503", "409", "timeout")
LEAST_KILLS: Final = 10
SESSION_S: Final = 6.0
"""Session time-out of the workers in a chaos run, seconds: who is stopped stays so for longer."""


@dataclass(frozen=True)
class Pace:
    """How long things last, in seconds: ranges that the seed draws from.

    `hang`: how long a store that does not answer is silent; the client gives up after 30. `push`: how long to wait for
    work before some chats come at once; `workers`: how many there are in the beginning.
    """

    pause: tuple[float, float] = (2.0, 8.0)
    down: tuple[float, float] = (0.0, 4.0)
    stopped: tuple[float, float] = (SESSION_S + 2, SESSION_S + 8)
    faulty: tuple[float, float] = (3.0, 8.0)
    hang: float = 33.0
    push: float = 4.0
    workers: int = 3


BRISK: Final = Pace(
    pause=(0.2, 1.0),
    down=(0.0, 0.5),
    stopped=(SESSION_S + 1, SESSION_S + 2),
    faulty=(2.0, 3.0),
    hang=3.0,
    push=1.0,
    workers=2,
)


@dataclass(frozen=True)
class Step:
    """One act. `choice` picks one of those that qualify when its moment comes: the candidate number `choice` modulo their count.

    `target`: for a kill, the stage of a worker or another process of KILLED; for a stop, one of STOPPED; for the store, one
    of STORE_ANSWERS. `after_s`: pause before it. `lasts_s`: how long the process is away or stopped, or the fault lasts.
    """

    number: int
    kind: Kind
    target: str
    choice: int
    after_s: float
    lasts_s: float

    @property
    def fault(self) -> str:
        """What `faults_by_kind` calls it."""
        return {"kill": "kill", "store": f"store answers {self.target}", "disk": "disk full"}.get(
            self.kind, f"{self.kind} {self.target}"
        )


def plan(kills: int, seed: int, pace: Pace | None = None) -> list[Step]:
    """All acts of a run in their order; ValueError when there are too few kills for every kind to have one."""
    if kills < len(KILLED):
        msg = f"{kills} kills are too few: there are {len(KILLED)} kinds of processes and stages"
        raise ValueError(msg)
    dice = random.Random(seed)
    acts = [*_kills(kills, dice), *_others(max(1, round(kills / 25)))]
    dice.shuffle(acts)
    return [
        _step(number, kind, target, dice, pace or Pace()) for number, (kind, target) in enumerate(acts, 1)
    ]


def _kills(kills: int, dice: random.Random) -> list[tuple[Kind, str]]:
    least = min(LEAST_KILLS, kills // len(KILLED))
    targets = [target for target in KILLED for _ in range(least)]
    targets += [dice.choice(KILLED) for _ in range(kills - len(targets))]
    return [("kill", target) for target in targets]


def _others(times: int) -> list[tuple[Kind, str]]:
    each: list[tuple[Kind, str]] = [("stop", target) for target in STOPPED]
    each += [("store", answer) for answer in STORE_ANSWERS]
    each += [("disk", "full"), ("add", "worker"), ("remove", "worker")]
    return each * times


def _step(number: int, kind: Kind, target: str, dice: random.Random, pace: Pace) -> Step:
    lasts = {"kill": pace.down, "stop": pace.stopped}.get(kind, pace.faulty)
    return Step(
        number,
        kind,
        target,
        dice.randrange(1 << 16),
        round(dice.uniform(*pace.pause), 2),
        round(dice.uniform(*lasts), 2),
    )


def planned(steps: list[Step]) -> dict[str, int]:
    """How often each kind of fault is to occur; kills by what they hit."""
    names = [f"kill {step.target}" if step.kind == "kill" else step.fault for step in steps]
    return {name: names.count(name) for name in sorted(set(names))}


def shortest_s(steps: list[Step]) -> float:
    """How long the pauses alone take, in seconds."""
    return sum(step.after_s for step in steps)
