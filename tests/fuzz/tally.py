"""Counts what became of each input, and makes the document of it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.found import Found, Input
from tests.fuzz.front import Broken
from tests.fuzz.records import Batch
from tests.fuzz.sources import Round
from tests.fuzz.watch import Watch


@dataclass
class Tally:
    """Fates by kind of input; `beside` counts honest items and look-ups that were in the way."""

    seed: int
    watch: Watch
    by_kind: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    lost: list[str] = field(default_factory=list)
    beside: Counter[str] = field(default_factory=Counter)

    @property
    def inputs(self) -> int:
        """How many hostile inputs were handed over so far."""
        return sum(sum(fates.values()) for fates in self.by_kind.values())

    def add_round(self, source: str, made: Round) -> None:
        """Judge everything that a spoiled source has sent."""
        sent = [answer.body for answer in made.front.answers]
        lost = set[str]()
        for one in made.front.inputs():
            fate = _fate(one, made.found, sent)
            lost |= {one.token} if fate == "lost" else set()
            if one.kind == "honest":
                self._beside(source, one, fate)
            else:
                self._note(f"{source}:{one.kind}", fate, f"token {one.token}")
        for answer in made.front.answers:
            where = f"{len(answer.body)} bytes"
            self._note(f"{source}:{answer.kind}", _fate_of_answer(answer, made.found, lost), where)
        self.beside["mails"] += made.mails
        self.beside["lookups_spoiled"] += made.front.lookups

    def add_batch(self, seed: str, made: Batch) -> None:
        """Count hostile records."""
        for kind, fate in made.fates:
            self._note(kind, fate, seed)

    def _note(self, kind: str, fate: str, where: str) -> None:
        self.by_kind[kind][fate] += 1
        if fate == "lost":
            self.lost.append(f"{kind}: {where}")

    def _beside(self, source: str, one: Input, fate: str) -> None:
        self.beside[f"honest_{fate}"] += 1
        if fate == "lost":
            self.lost.append(f"{source}: honest, token {one.token}")

    def document(self) -> dict[str, Any]:
        """What fuzz.json holds."""
        fates = sum(self.by_kind.values(), Counter[str]())
        return {
            "seed": self.seed,
            "inputs": self.inputs,
            "by_kind": {kind: sum(self.by_kind[kind].values()) for kind in sorted(self.by_kind)},
            "in_mails": fates["in_mails"],
            "in_dead_letters": fates["in_dead_letters"],
            "in_effect": fates["in_effect"],
            "lost": len(self.lost),
            "crashes": len(self.watch.crashes),
            "hangs": len(self.watch.hangs),
            "beside": dict(sorted(self.beside.items())),
            "wrong": [*self.lost, *self.watch.crashes, *self.watch.hangs],
            "ok": not (self.lost or self.watch.crashes or self.watch.hangs),
        }


def _fate(one: Input, found: Found, sent: list[bytes]) -> str:
    """Where it ended; as it was, in parts where nothing else can be, or as a spoiled answer had it."""
    fate = found.fate(one)
    return "in_mails" if fate == "lost" and (found.has_part(one) or found.has_changed(one, sent)) else fate


def _fate_of_answer(answer: Broken, found: Found, lost: set[str]) -> str:
    """In dead-letters as it was sent; else it was asked for again, and each item that it should have brought is there."""
    if answer.body and any(answer.body in letter for letter in found.letters):
        return "in_dead_letters"
    return "lost" if any(one.token in lost for one in answer.items) else "in_mails"
