"""Who collects which slices: live owns those from its start T0 on, each back-fill a range before that.

    ──── backfill-<from>-<to> ────┃──── live ─────▶       (slices by their start)
                                  T0

T0 is fixed at the first start: the beginning of the source's current day in the connector's zone when a
`since` day is given, so that the lanes meet at a day's boundary; otherwise the source's clock as it stands.
A `since` of a future day counts as none. What begins before the earliest range belongs to that range, so
that no conversation is without an owner. A closed lane's range belongs to live. Everything here is pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from producers.source import Window
from schemas.live import LIVE_LANE
from schemas.zones import load_zone

LIVE = LIVE_LANE
BACK_FILL = "backfill-"
"""Begins the name of every back-fill."""


@dataclass(frozen=True)
class Lane:
    """Owner of the slices with from_ms <= start < to_ms (live: no end); -1 = no watermark yet."""

    name: str
    from_ms: int
    to_ms: int | None = None
    watermark_ms: int = -1
    closed: bool = False

    @property
    def reached_ms(self) -> int:
        """Everything up to here is confirmed; just before its first event at the start."""
        return self.watermark_ms if self.watermark_ms >= 0 else self.from_ms - 1

    def moved(self, watermark_ms: int) -> "Lane":
        """Return the same lane with this watermark, unless that would go back."""
        return replace(self, watermark_ms=max(self.watermark_ms, watermark_ms))

    @property
    def polled(self) -> bool:
        """Whether a back-fill has come to its end; live never does."""
        return self.to_ms is not None and self.reached_ms >= self.to_ms

    @property
    def progress(self) -> float | None:
        """Part of a back-fill's time that is done, 0 to 1; None for live."""
        if self.to_ms is None:
            return None
        done = min(self.reached_ms, self.to_ms) - self.from_ms
        return 1.0 if self.closed else max(0.0, done / max(1, self.to_ms - self.from_ms))


def day_start_ms(day: date, zone: str) -> int:
    """Milliseconds since 1970 UTC at which this local day begins."""
    return int(datetime.combine(day, time.min, load_zone(zone)).timestamp() * 1000)


def local_day(at_ms: int, zone: str) -> date:
    """Return the local date of a moment."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(load_zone(zone)).date()


def back_fill(from_ms: int, to_ms: int) -> Lane:
    """Make a back-fill of the slices that start in [from_ms, to_ms)."""
    return Lane(f"{BACK_FILL}{_stamp(from_ms)}-{_stamp(to_ms)}", from_ms, to_ms)


def _stamp(at_ms: int) -> str:
    # Milliseconds included: two ranges never share a name
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


def planned(lanes: Iterable[Lane], now_ms: int, since: date | None, zone: str) -> list[Lane]:
    """Return the lanes to run: those that the cursors know, and what a first start or earlier `since` adds."""
    known = sorted(lanes, key=lambda lane: lane.from_ms)
    begin = _begin(now_ms, since, zone)
    if not any(lane.name == LIVE for lane in known):
        start = now_ms if begin is None else day_start_ms(local_day(now_ms, zone), zone)
        # A first start that was killed may have left its back-fill alone: live begins where that ends, however late it is.
        known.append(Lane(LIVE, max((lane.to_ms for lane in known if lane.to_ms is not None), default=start)))
    earliest = min(lane.from_ms for lane in known)
    if begin is not None and begin < earliest:
        known.append(back_fill(begin, earliest))
    return sorted(known, key=lambda lane: lane.from_ms)


def _begin(now_ms: int, since: date | None, zone: str) -> int | None:
    if since is None or since > local_day(now_ms, zone):
        return None
    return day_start_ms(since, zone)


def owner(lanes: Iterable[Lane], slice_start_ms: int) -> str:
    """Name of the lane that owns the slices which start at this moment."""
    ranges = sorted((lane for lane in lanes if lane.to_ms is not None), key=lambda lane: lane.from_ms)
    for place, lane in enumerate(ranges):
        begins = lane.from_ms if place else slice_start_ms  # the earliest takes what began before it
        if begins <= slice_start_ms < (lane.to_ms or 0):
            return LIVE if lane.closed else lane.name
    return LIVE


def next_window(
    lane: Lane, until_ms: int, *, overlap_ms: int, length_ms: int, floor_ms: int = 0
) -> Window | None:
    """Return what to poll next, at most `length_ms` beyond the watermark; None if `until_ms` is reached.

    `until_ms` is how far the source can be trusted: its clock minus the settle delay. Nothing from before
    `floor_ms`, where collection begins, is asked for.
    """
    end = min(until_ms, max(lane.reached_ms, lane.from_ms) + length_ms)
    if lane.to_ms is not None:
        end = min(end, lane.to_ms)
    if end <= lane.reached_ms or lane.closed:
        return None
    return Window(lane.name, max(lane.reached_ms - overlap_ms, floor_ms - 1), end)


def final_watermark(lane: Lane, lanes: Iterable[Lane]) -> int | None:
    """Return the watermark with which a back-fill may close; None while it may not.

    A slice that starts before the end of the range may hold events after it: those were polled by the lanes
    behind. So the fact that can be stated at the end reaches as far as every one of them.
    """
    if lane.to_ms is None or lane.closed or not lane.polled:
        return None
    behind = [other.reached_ms for other in lanes if other.from_ms >= lane.to_ms and not other.closed]
    reached = min(behind, default=lane.reached_ms)
    return reached if reached >= lane.to_ms else None


def is_done(lane: Lane, target_ms: int) -> bool:
    """Whether a lane has nothing left to do up to this moment; a back-fill that ends before must be closed."""
    if lane.closed:
        return True
    if lane.to_ms is not None and lane.to_ms <= target_ms:
        return False
    return lane.reached_ms >= target_ms or lane.from_ms > target_ms
