"""Where in each partition a replay begins and ends, and what is in force there.

The end is where the log ends now. The beginning is the first position that a selected slice can need:

- days: no event of a slice is in the log before the slice began, so Kafka's time stamps find it, with a margin for zones
  and clocks. The exception is an event that claims a day to come: it is filed under that day, but captured and closed long
  before (decision 14). Topic `closings` knows where such a slice began; one that is still open holds the workers' *needed*;
- conversations: topic `closings` knows where each of their slices began, as far as the live workers are.

Starting behind the beginning needs the settings and mappings in force there: topic `closings` has them as well. Where it
knows nothing, the whole log is read; it is an index here, and no original.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from schemas.codec import Codec, DecodeError
from schemas.commits import Bounds
from schemas.records import Closing
from schemas.topics import CLOSINGS, DEAD_LETTERS, Topic
from streams.in_force import Fact
from streams.memory import LIVE_GROUP
from streams.positions import Stand
from streams.replay.errors import ReplayError
from streams.replay.log import Log
from streams.replay.selection import Selection

MARGIN = timedelta(days=2)
"""A local day begins up to 14 hours before the UTC day, and clocks may differ by the collector's tolerance."""

Read = Callable[[Topic, int], AsyncIterator[bytes]]


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
    """All partitions. `earliest`: the first day that can be replayed; None if the log was never cut."""

    partitions: dict[int, PartitionPlan]
    earliest: date | None


@dataclass
class Index:
    """What topic closings has of one partition: where selected conversations begin, and what is in force."""

    firsts: dict[str, int] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    dated: int | None = None
    """The first position of a selected slice that is named by a selected day; None without days, or where there is none."""


@dataclass(frozen=True)
class Known:
    """What is known of a partition before it is read.

    `since`: the first position with a time stamp that a selected day can have; None without days. `live`: where the workers
    are.
    """

    bounds: Bounds
    since: int | None = None
    live: Stand | None = None
    index: Index = field(default_factory=Index)


async def make_plan(
    log: Log, read: Read, selection: Selection, *, live: Mapping[int, Stand], raw_events: str, codec: Codec,
    whole_log: bool,
) -> Plan:  # fmt: skip
    """Look at the log (topic `raw_events`) as it stands; reads only. `whole_log`: begin at the beginning anyway.

    NotReplayableError when the log was cut above what is needed.
    """
    bounds = await log.bounds()
    may_skip = not whole_log and bool(selection.first or selection.conversations)
    since = await log.first_since(_ms(selection.first)) if selection.first else None
    known = {
        number: Known(
            limits, None if since is None else since.get(number, limits.end), live.get(number),
            await closings_index(read(CLOSINGS, number), selection, codec) if may_skip else Index(),
        )
        for number, limits in bounds.items()
    }  # fmt: skip
    letters = await _letters(read(DEAD_LETTERS, 0), raw_events, codec)
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
    by_name = not whole_log and bool(selection.conversations) and selection.conversations <= there
    found = {}
    for number, one in known.items():
        start, until = _wanted(one, by_name=by_name, whole_log=whole_log)
        if start > one.bounds.begin and not _knows(one, start):
            start, until = one.bounds.begin, one.bounds.end
        cut = one.bounds.begin > 0 and not (selection.first and earliest and selection.first >= earliest)
        if start < one.bounds.begin or (
            cut and start == one.bounds.begin and not (by_name and _knows(one, start))
        ):
            raise NotReplayableError(_refusal(number, one, earliest))
        found[number] = (start, until)
    return found


def _wanted(one: Known, *, by_name: bool, whole_log: bool) -> tuple[int, int]:
    start, until = one.bounds
    if whole_log:
        return start, until
    if one.since is not None:
        start = one.since
    if by_name and one.live is not None:
        until = min(until, one.live.reached)  # only below it the index knows every slice
        first = min(one.index.firsts.values(), default=until)
        start = first if one.since is None else max(first, start)
    elif one.since is not None and one.live is not None:
        start = min(start, one.live.needed)  # what is open there may close behind it
    return start if one.index.dated is None else min(start, one.index.dated), until


def _knows(one: Known, start: int) -> bool:
    """Whether topic closings has what is in force at this position."""
    return one.live is not None and one.live.reached >= start and bool(one.index.facts)


def _refusal(number: int, one: Known, earliest: date | None) -> str:
    begin, dated = one.bounds.begin, one.index.dated
    told = f"give --from {earliest} or a later day" if earliest else "nothing of it can be replayed"
    if dated is not None and dated < begin:
        told = f"a selected day begins at position {dated}, maybe long before it (decision 14); leave it out, or {told}"
    return (
        f"partition {number} of the log begins at position {begin}: what the selection needs is gone; {told}"
    )


async def closings_index(values: AsyncIterator[bytes], selection: Selection, codec: Codec) -> Index:
    """What the records of topic closings, of one partition, say of this selection; only those of the live workers."""
    found = Index()
    async for data in values:
        try:
            name, value = codec.decode(data)
        except DecodeError:
            return Index()  # it may hide where a conversation begins: then the log itself is looked through
        if value["group"] != LIVE_GROUP:
            continue
        if name == "SettingsInForce":
            found.facts.append(("SettingsInForce", value))
        elif name == "MappingInForce":
            found.facts.append(("MappingInForce", value))
        elif name == "Closing" and selection.names(value["connector_uid"], value["conversation"]):
            _note(found, value, selection)
    return found


def _note(found: Index, closing: Closing, selection: Selection) -> None:
    name, first = closing["conversation"], closing["first_position"]
    if selection.conversations:
        found.firsts[name] = min(found.firsts.get(name, first), first)
    if selection.dates(closing["slice"]):
        found.dated = first if found.dated is None else min(found.dated, first)


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
    """The first day of which no event can have been cut away."""
    times = [
        await log.time_of(number, one.begin) for number, one in bounds.items() if 0 < one.begin < one.end
    ]
    if not times:
        return None
    return (datetime.fromtimestamp(max(times) / 1000, UTC) + MARGIN).date() + timedelta(days=1)


def _ms(day: date) -> int:
    """The first moment at which an event of this day can be in the log, milliseconds since 1970 UTC."""
    return round((datetime.combine(day, time(), UTC) - MARGIN).timestamp() * 1000)
