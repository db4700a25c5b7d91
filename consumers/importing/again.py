"""Replay into mailboxes: looks in them for what the ledger says, and appends what is gone, or all of it anew."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from kafka import KafkaProducer

from consumers.importing.boxes import Done
from consumers.importing.desk import Desk
from consumers.importing.disposed import Disposed
from consumers.importing.items import Item, blank, ident, landed
from consumers.importing.troubles import HostError
from consumers.reading import Read, Reader
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.deliveries import delivery_id, routing, stands
from schemas.ids import conversation_key
from schemas.records import CopyResult, Delivery, Receipt
from schemas.topics import DELIVERIES, IMPORTS, Topic

What = Literal["missing", "again"]
PATIENCE_S = 60.0  # the server, or the store, may be away so long
AT_A_TIME = 2_000  # items on the desk


@dataclass
class Looked:
    """What came of it: numbers of copies, and why some are not in their mailboxes (Message-ID, mailbox, reason)."""

    selected: int = 0
    there: int = 0
    appended: int = 0
    left: int = 0
    refused: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def known(self) -> int:
        """Copies of which it is known how they stand."""
        return self.there + self.appended + len(self.refused)

    def add(self, result: Done) -> bool:
        """Count one more; whether it was appended, which is worth a receipt.

        What is to be put anew and is found was appended by an attempt of ours whose answer got lost.
        """
        one, where = result.item.blank, result.landed
        if where is None:
            self.refused.append((one["message_id"], one["mailbox"], str(result.trouble)))
            return False
        is_ours = where.how == "appended" or result.item.is_anew
        self.there += not is_ours
        self.appended += is_ours
        return is_ours


def copies_to_look_for(
    kafka: KafkaSettings,
    codec: Codec,
    selected: Callable[[Delivery, CopyResult], bool],
    target: str,
    what: What,
) -> list[tuple[int, Receipt]]:
    """(partition, blank receipt) of each copy that stands in the store and is selected, as routed last. Reads the ledger.

    What an order has disposed of is nowhere any more, and left out.
    """
    found: dict[bytes, tuple[int, int, Receipt | None]] = {}
    now_ms = int(time.time() * 1000)
    for record, delivery in _all(kafka, codec, DELIVERIES, "Delivery"):
        for copy in delivery["copies"]:
            key = delivery_id(delivery["mail_id"], copy["participant"])
            if key in found and found[key][1] > routing(copy):
                continue
            one = blank(delivery, copy, target, what) if stands(copy) and selected(delivery, copy) else None
            found[key] = (record.partition, routing(copy), None if one is None else {**one, "at_ms": now_ms})
    with closing(Disposed(kafka, codec)) as disposed:
        disposed.catch_up()
        ours = ((partition, one) for partition, _, one in found.values() if one is not None)
        return [(partition, one) for partition, one in ours if disposed.reason(one) is None]


def unfinished(kafka: KafkaSettings, codec: Codec, wanted: Iterable[Receipt]) -> set[bytes]:
    """Those of these copies that the live importer has not finished: without a receipt, or waiting."""
    left = {ident(one) for one in wanted}
    newest: dict[bytes, Receipt] = {}
    for _, receipt in _all(kafka, codec, IMPORTS, "Receipt"):
        key = ident(receipt)
        if key in left and (key not in newest or newest[key]["routing"] <= receipt["routing"]):
            newest[key] = receipt
    return {key for key in left if key not in newest or newest[key]["outcome"] == "waiting"}


def look(
    kafka: KafkaSettings,
    codec: Codec,
    desk: Desk,
    wanted: list[tuple[int, Receipt]],
    what: What,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Looked:
    """Look in the mailboxes for these copies; each item that is appended has a receipt of its own, confirmed.

    HostError when the server or the store is away for long. KafkaError. Blocks.
    """
    done, turn, open_ = Looked(selected=len(wanted)), iter(wanted), 0
    with new_producer(kafka) as producer, desk:
        while done.known < len(wanted):
            for partition, one in islice(turn, AT_A_TIME - open_):
                desk.put(Item(one, partition, unsure=what == "missing"))
                open_ += 1
            results = desk.results()
            open_ -= len(results)
            sent = [_send(kafka, codec, producer, one) for one in results if done.add(one)]
            for future in sent:
                future.get(timeout=60)
            tell(done.known, len(wanted))
            _not_for_ever(desk)
            time.sleep(0.05)
        desk.stop(5.0)
    return done


def _send(kafka: KafkaSettings, codec: Codec, producer: KafkaProducer, result: Done) -> Any:
    one, topic = result.item.blank, kafka.topic(IMPORTS.name)
    if result.landed is None:
        raise ValueError("only what landed has a receipt here")
    value = codec.encode(topic, "Receipt", landed(one, result.landed, int(time.time() * 1000)))
    key = conversation_key(one["connector_uid"], one["conversation"])
    return producer.send(topic, key=key, value=value, partition=result.item.partition)


def _not_for_ever(desk: Desk) -> None:
    trouble = desk.host_trouble
    if trouble is not None and desk.host_trouble_s > PATIENCE_S:
        raise HostError(trouble.kind, trouble.detail)


def _all(kafka: KafkaSettings, codec: Codec, topic: Topic, name: str) -> Iterator[tuple[Read, Any]]:
    with closing(Reader(kafka, topic)) as reader:
        reader.start_at({})
        for record in reader.to_end():
            try:
                decoded = codec.decode(record.value or b"")
            except DecodeError:  # the monitor says it
                continue
            if decoded.name == name:
                yield record, decoded.value
