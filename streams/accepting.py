"""Which records of raw-events take part: the live assembler and every replay must draw this line at the same place. Pure."""

from schemas import dispositions
from schemas.codec import Decoded
from schemas.records import Control, RawEvents
from schemas.topics import RAW_EVENTS
from streams.refusals import RejectedError

CALENDAR_END_MS = 253_402_300_799_999


def accepted(found: Decoded) -> Decoded:
    """The same record, its events aside; RejectedError if it is none of raw-events or no watermark could close its slice."""
    if found.name not in RAW_EVENTS.records:
        msg = f"a {found.name} has no place in {RAW_EVENTS.name}"
        raise RejectedError(msg)
    if found.name == "RawEvents":
        _check_times(found.value)
    elif found.value["kind"] == dispositions.KIND:
        _check_scope(found.value)
    return found


def _check_scope(control: Control) -> None:
    """An order that nobody can read names nothing."""
    try:
        dispositions.of_control(control)
    except (ValueError, TypeError) as error:
        raise RejectedError(f"an order of disposition that can't be read: {error}") from error


def _check_times(record: RawEvents) -> None:
    """A slice that no watermark could ever close: its events would reach no mail, and pin the log."""
    latest = max(record["slice_end_ms"], record["captured_at_ms"])
    if latest > CALENDAR_END_MS:
        msg = f"slice end or capture at {latest} ms is behind the year 9999: no watermark would ever close the slice"
        raise RejectedError(msg)
