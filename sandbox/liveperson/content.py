"""All conversations of the simulated week: the written ones and as many generated ones as wanted.

Generated ones depend on (scale, seed) alone: the first n of a larger scale are the same.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeVar

from sandbox.liveperson.content_east import EAST
from sandbox.liveperson.content_edge import EDGE
from sandbox.liveperson.content_west import WEST
from sandbox.liveperson.model import (
    CUSTOMER,
    DAY_MS,
    MONDAY_MS,
    Close,
    Conversation,
    Customer,
    File,
    SurveyEnds,
)
from sandbox.liveperson.people import AGENTS, SKILLS
from sandbox.liveperson.script import asked, bot_said, hands_over, joins, said, sent, survey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.liveperson.model import Step

T = TypeVar("T")
WRITTEN: Final = (*WEST, *EAST, *EDGE)

FIRST = ("Ada", "Björn", "Chloé", "Dmitri", "Emeka", "Fatima", "Göran", "Hana", "Ivo", "Joana", "Kenji",
         "Łucja", "Mei", "Noor", "Óscar", "Petra", "Quentin", "Rosa", "Søren", "Tuğba")  # fmt: skip
LAST = ("Abbott", "Bergström", "Castro", "Dvořák", "Engel", "Fontaine", "García", "Horvat", "Ito", "Jensen",
        "Kaya", "Lindgren", "Moreau", "Nowak", "Okoye", "Pereira", "Quist", "Rossi", "Šimek",
        "Tanaka")  # fmt: skip
TOPICS = ("the fee on my statement", "a transfer that has not arrived", "the limit of my card",
          "an order of {n} shares", "the dividend of {n} €", "my new address", "a standing order over {n} €",
          "the custody account")  # fmt: skip
QUESTIONS = ("Could you check {topic}? Reference {ref}.", "Hello, it is about {topic} ({ref}).",
             "I don't understand {topic}, see {ref}.",
             "Any news on {topic}? My number is {ref}.")  # fmt: skip
ANSWERS = ("I am looking at {topic} now, {ref} is on my screen.",
           "That is right, {ref} was booked yesterday.",
           "Let me ask a colleague about {topic} ({ref}).", "Done: {ref} is settled.")  # fmt: skip
HUMANS = tuple(agent.key for agent in AGENTS.values() if agent.kind == 1)


def conversations(scale: int, seed: int) -> tuple[Conversation, ...]:
    """Give the written conversations and ``scale`` generated ones."""
    return (*WRITTEN, *(_generated(number, seed) for number in range(scale)))


class Dice:
    """Numbers that look random and depend on the name alone."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0

    def below(self, limit: int) -> int:
        """Give a number from 0 to limit - 1."""
        self._count += 1
        digest = hashlib.blake2b(f"{self._name}/{self._count}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) % limit

    def one_of(self, things: Sequence[T]) -> T:
        """Give one of the things."""
        return things[self.below(len(things))]


def _generated(number: int, seed: int) -> Conversation:
    dice = Dice(f"{seed}/{number}")
    key = f"generated-{seed}-{number}"
    first, last = dice.one_of(FIRST), dice.one_of(LAST)
    email = f"customer{dice.below(10**6)}@customers.example" if dice.below(8) else ""
    start = MONDAY_MS + dice.below(7 * DAY_MS - 4 * 3_600_000)
    steps = _steps(dice, dice.one_of(HUMANS))
    return Conversation(key, start, Customer(key, first, last, email), dice.one_of(tuple(SKILLS)), steps)


def _steps(dice: Dice, agent: str) -> tuple[Step, ...]:
    topic = dice.one_of(TOPICS).format(n=dice.below(9000) + 100)
    steps: list[Step] = [asked(1, _line(dice, QUESTIONS, topic))]
    if dice.below(3) == 0:
        steps += [
            joins(2, "welcome"),
            bot_said(2, "welcome", f"You ask about {topic}?", "topic", "Yes", "No"),
        ]
        steps += hands_over("welcome", dice.one_of(tuple(SKILLS)), agent)
    else:
        steps.append(joins(20 + dice.below(100), agent))
    for _ in range(3 + dice.below(30)):
        steps.append(_exchange(dice, agent, topic))
    return (*steps, *_ending(dice))


def _exchange(dice: Dice, agent: str, topic: str) -> Step:
    gap, who = 5 + dice.below(200), dice.one_of((CUSTOMER, agent))
    if dice.below(25) == 0:
        return sent(
            gap, who, File(f"document {dice.below(10**9)}", dice.one_of(("PNG", "PDF", "TXT")), topic)
        )
    text = _line(dice, QUESTIONS if who == CUSTOMER else ANSWERS, topic)
    return said(gap, who, text, hidden=who == agent and dice.below(30) == 0)


def _line(dice: Dice, patterns: Sequence[str], topic: str) -> str:
    return dice.one_of(patterns).format(topic=topic, ref=f"R{dice.below(16**8):08X}")


def _ending(dice: Dice) -> list[Step]:
    if dice.below(2):
        return [Close(30)]
    score = 1 + dice.below(5)
    asks = survey(1, "welcome", "How did we do, from 1 to 5?")
    return [Close(30, survey=True), asks, survey(60, CUSTOMER, str(score)), SurveyEnds(2, "FILLED", score)]
