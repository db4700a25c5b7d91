"""Which events of the overlap are in the log already, so that a poll of the same minutes sends nothing twice.

A cache: losing it costs duplicates, which are harmless (rule 1), never an event. An id counts as seen
only after Kafka has confirmed it. Bound: about 120 bytes an id, `most` ids.
"""

from schemas.records import Event


class Seen:
    """Ids of confirmed events with their own times; `most` bounds their number, oldest capture first out."""

    def __init__(self, most: int = 200_000) -> None:
        self._most = most
        self._confirmed: dict[bytes, int] = {}
        self._sent: dict[bytes, int] = {}

    def fresh(self, events: list[Event]) -> list[Event]:
        """Return the events that are neither confirmed nor sent, each once."""
        found = {event["id"]: event for event in reversed(events)}  # of equal ids the first stands
        return [
            event
            for event in events
            if found[event["id"]] is event
            and event["id"] not in self._confirmed
            and event["id"] not in self._sent
        ]

    def note(self, events: list[Event]) -> None:
        """Count these as sent: Kafka will confirm them, also if the poll that brought them fails."""
        self._sent |= {event["id"]: event["at_ms"] for event in events}

    def confirm(self) -> int:
        """Remember what was sent: it is in the log now; return how many events those were."""
        count = len(self._sent)
        self._confirmed |= self._sent
        self._sent = {}
        excess = len(self._confirmed) - self._most
        for ident in list(self._confirmed)[: max(0, excess)]:
            del self._confirmed[ident]
        return count

    def forget_before(self, at_ms: int) -> None:
        """Forget events with an own time before this; no window will ask for them again."""
        self._confirmed = {ident: at for ident, at in self._confirmed.items() if at >= at_ms}
