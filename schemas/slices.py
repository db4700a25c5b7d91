"""Labels of slices: how they are made, read and filed. A label is a function of the event alone (rule 4), and for ever.

    2026-03-02   a local day of a space                             the source has days (Webex)
    p0000        24-hour period 0, 1, … since a chat began          the source has chats (LivePerson)
    undated      events that say no time                            of a source with days

A time that nobody can believe (`at_suspect`) changes no label, only when the slice closes (decision 14). Labels are
compared as text; in mails, file names and reports they stand as they are. A label of another form is no error: it has
no slice before it, is filed under the day on which the slice began, and stands in file names with a hash.
"""

import re
from datetime import UTC, date, datetime, timedelta

from schemas.records import MailFacts, RawEvents

UNDATED = "undated"
PLAIN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|p?[0-9]{1,9}"
"""Pattern of labels that stand in file names without a hash; part of every path that was ever written."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERIOD = re.compile(r"p(\d{1,9})", re.ASCII)


def day_label(day: date) -> str:
    """The label of a local day, like 2026-03-02."""
    return day.isoformat()


def period_label(period: int) -> str:
    """The label of the 24-hour period with this number, from 0; at least four digits, so that they sort as text."""
    return f"p{period:04d}"


def label_before(label: str) -> str | None:
    """The label of the slice before, where this one says which that is: p0002 before p0003."""
    match = _PERIOD.fullmatch(label)
    if match is None or int(match[1]) == 0:
        return None
    return period_label(int(match[1]) - 1)


def slice_day(head: MailFacts | RawEvents) -> date:
    """The day under which a person looks for the mail: the slice's own date, or the UTC day on which it began."""
    return label_day(head["slice"]) or utc_day(head["slice_start_ms"])


def label_day(label: str) -> date | None:
    """The day that the label names; None for one that names none."""
    try:
        return date.fromisoformat(label)
    except ValueError:
        return None


def utc_day(ms: int) -> date:
    """The UTC day of this time; that of 1970 for what no calendar holds."""
    try:
        return (EPOCH + timedelta(milliseconds=ms)).date()
    except OverflowError:
        return EPOCH.date()
