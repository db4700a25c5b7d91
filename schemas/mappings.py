"""The rows of a user mapping as CSV: what rests in the content store when they are too many for a record."""

import csv
import io
from collections.abc import Iterable, Iterator

from schemas.records import MappingRow

HEADINGS = ("ExternalUserId", "O365UserMailbox")
INLINE_BYTES = 65_536
"""A mapping record up to here (encoded) holds its rows itself: some 1,000 users."""


def rows_to_csv(rows: Iterable[MappingRow]) -> bytes:
    """UTF-8 with Microsoft's headings, all cells in quotes, a line feed after each line: the same rows are the same bytes."""
    out = io.StringIO(newline="")
    # All cells in quotes: Pythons differ in what needs them.
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(HEADINGS)
    writer.writerows((row["external_user_id"], row["mailbox"]) for row in rows)
    return out.getvalue().encode()


def rows_from_csv(data: bytes) -> Iterator[MappingRow]:
    """The rows again, one at a time; ValueError if these are not bytes of `rows_to_csv`."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline=""), strict=True)
    if tuple(next(reader, ())) != HEADINGS:
        msg = f"a user mapping begins with {','.join(HEADINGS)}, this one does not"
        raise ValueError(msg)
    for user, mailbox in reader:
        yield {"external_user_id": user, "mailbox": mailbox}
