"""What an order would remove, counted before it is given. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from consumers.disposition.index import Mail


@dataclass
class Preview:
    """Counts of what the archive has of a scope; `size` is that of mails and copies together, in bytes."""

    mails: int = 0
    copies: int = 0
    size: int = 0
    conversations: set[str] = field(default_factory=set)
    mailboxes: set[str] = field(default_factory=set)

    def add(self, one: Mail) -> None:
        """A mail with its copies."""
        self.mails += 1
        self.copies += len(one.copies)
        self.size += one.size * (1 + len(one.copies))
        self.conversations.add(one.conversation)
        self.mailboxes.update(box for box, _ in one.copies)


def preview(mails: Iterable[Mail], held: Iterable[str] = ()) -> tuple[Preview, Preview]:
    """What would be removed of these mails, and what stays since its conversation is one of the `held`."""
    goes, stays, names = Preview(), Preview(), frozenset(held)
    for one in mails:
        (stays if one.conversation in names else goes).add(one)
    return goes, stays
