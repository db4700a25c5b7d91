"""Content from a seed: a space with 3,000 messages on one day, and as many more spaces as are wanted.

Every line is put together from the word lists below and is unique by its ticket number.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.webex.ids import draw
from sandbox.webex.script import Delete, Edit, File, Person, Say, Space, Step

SPEAKERS = 40
BLOTTER_LINES = 3_000
SPACES_A_UNIT, LINES_A_SPACE = 11, 300
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("/"))


GIVEN = _words(
    "Aylin/Bruno/Chidi/Daria/Émile/Freya/Goran/Hana/Ivo/Jūratė/Kofi/Lúcia/Mirza/Nadia/Øyvind/Paula/Quentin"
    "/Rūta/Șerban/Tove"
)
FAMILY = _words("Abara/Bērziņš/Castro/Dvořák/Eriksen/Fontaine/Gül/Horváth/Iyer/Jansen")
OPENERS = _words(
    "Bid wanted/Offer out/Client asks for/Rolling/Unwinding/Please price/Filled/Working/Pulled/Crossed"
    "/Showing interest in/Amending/Confirming/Passing on/Back on"
)
SIZES = _words("2m/5m/7.5m/10m/12m/25m/40m/50m/120m")
THINGS = _words(
    "2y Bund/5y swap/EUR 3s6s/10y gilt/SOFR Dec/Schatz roll/9x12 FRA/USD basis/linker 2033/covered bond"
    "/callable note/repo to month end"
)
TAILS = _words(
    "at mid/half a tick through/all or none/limit as before/good till noon/subject to credit/no rush"
    "/for the pension fund/now please/vs cash/against the future/on the wire"
)
EVERYBODY = tuple(f"gen{number}" for number in range(SPEAKERS))


@dataclass(frozen=True, slots=True)
class _Talk:
    """How much is said where: `lines` in each day's window of seconds `start` to `start + length`."""

    seed: int
    key: str
    lines: int
    start: int
    length: int
    days: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Dice:
    """The draws for one line of one space."""

    seed: int
    key: str
    number: int

    def __call__(self, below: int, purpose: str) -> int:
        return draw(below, purpose, self.seed, self.key, self.number)


def speakers(seed: int) -> tuple[Person, ...]:
    """Return the people who only talk in generated spaces."""
    return tuple(_speaker(seed, number) for number in range(SPEAKERS))


def _speaker(seed: int, number: int) -> Person:
    round_, first = divmod(number, len(GIVEN))
    family = FAMILY[(first + round_ * 3 + draw(len(FAMILY), seed, "family")) % len(FAMILY)]
    return Person(f"gen{number}", f"{GIVEN[first]} {family}", f"trader{number:02d}@bank.example")


def blotter(seed: int) -> Space:
    """Return the space with 3,000 messages between 07:00 and 19:00 on Wednesday."""
    talk = _Talk(seed, "blotter", BLOTTER_LINES, 7 * 3600, 12 * 3600, ("wed",), EVERYBODY)
    return Space("blotter", "Rates blotter", EVERYBODY, tuple(_steps(talk)))


def spaces(seed: int, units: int) -> Iterator[Space]:
    """Give so many times 11 spaces of 300 messages each, spread over the week."""
    for number in range(units * SPACES_A_UNIT):
        key = f"desk{number}"
        members = tuple(dict.fromkeys(f"gen{draw(SPEAKERS, seed, key, each)}" for each in range(12)))
        talk = _Talk(seed, key, LINES_A_SPACE, 0, 86_000, DAYS, members)
        yield Space(key, f"Desk {number}", members, tuple(_steps(talk)))


def _steps(talk: _Talk) -> Iterator[Step]:
    for number in range(talk.lines):
        dice = _Dice(talk.seed, talk.key, number)
        day, within = divmod(number * len(talk.days), talk.lines)
        at = talk.start + within * talk.length // talk.lines
        yield _say(talk, dice, _at(talk.days[day], at))
        yield from _second_thoughts(dice, talk.days[day], at)


def _say(talk: _Talk, dice: _Dice, at: str) -> Say:
    back = dice(60, "thread") + 1
    reply = str(dice.number - back) if back <= min(10, dice.number) else ""
    who = talk.members[dice(len(talk.members), "who")]
    files = _files(dice) if len(talk.days) > 1 else ()
    return Say(at, who, _line(dice), ref=str(dice.number), reply=reply, files=files)


def _second_thoughts(dice: _Dice, day: str, at: int) -> Iterator[Step]:
    chance = dice(100, "after")
    if chance == 0:
        yield Delete(_at(day, at + 3), str(dice.number))
    elif chance < 3:
        yield Edit(_at(day, at + 2), str(dice.number), f"{_line(dice)} (corrected)")


def _line(dice: _Dice) -> str:
    lists = {"opener": OPENERS, "size": SIZES, "thing": THINGS, "tail": TAILS}
    words = (each[dice(len(each), purpose)] for purpose, each in lists.items())
    return f"{' '.join(words)}, ticket {dice.key}-{dice.number:05d}"


def _files(dice: _Dice) -> tuple[File, ...]:
    if dice(100, "file"):
        return ()
    kind = ("png", "xlsx", "pdf", "txt")[dice(4, "kind")]
    return (File(f"{dice.key}-{dice.number}.{kind}", kind, 500 + dice(4_000, "bytes")),)


def _at(day: str, second: int) -> str:
    return f"{day} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
