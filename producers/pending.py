"""The account of records on their way: what Kafka has not confirmed yet, and how many bytes wait for it.

kafka-python's own buffer has no bound, and its flush() returns normally after failures: what is known about
a record is known from its future alone. Callbacks of those futures come from the producer's own thread.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

RECORD_OVERHEAD = 1024
"""Bytes that a record costs beside its content: its future, its entry here."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record with its place; `topic` is the name on this cluster."""

    topic: str
    key: bytes | None
    value: bytes
    partition: int

    @property
    def cost(self) -> int:
        """Bytes held for it: ours, and at most as much again in the producer's batch."""
        return 2 * (len(self.value) + len(self.key or b"")) + RECORD_OVERHEAD


class Pending:
    """Records on their way; `ceiling` bounds their bytes, but one record is always let through."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.error = ""
        self.confirmed = 0
        self.bytes = 0
        self._changed = threading.Condition()
        self._flying: dict[int, Outgoing] = {}
        self._failed: list[Outgoing] = []
        self._tickets = 0
        self._moved = time.monotonic()

    def add(self, record: Outgoing) -> int:
        """Count this record in; return the ticket to name it by."""
        with self._changed:
            self._tickets += 1
            self._flying[self._tickets] = record
            self.bytes += record.cost
            self._moved = time.monotonic()
            return self._tickets

    def done(self, ticket: int) -> None:
        """Kafka has confirmed it. A ticket that was given up is ignored: its record goes again."""
        with self._changed:
            record = self._flying.pop(ticket, None)
            if record is not None:
                self.bytes -= record.cost
                self.confirmed += 1
                self._stir()

    def fail(self, ticket: int, error: object) -> None:
        """Kafka has not confirmed it, or nobody knows: it must go again."""
        with self._changed:
            self.error = f"{type(error).__name__}: {error}" if isinstance(error, Exception) else str(error)
            record = self._flying.pop(ticket, None)
            if record is not None:
                self._failed.append(record)
                self._stir()

    def take_failed(self) -> list[Outgoing]:
        """Hand out what must go again, and what is still flying too; late answers count for nothing."""
        with self._changed:
            again = [*self._failed, *self._flying.values()]
            self._failed, self._flying = [], {}
            self.bytes -= sum(record.cost for record in again)
            return again

    def has_room(self, cost: int) -> bool:
        """Whether a record of this cost may be added."""
        return self.bytes == 0 or self.bytes + cost <= self.ceiling

    def empty(self) -> bool:
        """Whether everything is confirmed."""
        return not self._flying and not self._failed

    def landed(self) -> bool:
        """Whether nothing is flying: each record is confirmed or failed."""
        return not self._flying

    def failed(self) -> bool:
        """Whether something must go again."""
        return bool(self._failed)

    def count(self) -> int:
        """Return how many records are not confirmed."""
        return len(self._flying) + len(self._failed)

    def still_s(self) -> float:
        """Seconds since anything changed."""
        return time.monotonic() - self._moved

    def wait(self, wanted: Callable[[], bool], seconds: float, *, alert: bool = True) -> bool:
        """Wait until `wanted()`; False after `seconds`, or with `alert` as soon as something has failed."""
        with self._changed:
            self._changed.wait_for(lambda: wanted() or (alert and bool(self._failed)), seconds)
            return wanted()

    def _stir(self) -> None:
        self._moved = time.monotonic()
        self._changed.notify_all()
