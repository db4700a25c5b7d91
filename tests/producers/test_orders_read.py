"""Orders as they are written and read, whoever writes beside them."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest
from kafka import KafkaProducer

from producers.cursor import CursorError
from producers.lanes import LIVE
from producers.orders import DeletedError, Order, Orders, PausedError, from_record, to_record
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from tests.producers.cursors import read_cursors
from tests.producers.log_reader import controls, read_log
from tests.producers.order_rig import order
from tests.producers.small_source import UID
from tests.producers.test_runner_kafka import a_runner, hourly

pytestmark = pytest.mark.usefixtures("looks_often")


def test_an_order_outlives_a_collector_that_writes_late(fresh: Callable[..., KafkaSettings]) -> None:
    """A cursor from a zombie, newer than the order, does not take it back, and a resume opens the lanes in the log."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    late = read_cursors(kafka, Codec(), UID)[LIVE]
    order(kafka, "paused")
    zombie = a_runner(source, kafka)
    zombie._sink.open()
    zombie._desk.cursor(replace(late, opened=True))
    zombie._end()
    with pytest.raises(PausedError):
        a_runner(source, kafka).once()
    order(kafka, "active")
    a_runner(source, kafka).once()
    assert len([each for each in controls(read_log(kafka), "lane_opened")[0] if each["lane"] == LIVE]) == 2


def test_an_order_can_be_given_before_anything_was_collected(fresh: Callable[..., KafkaSettings]) -> None:
    """Nothing is written to the ledger then; a uid can be used up unused."""
    kafka = fresh()
    order(kafka, "paused")
    order(kafka, "deleted")
    assert not any(read_log(kafka).values())
    with pytest.raises(DeletedError):
        a_runner(hourly(), kafka).once()


def test_orders_are_read_as_they_are_written() -> None:
    """And what is none is an error, not a permission."""
    made = to_record(UID, Order("paused", 5))
    assert from_record(made) == Order("paused", 5)
    for bad in ("{}", "[]", "no json", '{"order": "gone"}'):
        with pytest.raises(CursorError):
            from_record({**made, "state": bad})


def test_a_busy_topic_keeps_nobody_looking(fresh: Callable[..., KafkaSettings]) -> None:
    """Others write cursors all the time: a look ends, and finds what was ordered before it."""
    kafka, started, done = fresh(), threading.Event(), threading.Event()

    def write() -> None:
        with closing(KafkaProducer(**kafka.client_kwargs(), linger_ms=0)) as producer:
            until_s = time.monotonic() + 12
            while time.monotonic() < until_s and not done.wait(0.01):
                producer.send(kafka.topic("cursors"), key=b"other/live", value=b"").get(10)
                started.set()

    with closing(Orders(kafka, Codec(), UID)) as orders:
        orders.read()
        order(kafka, "paused")
        busy = threading.Thread(target=write)
        busy.start()
        assert started.wait(20)
        began = time.monotonic()
        assert orders.look().what == "paused"
        took_s = time.monotonic() - began
        done.set()
        busy.join()
    assert took_s < 4
