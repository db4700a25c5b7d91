"""Giving an order: on record, checked against every hold before it, then in force by a control record in every partition."""

import json
import time
import uuid
from contextlib import closing
from dataclasses import replace

from consumers.disposition.books import GIVEN_AT, Books, DispositionError, Order
from consumers.orders import audit, said, say
from consumers.reading import Reader
from consumers.writing import new_producer
from schemas import dispositions
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.dispositions import Scope
from schemas.records import Audit, Control
from schemas.topics import RAW_EVENTS


def read_books(kafka: KafkaSettings, codec: Codec) -> Books:
    """Orders and holds as they stand now. Blocks; KafkaError."""
    books = Books()
    for one in said(kafka, codec):
        books.see(one)
    return books


def give(kafka: KafkaSettings, codec: Codec, scope: Scope, *, by: str, reason: str) -> Order:
    """Put an order on record; DispositionError where a hold stands before it, and then it is withdrawn. Blocks; KafkaError."""
    name = uuid.uuid4().hex
    say(kafka, codec, [audit(
        name, dispositions.KIND, at_ms=_now(), connector_uid=scope.connector_uid, conversation=scope.conversation,
        slice=scope.slice, from_ms=scope.from_ms, before_ms=scope.before_ms, excluded=sorted(scope.excluded), by=by,
        reason=reason, details=_limit(scope),
    )])  # fmt: skip
    order = read_books(kafka, codec).orders[name]
    order.is_new = True
    demand_free(kafka, codec, order)
    return order


def demand_free(kafka: KafkaSettings, codec: Codec, order: Order) -> None:
    """Withdraw an order that a hold stood before; DispositionError that names it."""
    if not order.held_by:
        return
    say(kafka, codec, [step(order, "withdrawn", reason="a legal hold stands before it")])
    raise refusal(order.held_by[0])


def refusal(hold: Audit) -> DispositionError:
    """The sentence for whoever gives an order that this hold stands against."""
    return DispositionError(
        f"on hold by {hold['by']} ({hold['reason']}), hold {hold['order'][:8]}: nothing is disposed of. "
        f"`chatledger hold release {hold['order'][:8]} --by … --reason …` ends the hold"
    )


def pass_holds(kafka: KafkaSettings, codec: Codec, order: Order) -> None:
    """Note in topic audit that the next step comes; DispositionError, and the order is withdrawn, if a hold stands before that.

    The note stands between what a hold still stops and what it doesn't, so no clock decides. Blocks; KafkaError.
    """
    say(kafka, codec, [step(order, dispositions.CHECKED)])
    demand_free(kafka, codec, read_books(kafka, codec).orders[order.name])


def put_in_force(kafka: KafkaSettings, codec: Codec, order: Order, *, late: bool = False) -> None:
    """A control record in every partition of raw-events, and their positions on record. A repeat moves the order to later ones.

    `late`: it was given long ago, and says where the log ended then: what came since is not named. Blocks; KafkaError;
    DispositionError where the configuration has another number of partitions than the topic.
    """
    topic, count = kafka.topic(RAW_EVENTS.name), kafka.partitions
    with closing(Reader(kafka, RAW_EVENTS)) as reader:
        found = len(reader.ends())
        order.given_at = reader.positions_at(order.said["at_ms"]) if late else {}
    if found != count:  # an order that is in force in some partitions only would be half an order
        raise DispositionError(f"{topic} has {found} partitions, the configuration says {count}")
    with new_producer(kafka) as producer:
        sent = [
            producer.send(
                topic, value=codec.encode(topic, "Control", _control(order, number)), partition=number
            )
            for number in range(count)
        ]
        order.positions = {number: int(future.get(timeout=60).offset) for number, future in enumerate(sent)}
    positions = {str(number): str(at) for number, at in order.positions.items()}
    since = {GIVEN_AT: json.dumps(order.given_at)} if late else {}
    say(kafka, codec, [step(order, "in_force", details=positions | since)])


def step(
    order: Order, kind: str, *, reason: str = "", mails: bytes = b"", details: dict[str, str] | None = None
) -> Audit:
    """A record of how far an order is."""
    scope = order.scope
    return audit(
        order.name, kind, at_ms=_now(), connector_uid=scope.connector_uid, conversation=scope.conversation, slice=scope.slice,
        reason=reason, mails=mails, details=details,
    )  # fmt: skip


def _control(order: Order, partition: int) -> Control:
    scope = replace(order.scope, below=order.given_at.get(partition))
    return {
        "connector_uid": order.scope.connector_uid, "kind": dispositions.KIND, "lane": "", "from_ms": None, "to_ms": None,
        "watermark_ms": None, "settings": None, "recorded_at_ms": _now(), "details": scope.details(order.name),
    }  # fmt: skip


def _limit(scope: Scope) -> dict[str, str]:
    """What an audit record has no field for."""
    limit = scope.captured_before_ms
    return {} if limit is None else {dispositions.CAPTURED: str(limit)}


def _now() -> int:
    return int(time.time() * 1000)
