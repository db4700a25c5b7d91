"""What we use of Faust, aiokafka and kafka-python without being promised it: looked at before a worker starts.

Another version may rename any of it. Nothing of ours would be called then, or only when it is too late: so a worker
refuses to start on drivers that are not those that it was tested with.
"""

import inspect
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.structs import RecordMetadata
from faust.transport.consumer import ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from kafka import KafkaProducer
from kafka.producer.sender import Sender

TESTED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.", "kafka-python": "3."}
"""Beginnings of versions, as in pyproject.toml."""

OVERRIDDEN: dict[str, tuple[Any, int]] = {
    "_commit": (driver.Consumer, 2),
    "seek_to_committed": (driver.Consumer, 1),
    "force_commit": (driver.Consumer, 3),
}
"""Coroutines that Faust calls and ours replace, with the number of their parameters."""

METHODS: dict[Any, tuple[str, ...]] = {
    driver.Producer: ("_settings_extra",),
    faust.App: ("_new_transport", "_new_producer"),
    AIOKafkaConsumer: ("assignment", "commit", "seek", "beginning_offsets", "end_offsets"),
    AIOKafkaClient: ("force_metadata_update", "fetch_all_metadata"),
    RecordMetadata: ("topic", "partition", "offset"),
    Sender: ("force_close",),
    faust.Stream: ("noack", "noack_take", "ack"),
    ThreadDelegateConsumer: ("highwater",),
    GroupCoordinator: ("fetch_committed_offsets", "check_errors"),
    driver.AIOKafkaConsumerThread: ("call_thread", "crash"),
}

ATTRIBUTES: dict[Any, tuple[str, ...]] = {
    ThreadDelegateConsumer.__init__: ("_thread",),
    driver.AIOKafkaConsumerThread.on_start: ("_consumer",),
    AIOKafkaConsumer.__init__: ("_client", "_coordinator", "_fetcher", "_closed"),
    AIOKafkaConsumer.start: ("_coordinator", "_fetcher"),
    Fetcher.__init__: ("_fetch_task",),
    KafkaProducer.__init__: ("_sender",),
}
"""Names that these functions set on their objects."""


class SeamError(RuntimeError):
    """The installed drivers are not those that the worker's safety was built and tested on."""


def check_seams() -> None:
    """SeamError naming everything that is not as it was."""
    found = list(faults())
    if found:
        msg = f"{'; '.join(found)}: install what uv.lock says (make setup), a worker on these could lose records"
        raise SeamError(msg)


def faults() -> Iterator[str]:
    """What is not as it was, a phrase each."""
    for name, tested in TESTED.items():
        if not version(name).startswith(tested):
            yield f"{name} {version(name)} was never tested, {tested.rstrip('.')} was"
    for name, (owner, count) in OVERRIDDEN.items():
        theirs = getattr(owner, name, None)
        if not inspect.iscoroutinefunction(theirs) or len(inspect.signature(theirs).parameters) != count:
            yield f"{owner.__name__}.{name} is no coroutine with {count} parameters any more"
    for owner, names in METHODS.items():
        yield from (f"{owner.__name__}.{name} is gone" for name in names if not hasattr(owner, name))
    for function, names in ATTRIBUTES.items():
        used = function.__code__.co_names
        yield from (f"{function.__qualname__} sets no {name} any more" for name in names if name not in used)
