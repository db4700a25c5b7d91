"""Files that an order removed and a later event names: their mails are made with placeholders, for ever the same ones.

Whether a file is there is no fact of the log: it may come back. So what was decided when a mail was made first is kept
beside the notes of disposition (`schemas/disposed.py`), create-only, and whoever makes the mail again reads it there. It costs a
look for each file of a mail, and nothing more for files that no order ever removed.
"""

import asyncio
from collections.abc import Iterable, Iterator

from schemas import disposed
from schemas.disposed import Note
from schemas.records import Attachment, ClosedSlice, Event
from stores.interface import BlobMissingError, StoreConflictError
from stores.paths import content_path, disposed_path, disposed_paths, placeholders_path
from streams.contents import Contents
from streams.mail.attachments import DISPOSED
from streams.refusals import DependencyError

LOOKS = 16  # at a time


async def with_placeholders(contents: Contents, closed: ClosedSlice, *, keep: bool) -> ClosedSlice:
    """The slice, its whole events without the files that left by order; `keep`: its mails are kept, so this is decided for good.

    StoreError but for a store that is down, which is waited for.
    """
    names = sorted({name for event in closed["events"] for name in _files(event)})
    shares = [names[start : start + LOOKS] for start in range(0, len(names), LOOKS)]
    noted = [name for some in shares for name in await _noted(contents, some)]
    if not noted:
        return closed
    gone = await _decided(contents, closed["closing_id"].hex(), noted, keep=keep)
    events = [_without(event, gone) if gone else event for event in closed["events"]]
    return {**closed, "events": events}


async def _noted(contents: Contents, names: Iterable[str]) -> list[str]:
    # A look for each file, also where no order was ever given: whoever remembered that there is none could not hear of the
    # first one, which another process gives: it writes its notes and only then removes files. To look at the file itself
    # instead, which costs as much, would miss one that came back meanwhile. On Azure it is a HEAD beside the PUT that
    # each file has cost, in a folder an lstat.
    looks = {name: contents.exists(disposed_path(name)) for name in names}
    found = await asyncio.gather(*looks.values())
    return [name for name, noted in zip(looks, found, strict=True) if noted]


async def _decided(contents: Contents, closing: str, names: Iterable[str], *, keep: bool) -> dict[str, Note]:
    path = placeholders_path(closing)
    known = await _read(contents, path)
    if known is not None:
        return known
    gone = {
        name: await _note(contents, name) for name in names if not await contents.exists(content_path(name))
    }
    if not keep:
        return gone
    # Also where it is none: a file that came back and is lost later was not removed by an order.
    try:
        await contents.note(path, disposed.written(gone))
    except StoreConflictError:  # another worker was faster, and it counts
        found = await _read(contents, path)
        return gone if found is None else found
    return gone


async def _read(contents: Contents, path: str) -> dict[str, Note] | None:
    try:
        return disposed.read(await contents.read(path))
    except BlobMissingError:
        return None
    except ValueError as error:
        raise DependencyError(f"{path} was altered ({error}); restore it from its backup") from error


async def _note(contents: Contents, name: str) -> Note:
    """Of the latest order that removed this file."""
    found = Note()
    for path in disposed_paths(name):
        try:
            found = disposed.read_note(await contents.read(path))
        except BlobMissingError:
            break
    return found


def _without(event: Event, gone: dict[str, Note]) -> Event:
    return {**event, "attachments": [_replaced(one, gone) for one in event["attachments"]]}


def _replaced(one: Attachment, gone: dict[str, Note]) -> Attachment:
    content = one["content"]
    note = gone.get(content["sha256"].hex()) if content is not None else None
    return one if note is None else {**one, "outcome": DISPOSED, "reason": note.sentence()}


def _files(event: Event) -> Iterator[str]:
    return (one["content"]["sha256"].hex() for one in event["attachments"] if one["content"] is not None)
