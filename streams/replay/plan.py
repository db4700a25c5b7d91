"""Where in each partition a replay begins and ends, and what is in force there.

The end is where the log ends now. The beginning is the first position that a selected slice can need. Topic `closings` says
where each slice began that was ever closed, and on which day it is; one that never was began where the workers' *needed* is, or
behind it. So it is an index of everything, as far as the workers are, and it has the settings and mappings in force at each
position. It is no original: it is used only where the commit of the workers proves that it is whole (decision 20), and else
the whole log is read. Kafka's time stamps are the collectors' clocks, and decide nothing.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import cast

from schemas.codec import Codec, DecodeError
from schemas.commits import Bounds
from schemas.live import LIVE_GROUP
from schemas.records import Closing
from schemas.slices import label_day
from schemas.topics import CLOSINGS, DEAD_LETTERS, Topic
from streams.in_force import Fact
from streams.positions import Stand
from streams.proof import lacks
from streams.readback import Seen
from streams.replay.days import Days
from streams.replay.errors import ReplayError
from streams.replay.log import Log
from streams.replay.selection import Selection

MARGIN = timedelta(days=2)
"""A local day begins up to 14 hours before the UTC day, and clocks may differ by the collector's tolerance."""

Read = Callable[[Topic, int, Seen], AsyncIterator[bytes]]


class NotReplayableError(ReplayError):
    """The log no longer holds what the selection needs; the message says what it does hold."""


@dataclass(frozen=True)
class PartitionPlan:
    """From position `start` to below `until`; `facts` came in force before `start`; `refused`: dead letters of assembly."""

    start: int
    until: int
    facts: list[Fact]
    refused: set[int]


@dataclass(frozen=True)
class Plan:
    """All partitions. `earliest`: by Kafka's time stamps, the first day that can be replayed; None if the log was never cut."""

    partitions: dict[int, PartitionPlan]
    earliest: date | None


@dataclass
class Index:
    """What topic closings has of one partition: where selected conversations and days begin, and what is in force."""

    firsts: dict[str, int] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    dated: int | None = None
    """The first position of a slice on a selected day; None without days, or where there is none."""
    is_whole: bool = False
    """Whether it is proved to know of every slice that was closed below what the workers have reached."""


@dataclass(frozen=True)
class Known:
    """What is known of a partition before it is read. `live`: where the workers are; None if they never committed."""

    bounds: Bounds
    live: Stand | None = None
    index: Index = field(default_factory=Index)


async def make_plan(
    log: Log, read: Read, selection: Selection, *, live: Mapping[int, Stand], raw_events: str, codec: Codec,
    whole_log: bool, days: Callable[[int], Days],
) -> Plan:  # fmt: skip
    """Look at the log (topic `raw_events`) as it stands; reads only. `whole_log`: begin at the beginning anyway.

    `days`: by partition, gets what closings know. NotReplayableError when the log was cut above what is needed.
    """
    bounds = await log.bounds()
    is_part = bool(selection.span or selection.conversations)
    known = {}
    for number, limits in bounds.items():
        stand, index = live.get(number), Index()
        if stand is not None and (limits.begin > 0 or (is_part and not whole_log)):
            index = await closings_index(
                partial(read, CLOSINGS, number), selection, codec, stand, days(number)
            )
        known[number] = Known(limits, stand, index)
    letters = await _letters(read(DEAD_LETTERS, 0, lambda _: None), raw_events, codec)
    earliest = await _earliest(log, bounds)
    ranges = choose(known, selection, earliest=earliest, whole_log=whole_log)
    return Plan({
        number: PartitionPlan(
            start, until, [fact for fact in known[number].index.facts if fact[1]["position"] < start], letters[number]
        )
        for number, (start, until) in ranges.items()
    }, earliest)  # fmt: skip


