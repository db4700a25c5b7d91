"""How long after a kill something was committed again."""

import time
from dataclasses import dataclass, field

from tests.chaos.pulse import Look, Place
from tests.chaos.verdict import Kill


@dataclass
class _Open:
    """A kill that nobody has recovered from yet. `first` is what was reached at the first look that counts."""

    target: str
    victim: str
    waiting: int
    away_s: float
    uid: str
    places: tuple[Place, ...]
    at: float
    counts_from: float
    first: int | None = None
    recovered_s: float | None = None

    def reached(self, look: Look) -> int:
        if self.uid:
            return look.captured.get(self.uid, 0)
        if self.target == "azurite":
            return sum(number for (stage, _), number in look.reached.items() if stage == "archive")
        return sum(
            number for place, number in look.reached.items() if not self.places or place in self.places
        )

    def see(self, look: Look) -> None:
        if look.at < self.counts_from or self.recovered_s is not None:
            return
        now = self.reached(look)
        if self.first is None:
            self.first = now
        elif now > self.first:
            self.recovered_s = round(look.at - self.at, 1)


@dataclass
class Recoveries:
    """All kills of a run, in order."""

    opened: list[_Open] = field(default_factory=list)

    def killed(
        self,
        target: str,
        victim: str,
        waiting: int,
        away_s: float,
        uid: str = "",
        places: tuple[Place, ...] = (),
    ) -> None:
        """It was killed just now. The store counts only when it is back: what it had acknowledged is committed without it."""
        now = time.monotonic()
        counts_from = float("inf") if target == "azurite" else now
        self.opened.append(_Open(target, victim, waiting, away_s, uid, places, now, counts_from))

    def back(self, target: str) -> None:
        """The last one of these has been started again."""
        for one in self.opened:
            if one.target == target:
                one.counts_from = min(one.counts_from, time.monotonic())

    def see(self, look: Look | None) -> None:
        """Compare with what is reached now."""
        if look is not None:
            for one in self.opened:
                one.see(look)

    @property
    def kills(self) -> list[Kill]:
        """All of them."""
        return [Kill(one.target, one.victim, one.waiting, one.away_s, one.recovered_s) for one in self.opened]
