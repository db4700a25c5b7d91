"""A closed slice as its record has it becomes mails: claim checks are fetched, then the pure renderer in `streams/mail`.

The archive stage and a replay both come through here.
"""

from zoneinfo import ZoneInfoNotFoundError

from schemas.codec import expect
from schemas.records import ClosedSlice, ContentRef, Mail
from streams.contents import Contents
from streams.mail.render import EventsMissingError, render
from streams.placeholders import with_placeholders
from streams.refusals import DependencyError, RejectedError
from streams.room import UPLOAD_BYTES

GROWTH = 5
"""How many times the bytes of a large slice its mails have: 3 to 4 as measured, since they say all three times, and some room."""


async def mails_of(closed: ClosedSlice, contents: Contents, *, keep: bool) -> list[Mail]:
    """All parts; `keep`: they are kept, so what a placeholder stands for is decided for good.

    RejectedError for a slice that no renderer could do anything with; DependencyError, StoreError.
    """
    whole = await with_placeholders(contents, await _whole(closed, contents), keep=keep)
    try:
        return render(whole)
    except EventsMissingError as error:
        raise RejectedError(str(error)) from error
    except ZoneInfoNotFoundError as error:
        # A LookupError, but no fault of the record: the same bytes are a mail where tzdata is whole.
        msg = f"the package tzdata has no time zone {whole['settings']['zone']!r}: install tzdata again, or a newer one"
        raise DependencyError(msg) from error


async def _whole(closed: ClosedSlice, contents: Contents) -> ClosedSlice:
    """The slice with every event in it."""
    overflow = closed.get("overflow")
    if overflow is not None:
        closed = expect("ClosedSlice", await contents.get(overflow))
    events = closed["events"]
    if closed["events_ref"] is not None:
        events = expect("EventList", await contents.get(closed["events_ref"]))["events"]
    events = [await contents.whole(event) if event["overflow"] else event for event in events]
    return {**closed, "events": events, "events_ref": None}


def memory_of(closed: ClosedSlice, record_bytes: int) -> int:
    """About how many bytes its mails take, told before anything is fetched."""
    if closed.get("overflow") is not None:
        return UPLOAD_BYTES  # what it names is only known when it is here
    refs: list[ContentRef | None] = [closed["events_ref"], *(event["overflow"] for event in closed["events"])]
    return GROWTH * (record_bytes + sum(ref["size"] for ref in refs if ref is not None))