def choose(
    known: Mapping[int, Known], selection: Selection, *, earliest: date | None, whole_log: bool
) -> dict[int, tuple[int, int]]:
    """By partition where to begin and where to end; NotReplayableError when that is not there any more. Pure."""
    there = {name for one in known.values() for name in one.index.firsts}
    by_name = bool(selection.conversations) and selection.conversations <= there
    found = {}
    for number, one in known.items():
        start, until = _wanted(one, by_name=by_name, by_day=selection.span is not None)
        if start < one.bounds.begin:
            raise NotReplayableError(_refusal(number, one, earliest))
        found[number] = (one.bounds.begin, one.bounds.end) if whole_log else (start, until)
    return found


def _wanted(one: Known, *, by_name: bool, by_day: bool) -> tuple[int, int]:
    """The first position that is needed, which may be below what is there; and where to end."""
    if one.live is None or not one.index.is_whole or not (by_name or by_day):
        return 0, one.bounds.end
    # Below what live has reached the index knows every slice.
    until = min(one.bounds.end, one.live.reached) if by_name else one.bounds.end
    if by_day:
        start = one.live.needed if one.index.dated is None else min(one.index.dated, one.live.needed)
    else:
        start = min(one.index.firsts.values(), default=until)
    return min(start, until), until


def _refusal(number: int, one: Known, earliest: date | None) -> str:
    begin, dated = one.bounds.begin, one.index.dated
    told = f"give --from {earliest} or a later day" if earliest else "nothing of it can be replayed"
    if dated is not None and dated < begin:
        told = f"a selected day begins at position {dated}, maybe long before it (decision 14); leave it out, or {told}"
    return (
        f"partition {number} of the log begins at position {begin}: what the selection needs is gone; {told}"
    )


async def closings_index(
    read: Callable[[Seen], AsyncIterator[bytes]], selection: Selection, codec: Codec, live: Stand, days: Days
) -> Index:
    """What topic closings of one partition says of this selection; only what the live workers wrote, who stand at `live`."""
    found = Index(is_whole=True)

    def seen(bounds: Bounds) -> None:
        found.is_whole = live.closings is not None and lacks(live, bounds) is None

    async for data in read(seen):
        try:
            name, value = codec.decode(data)
        except DecodeError:  # it may hide where a slice begins: then the log itself is looked through
            found.is_whole = False
            continue
        if value["group"] != LIVE_GROUP:
            continue
        if name in {"SettingsInForce", "MappingInForce"}:
            found.facts.append(cast("Fact", (name, value)))
        elif name == "Closing" and selection.names(value["connector_uid"], value["conversation"]):
            _note(found, value, selection, days)
    if not found.is_whole:
        days.forget()
    elif selection.span is not None:
        found.dated = _first_of(found.dated, days.first(*selection.span))
    return found


def _note(found: Index, closing: Closing, selection: Selection, days: Days) -> None:
    name, first, day = closing["conversation"], closing["first_position"], label_day(closing["slice"])
    if selection.conversations:
        found.firsts[name] = min(found.firsts.get(name, first), first)
    if selection.span is None:
        return
    if day is None:
        found.is_whole = days.note(closing) and found.is_whole
    elif selection.within(day):
        found.dated = _first_of(found.dated, first)


def _first_of(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


async def _letters(values: AsyncIterator[bytes], raw_events: str, codec: Codec) -> dict[int, set[int]]:
    """Positions that the assembler refused, by partition (rule 24)."""
    found: dict[int, set[int]] = defaultdict(set)
    async for data in values:
        try:
            name, letter = codec.decode(data)
        except DecodeError:
            continue  # no letter of ours
        if name == "DeadLetter" and letter["stage"] == "assemble" and letter["topic"] == raw_events:
            found[letter["partition"]].add(letter["position"])
    return found


async def _earliest(log: Log, bounds: Mapping[int, Bounds]) -> date | None:
    """Advice: the first day of which nothing was cut away, if the collectors' clocks were right."""
    times = [
        await log.time_of(number, one.begin) for number, one in bounds.items() if 0 < one.begin < one.end
    ]
    if not times:
        return None
    return (datetime.fromtimestamp(max(times) / 1000, UTC) + MARGIN).date() + timedelta(days=1)
