"""Which slices a replay is about. Pure.

Folding only these is sound: when and how a slice closes depends on its own events and on the control records alone, so
leaving out the events of other slices changes nothing in it (a property test holds this against the oracle).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.addresses import comparable

NOTHING = frozenset[str]()


@dataclass(frozen=True)
class Selection:
    """Every condition that is given must hold; one that is empty or None holds for everything.

    `first` and `last`: days, both included, compared with the day of the slice: the local date that names a Webex slice, the UTC
    day on which a LivePerson slice began (`days.py` says which that is).
    `mailboxes`: only their copies, and only mails that have one.
    """

    connectors: frozenset[str] = NOTHING
    conversations: frozenset[str] = NOTHING
    mailboxes: frozenset[str] = NOTHING
    first: date | None = None
    last: date | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has everything of its connectors, so that whatever else stands in the archive is unexplained."""
        return not (self.conversations or self.mailboxes or self.first or self.last)

    def may_hold(self, key: bytes | None) -> bool:
        """Whether a record with this Kafka key can be selected; a record without one has to be looked at."""
        if key is None or not (self.connectors or self.conversations):
            return True
        uid, _, conversation = key.decode("utf-8", "surrogatepass").partition("/")
        return self.names(uid, conversation)

    @property
    def span(self) -> tuple[date, date] | None:
        """The first and the last selected day; None without days."""
        if self.first is None and self.last is None:
            return None
        return self.first or date.min, self.last or date.max

    def within(self, day: date) -> bool:
        """Whether the day is selected."""
        return (self.first or day) <= day <= (self.last or day)

    def wants(self, mailbox: str | None) -> bool:
        """Whether a copy at this mailbox is selected."""
        return not self.mailboxes or (mailbox is not None and comparable(mailbox) in self._folded())

    def as_dict(self) -> dict[str, Any]:
        """The conditions as JSON has them."""
        return {
            "connectors": sorted(self.connectors), "conversations": sorted(self.conversations),
            "mailboxes": sorted(self.mailboxes), "from": self.first and self.first.isoformat(),
            "to": self.last and self.last.isoformat(),
        }  # fmt: skip

    def names(self, uid: str, conversation: str) -> bool:
        """Whether a conversation is selected, days and mailboxes aside."""
        return (not self.connectors or uid in self.connectors) and (
            not self.conversations or conversation in self.conversations
        )

    def _folded(self) -> set[str]:
        return {comparable(one) for one in self.mailboxes}
