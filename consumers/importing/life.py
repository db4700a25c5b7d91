"""One life of an importer: from joining the consumer group to leaving it, or until Kafka fails."""

import logging
import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from consumers.importing.boxes import Done
from consumers.importing.desk import Desk
from consumers.importing.disposed import Disposed, Leaving
from consumers.importing.group import Listener, Membership, new_consumer
from consumers.importing.items import Item, Key, landed, not_landed
from consumers.importing.partition import Partition
from consumers.importing.retries import Retries
from consumers.importing.settings import ImportSettings
from consumers.importing.telling import Teller
from consumers.importing.troubles import ItemError, MissingError
from consumers.reading import ANSWER_MS, NoTopicError
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.ids import conversation_key
from schemas.records import Delivery, Receipt
from schemas.topics import DELIVERIES, IMPORTS

log = logging.getLogger(__name__)


class Life:
    """From one connection to Kafka to its end."""

    def __init__(
        self, kafka: KafkaSettings, codec: Codec, settings: ImportSettings, desk: Desk, producer: KafkaProducer, folder: Path,
        target: str, teller: Teller, disposed: Disposed,
    ) -> None:  # fmt: skip
        self._kafka, self._codec, self._desk, self._producer = kafka, codec, desk, producer
        self._settings, self._folder, self._target, self._teller = settings, folder, target, teller
        self._topic, self._imports = kafka.topic(DELIVERIES.name), kafka.topic(IMPORTS.name)
        self._listener = Listener(desk, settings.session_seconds * 0.6)
        self._partitions: dict[int, Partition] = {}
        self._open: dict[Key, Item] = {}
        self._retries = Retries(settings, target, desk, lambda key: key in self._open, self._put)
        self._disposed, self._leaving = disposed, Leaving(disposed)
        self._membership = Membership(kafka, settings)
        self.was_assigned = False

    def run(self, stop: threading.Event) -> None:
        """Until stopped; KafkaError, NoTopicError: what was under way is looked for by the next life then."""
        with closing(new_consumer(self._kafka, self._settings)) as consumer:
            # Known before the group is joined: else its leader, who knows no partitions yet, assigns none.
            if not consumer.partitions_for_topic(self._topic):
                raise NoTopicError(f"topic {self._topic} does not exist; run `chatledger topics create`")
            consumer.subscribe([self._topic], listener=self._listener)
            try:
                while not stop.is_set():
                    self._turn(consumer)
                self._end(consumer)
            finally:
                for one in self._partitions.values():
                    one.close()

    def _turn(self, consumer: Any) -> None:
        # Who has nothing to do waits longer: a join that ends between two polls is begun anew (kafka-python 3.0.12).
        batches = consumer.poll(timeout_ms=100 if self._partitions else 1_000, max_records=500)
        fresh = self._notice(consumer)
        for tp, records in batches.items():
            # What was fetched around an assignment is read again, from where the partition was opened.
            if tp.partition in self._partitions and tp.partition not in fresh:
                self._partitions[tp.partition].fetched += [
                    (one.offset, self._decoded(one)) for one in records
                ]
        self._begin(consumer)
        self._finish()
        self._retries.turn(self._partitions.values())
        self._record((number, one) for number, one in self._leaving.turn(self._partitions.values()))
        self._commit(consumer)
        self._membership.check(consumer)
        self._teller.tell(self._producer, self._partitions, self._desk)

    def _notice(self, consumer: Any) -> set[int]:
        """Close and open partitions as the group's coordinator said; those that were opened."""
        fresh = set[int]()
        while self._listener.news:
            what, numbers = self._listener.news.popleft()
            log.info("%s: %s", what, numbers)
            for number in numbers:
                self._finish()
                self._forget(number)
                if what == "assigned" and TopicPartition(self._topic, number) in consumer.assignment():
                    self._partitions[number] = self._opened(consumer, number)
                    fresh.add(number)
                    self.was_assigned = True
        return fresh & set(self._partitions)

    def _opened(self, consumer: Any, number: int) -> Partition:
        tp = TopicPartition(self._topic, number)
        begin = consumer.beginning_offsets([tp], timeout_ms=ANSWER_MS)[tp]
        end = consumer.end_offsets([tp], timeout_ms=ANSWER_MS)[tp]
        committed = consumer.committed(tp, timeout_ms=ANSWER_MS)
        one = Partition(
            number, self._kafka, self._codec, self._folder, committed=committed, begin=begin, end=end,
            settle_s=self._settings.settle_seconds,
        )  # fmt: skip
        with suppress(ValueError):  # revoked a moment ago: that is the next piece of news
            consumer.seek(tp, one.window.committed)
        self._desk.allow(number)
        self._teller.opened(number)
        return one

    def _forget(self, number: int) -> None:
        self._open = {key: item for key, item in self._open.items() if item.partition != number}
        self._leaving.forget(number)
        if number in self._partitions:
            self._partitions.pop(number).close()

    def _decoded(self, record: Any) -> Delivery | None:
        try:
            name, value = self._codec.decode(record.value or b"")
        except DecodeError as error:
            log.error("%s/%d/%d skipped: %s", DELIVERIES.name, record.partition, record.offset, error)  # noqa: TRY400 - one line
            return None
        return value if name == "Delivery" else None

    def _begin(self, consumer: Any) -> None:
        """Hand over what may be begun; a partition that has more than that is not read on."""
        for one in self._partitions.values():
            for offset, items in one.items(self._target):
                one.window.begin(offset, len(items))
                for item in items:
                    self._put(item)
            tp = TopicPartition(self._topic, one.number)
            with suppress(KeyError):  # as above
                (consumer.pause if one.fetched else consumer.resume)(tp)

    def _put(self, item: Item) -> None:
        if item.key in self._open:  # the same record twice, or one that is just tried again
            self._open[item.key].offsets += item.offsets
        else:
            self._open[item.key] = item
            self._desk.put(item)

    def _finish(self) -> None:
        """Receipts of what is done, confirmed, and only then is it done."""
        done = [one for one in self._desk.results() if self._open.get(one.item.key) is one.item]
        if any(isinstance(one.trouble, MissingError) for one in done):
            self._disposed.catch_up()
        for one in done:
            del self._open[one.item.key]
        self._record((one.item.partition, self._receipt(one)) for one in done)
        for item in (one.item for one in done):
            for offset in item.offsets:
                self._partitions[item.partition].window.done(offset)

    def _record(self, found: Iterable[tuple[int, Receipt]]) -> None:
        """Write what is news, all at once, and fold it when it is confirmed."""
        sent = [
            (number, receipt, self._send(number, receipt))
            for number, receipt in found
            if self._partitions[number].receipts.is_news(receipt)
        ]
        by_partition: dict[int, list[tuple[Receipt, int]]] = {}
        for number, receipt, future in sent:
            by_partition.setdefault(number, []).append((receipt, future.get(timeout=60).offset))
        for number, rows in by_partition.items():
            self._partitions[number].recorded([row[0] for row in rows], [row[1] for row in rows])
        self._teller.progress.note(receipt for _, receipt, _ in sent)

    def _receipt(self, done: Done) -> Receipt:
        now_ms, one, trouble = int(time.time() * 1000), done.item.blank, done.trouble
        is_final = isinstance(trouble, ItemError) and trouble.final
        gone = None if done.landed is not None else self._disposed.reason(one)
        if isinstance(trouble, ItemError) and not is_final and gone is None:
            self._retries.put_off(done.item.key, trouble)
        else:
            self._retries.done(done.item.key)
        if done.landed is not None:
            return landed(one, done.landed, now_ms)
        if gone is not None:
            return not_landed(one, "skipped", gone, now_ms)
        return not_landed(one, "failed" if is_final else "waiting", str(trouble), now_ms)

    def _send(self, number: int, receipt: Receipt) -> Any:
        value = self._codec.encode(self._imports, "Receipt", receipt)
        key = conversation_key(receipt["connector_uid"], receipt["conversation"])
        return self._producer.send(self._imports, key=key, value=value, partition=number)

    def _commit(self, consumer: Any) -> None:
        offsets = {
            one.number: one.window.reached
            for one in self._partitions.values()
            if one.window.reached > one.window.committed
        }
        if not offsets:
            return
        with suppress(KafkaError):  # a rebalance is under way: the next owner begins where the last commit is
            consumer.commit(
                {
                    TopicPartition(self._topic, number): OffsetAndMetadata(at, "", -1)
                    for number, at in offsets.items()
                }
            )
            for number, at in offsets.items():
                self._partitions[number].window.committed = at

    def _end(self, consumer: Any) -> None:
        """In order: what is under way is finished, recorded and committed."""
        self._desk.withdraw(list(self._partitions), wait_s=15.0)
        self._finish()
        self._commit(consumer)
        self._teller.tell(self._producer, self._partitions, self._desk, at_end=True)
