"""Days (UTC) and the lanes that collect them: up to where a day is collected, and whether anybody will ever collect the rest."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from producers.lanes import LIVE, Lane
from schemas.topics import DAY_MS


class NotCollectedError(Exception):
    """Nothing of the day is collected yet, or nothing was meant to be; the message says which."""


class NotCoveredError(NotCollectedError):
    """The day is over, and no lane's range has any of it: nobody collects it any more."""


def begin_ms(day: date) -> int:
    """Where a day begins (UTC), milliseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def end_ms(day: date) -> int:
    """Where the next one begins."""
    return begin_ms(day) + DAY_MS


def collected_until(lanes: Sequence[Lane], day: date) -> int:
    """Up to where this day is collected (ms since 1970 UTC, exclusive); NotCollectedError if nothing of it is."""
    live = next((lane for lane in lanes if lane.name == LIVE), None)
    ours = [lane for lane in lanes if _part_of(lane, day)]
    done = [min(lane.reached_ms + 1, lane.to_ms or end_ms(day)) for lane in ours]
    if live is None or not any(at_ms > begin_ms(day) for at_ms in done):
        raise _uncollected(ours, live, day, known=bool(lanes))
    if live.reached_ms + 1 >= end_ms(day) and not _on_its_way(ours, day):
        return end_ms(day)  # what no lane's range has of it will never come
    return min(end_ms(day), max(done))


def covers(lanes: Sequence[Lane], day: date) -> bool:
    """Whether lanes' ranges leave nothing of the day out; they do not overlap."""
    return sum(_part_of(lane, day) for lane in lanes) >= DAY_MS


def _part_of(lane: Lane, day: date) -> int:
    """How much of the day is in the lane's range, ms."""
    to_ms = end_ms(day) if lane.to_ms is None else min(lane.to_ms, end_ms(day))
    return max(0, to_ms - max(lane.from_ms, begin_ms(day)))


def _on_its_way(lanes: Sequence[Lane], day: date) -> bool:
    """Whether a lane still has to collect some of the day."""
    return any(
        not lane.closed and lane.reached_ms + 1 < min(lane.to_ms or end_ms(day), end_ms(day))
        for lane in lanes
    )


def _uncollected(ours: Sequence[Lane], live: Lane | None, day: date, *, known: bool) -> NotCollectedError:
    """Not covered: live is past the day, and no lane's range has any of it. A back-fill's day may be on its way."""
    if not known:
        return NotCollectedError("nothing is collected yet")
    if live is None or ours or live.reached_ms + 1 < end_ms(day):
        return NotCollectedError(f"{day} is not collected, or not yet")
    return NotCoveredError(f"{day} is not collected: it lies in the range of no lane")


def last_whole(lanes: Sequence[Lane]) -> date:
    """The last day that is collected to its end; NotCollectedError without one."""
    live = next((lane for lane in lanes if lane.name == LIVE), None)
    if live is None or min(lane.from_ms for lane in lanes) > live.reached_ms + 1 - DAY_MS:
        raise NotCollectedError("no whole day is collected yet")
    return (datetime.fromtimestamp((live.reached_ms + 1) / 1000, UTC) - timedelta(days=1)).date()
