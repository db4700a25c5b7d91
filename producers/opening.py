"""The start of a collector: which lanes there are, and what must stand in the log before the first event.

A crash between any two steps repeats them with the same ranges, because the plan is saved first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from producers.controls import lane_opened, settings_control
from producers.cursor import Saved
from producers.desk import Desk
from producers.lanes import LIVE, Lane
from producers.orders import Order
from producers.sink import PartitionCountError
from schemas.records import Settings


def check_partitions(saved: Mapping[str, Saved], partitions: int) -> None:
    """Refuse to go on when raw-events had another number of partitions than now (PartitionCountError)."""
    for name, lane in saved.items():
        if lane.partitions not in (0, partitions):
            msg = (
                f"raw-events had {lane.partitions} partitions when lane {name} was opened, now {partitions}:"
                " conversations would move to other partitions; restore the former number"
            )
            raise PartitionCountError(msg)


def announce(
    desk: Desk,
    saved: Mapping[str, Saved],
    lanes: Iterable[Lane],
    settings: Settings,
    partitions: int,
    order: Order,
) -> list[Saved]:
    """Save the plan, then write settings (if new) and lane_opened records, then remember that."""
    found = [saved.get(lane.name) or Saved(lane) for lane in lanes]
    plan = [replace(lane, partitions=partitions) for lane in found]
    for before, lane in zip(found, plan, strict=True):
        if (
            before != lane
        ):  # in no cursor yet; live comes last, so that without it the whole plan is made again
            desk.cursor(lane)
    if any(lane.lane.name == LIVE and lane.settings != settings["version"] for lane in plan):
        desk.controls(settings_control(desk.uid, settings, desk.clock()))
    return [opened(desk, lane, settings, order) for lane in plan]


def opened(desk: Desk, saved: Saved, settings: Settings, order: Order) -> Saved:
    """Open a lane that is not finished, unless that was done under the order in force: an earlier one may have closed it."""
    if saved.lane.closed:
        return saved
    if not saved.opened or saved.order_ms != order.at_ms:
        desk.controls(lane_opened(desk.uid, saved.lane, settings, desk.clock()))
    now = replace(saved, opened=True, settings=settings["version"], order_ms=order.at_ms)
    if now != saved:
        desk.cursor(now)
    return now
