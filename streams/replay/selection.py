"""Which slices a replay is about. Pure.

Folding only these is sound: when and how a slice closes depends on its own events and on the control records alone, so
leaving out the events of other slices changes nothing in it (a property test holds this against the oracle).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.addresses import comparable
from schemas.records import RawEvents
from schemas.slices import label_day, slice_day

NOTHING = frozenset[str]()


@dataclass(frozen=True)
class Selection:
    """Every condition that is given must hold; one that is empty or None holds for everything.

    `first` and `last`: days, both included, compared with the day under which a mail is filed: the local date that names a
    Webex slice, the UTC day on which a LivePerson slice began. `mailboxes`: only their copies, and only mails that have one.
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

    def holds(self, head: RawEvents) -> bool:
        """Whether the slice of this record is selected, its mailboxes aside."""
        if not self.names(head["connector_uid"], head["conversation"]):
            return False
        if self.first is None and self.last is None:
            return True
        return self._has(slice_day(head))

    def dates(self, label: str) -> bool:
        """Whether days are selected, and the label of a slice is one of them."""
        day = label_day(label)
        return bool(self.first or self.last) and day is not None and self._has(day)

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

    def _has(self, day: date) -> bool:
        return (self.first or day) <= day <= (self.last or day)

    def _folded(self) -> set[str]:
        return {comparable(one) for one in self.mailboxes}
