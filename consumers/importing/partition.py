"""One partition of topic deliveries in an importer's hands, with the receipts that it has."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from consumers.importing.items import Item, blanks
from consumers.importing.receipts import Receipts
from consumers.importing.window import WIDTH, Window
from consumers.reading import Read, Reader
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.records import Delivery, Receipt
from schemas.topics import IMPORTS

BATCH = 5_000
log = logging.getLogger(__name__)


class Partition:
    """Opened when it is assigned, closed when it is given away."""

    def __init__(
        self,
        number: int,
        kafka: KafkaSettings,
        codec: Codec,
        folder: Path,
        *,
        committed: int | None,
        begin: int,
        end: int,
        settle_s: float = 0.0,
    ) -> None:
        """`committed`: the group's offset, None without one; `begin`, `end`: where the partition of deliveries is now.

        `settle_s`: so long after this nothing is begun, since a server may still be busy with what the importer before sent.

        Reads the receipts that its file lacks. KafkaError, NoTopicError. Blocks.
        """
        self.number = number
        self.window = Window(begin if committed is None else max(committed, begin))
        # An importer before may have begun so many records, and with no commit of one, any that there is.
        self._unsure_below = end if committed is None else committed + WIDTH
        self.fetched: deque[tuple[int, Delivery | None]] = deque()
        self._kafka, self._codec = kafka, codec
        self.receipts = Receipts(folder / f"receipts-{number}.sqlite", codec)
        self.catch_up()
        self._settled_at = time.monotonic() + settle_s

    @property
    def is_quiet(self) -> bool:
        """Whether servers have had time to finish what an importer before this one had under way."""
        return time.monotonic() >= self._settled_at

    def catch_up(self) -> None:
        """Fold the receipts that others have written: importers before this one, and replays."""
        with closing(Reader(self._kafka, IMPORTS, [self.number])) as reader:
            if self.receipts.logs.are_others(reader, {self.number: self.receipts.position}):
                self.receipts.clear()
            self.receipts.logs.reads(reader)
            reader.start_at({self.number: self.receipts.position})
            some, position = list[Receipt](), self.receipts.position
            for record in reader.to_end():
                some += self._receipt(record)
                position = record.offset + 1
                if len(some) >= BATCH:
                    self.receipts.fold(some, position)
                    some = []
            self.receipts.fold(some, position)

    def _receipt(self, record: Read) -> Iterator[Receipt]:
        try:
            name, value = self._codec.decode(record.value or b"")
        except DecodeError as error:
            log.error("%s/%d/%d skipped: %s", IMPORTS.name, record.partition, record.offset, error)  # noqa: TRY400 - one line
            return
        if name == "Receipt":
            yield value

    def items(self, target: str) -> Iterator[tuple[int, list[Item]]]:
        """Of the records that may be begun now, offset and what is to be done; done copies are left out."""
        while self.fetched and self.is_quiet and self.window.takes(self.fetched[0][0]):
            offset, delivery = self.fetched.popleft()
            found = [] if delivery is None else list(blanks(delivery, target))
            unsure = offset < self._unsure_below
            yield (
                offset,
                [
                    Item(one, self.number, unsure, [offset])
                    for one in found
                    if not self.receipts.is_settled(one)
                ],
            )

    def recorded(self, receipts: list[Receipt], offsets: list[int]) -> None:
        """These receipts are confirmed at these offsets of topic imports."""
        at = self.receipts.position
        in_line = offsets == list(range(at, at + len(offsets)))
        self.receipts.fold(receipts, at + len(offsets) if in_line else None)
        if not in_line:  # a replay has written some between
            self.catch_up()

    def close(self) -> None:
        """Let go of the file."""
        self.receipts.close()
