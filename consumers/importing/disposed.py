"""Which mails were disposed of (rule 28), as topic audit says: what is gone by order is not imported any more, and no fault."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import closing

from consumers.cache_file import opened, transaction
from consumers.importing.items import not_landed
from consumers.importing.partition import Partition
from consumers.reading import Read, Reader
from schemas import dispositions
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.records import Audit, Receipt
from schemas.topics import AUDIT

LOOK_S = 60.0  # between two looks at what waits: nobody waits for that
PAGE = 1_000
log = logging.getLogger(__name__)


class Disposed:
    """Their ids, as far as the topic was read; on disk, in a file without a name, since retention names very many."""

    def __init__(self, kafka: KafkaSettings, codec: Codec) -> None:
        self._kafka, self._codec = kafka, codec
        self._db = opened(None, "CREATE TABLE disposed (mail BLOB PRIMARY KEY, ord TEXT) WITHOUT ROWID", 1)
        self.position, self.knows_any = 0, False

    def catch_up(self) -> None:
        """Read what came since. A copy that an order removes is on record here before it is gone. KafkaError, NoTopicError."""
        position = self.position
        with closing(Reader(self._kafka, AUDIT)) as reader, transaction(self._db):
            reader.start_at({0: position})
            for record in reader.to_end():
                for one in self._read(record):
                    rows = ((mail, one["order"]) for mail in dispositions.mails_of(one))
                    self._db.executemany("INSERT OR IGNORE INTO disposed VALUES (?, ?)", rows)
                position = record.offset + 1
        self.position = position

    def reason(self, one: Receipt) -> str | None:
        """Why this copy is not imported; None where no order is known to have disposed of it."""
        row = self._db.execute("SELECT ord FROM disposed WHERE mail = ?", (one["mail_id"],)).fetchone()
        return None if row is None else f"disposed of: order {row[0]}"

    def close(self) -> None:
        """The space is free again."""
        self._db.close()

    def _read(self, record: Read) -> Iterator[Audit]:
        try:
            name, one = self._codec.decode(record.value or b"")
        except DecodeError as error:
            log.error("%s/%d skipped: %s", AUDIT.name, record.offset, error)  # noqa: TRY400 - one line
            return
        if name == "Audit" and one["kind"] == "disposed":
            self.knows_any = True
            yield one


class Leaving:
    """Ends what waits for a mailbox that refuses, and was disposed of meanwhile: nobody would ever look for its copy."""

    def __init__(self, disposed: Disposed) -> None:
        self._disposed = disposed
        self._look_at = 0.0
        self._looked: dict[int, int] = {}

    def turn(self, partitions: Iterable[Partition]) -> Iterator[tuple[int, Receipt]]:
        """(partition, receipt) of each that ends so; nothing most of the time. KafkaError, NoTopicError."""
        waiting = [one for one in partitions if one.receipts.waiting_mailboxes()]
        if not waiting or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_S
        self._disposed.catch_up()
        for one in waiting if self._disposed.knows_any else []:
            if self._looked.get(one.number) != self._disposed.position:
                yield from ((one.number, receipt) for receipt in self._ended(one))
                self._looked[one.number] = self._disposed.position

    def forget(self, number: int) -> None:
        """This partition is opened anew, or another importer's."""
        self._looked.pop(number, None)

    def _ended(self, partition: Partition) -> Iterator[Receipt]:
        for mailbox in partition.receipts.waiting_mailboxes():
            for receipt in _all(partition, mailbox):
                reason = self._disposed.reason(receipt)
                if reason is not None:
                    yield not_landed(receipt, "skipped", reason, int(time.time() * 1000))


def _all(partition: Partition, mailbox: str) -> Iterator[Receipt]:
    after = b""
    while rows := partition.receipts.waiting(mailbox, after, PAGE):
        yield from map(partition.receipts.decoded, rows)
        after = rows[-1].id
