"""One attempt to get a copy into its mailbox: look for it where it may be there already, shape it, put it."""

from consumers.importing.copies import Copies
from consumers.importing.items import Item, Landed
from consumers.importing.shape import Original, Shaped, TooSmallError, shaped
from consumers.importing.target import Session
from consumers.importing.troubles import ItemError, TooLargeError
from schemas.records import Receipt

LADDER = tuple(round(mb * 1_000_000) for mb in (100, 50, 35, 25, 10, 5, 2, 1, 0.5, 0.25, 0.1))
"""Sizes, in bytes, that are tried in this order where a server says that a mail is too large, and not how large it may be."""


class Attempts:
    """How items are put; used by many threads."""

    def __init__(self, copies: Copies, *, content_class: str | None, max_mail_bytes: int | None) -> None:
        self._copies, self._content_class, self._ceiling = copies, content_class, max_mail_bytes

    def once(self, session: Session, item: Item) -> Landed:
        """The item stands in its mailbox on return; everything in `troubles` otherwise."""
        one = item.blank
        place = session.place(one["folder"])
        if item.is_anew and item.since is None:
            item.since = session.mark(one)
        found = session.find(one, item.since) if item.unsure else None
        if found is not None:
            return Landed("found", place, found)
        with self._copies.fetched(one) as copy:
            return self._put(session, one, copy, place)

    def _put(self, session: Session, one: Receipt, copy: Original, place: str) -> Landed:
        limit = min((some for some in (session.limit, self._ceiling) if some is not None), default=None)
        steps = iter(step for step in LADDER if step < min(copy.size, limit or copy.size))
        while True:
            mail = self._shaped(one, copy, limit)
            whole = mail.pieces == Shaped(copy.file, mail.pieces[-1:]).pieces and not mail.left_out
            digest = copy.sha256 if whole else mail.sha256()
            try:
                name = session.put(one, mail)
            except TooLargeError as error:
                limit = next(steps, None)
                if limit is None:
                    raise ItemError(error.kind, error.detail, final=True) from error
                continue
            return Landed(
                "appended", place, name, len(mail), digest, limit if mail.left_out else None, mail.left_out
            )

    def _shaped(self, one: Receipt, copy: Original, limit: int | None) -> Shaped:
        kind = self._content_class.replace("{source}", one["source"]) if self._content_class else None
        try:
            return shaped(copy, kind, limit)
        except TooSmallError as error:
            raise ItemError(
                "too large", f"the mailbox takes {limit} bytes at most, and {error}", final=True
            ) from error
