"""What every target can do: a session for one mailbox, in which items are looked for and put. Raises what `troubles` has."""

from typing import Protocol

from consumers.importing.shape import Shaped
from schemas.records import Receipt


class Session(Protocol):
    """One mailbox, opened; used by one thread."""

    @property
    def limit(self) -> int | None:
        """Largest mail in bytes that the mailbox takes; None where it does not say."""

    def place(self, folder: str) -> str:
        """The name that the connector's folder has here; the folder is made where it is missing."""

    def mark(self, one: Receipt) -> str:
        """A mark for `find`: what is put into the item's folder from now on is behind it."""

    def find(self, one: Receipt, since: str | None = None) -> str | None:
        """What the item is called that stands in its folder already, behind the mark; None if there is none."""

    def put(self, one: Receipt, mail: Shaped) -> str:
        """Put it there and say what it is called, empty if nobody knows. LostError: it may be there or not."""

    def abort(self) -> None:
        """Called by another thread than the one that uses it: nothing is put from now on, and what is under way fails."""

    def close(self) -> None:
        """Let go of it; never raises."""


class Target(Protocol):
    """Where mailboxes are; used by many threads."""

    @property
    def name(self) -> str:
        """How receipts call it."""

    def open(self, mailbox: str) -> Session:
        """A session for this mailbox. HostError, MailboxError."""
