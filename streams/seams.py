"""What we use of Faust, aiokafka and kafka-python without being promised it: looked at before a worker starts.

Another version may rename any of it. Nothing of ours would be called then, or only when it is too late: so a worker
refuses to start on drivers that are not those that it was tested with.
"""

import inspect
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.structs import RecordMetadata
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer, ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import Message
from kafka import KafkaProducer
from kafka.producer.sender import Sender
from mode.utils.queues import FlowControlEvent

TESTED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.", "kafka-python": "3."}
"""Beginnings of versions, as in pyproject.toml."""

COROUTINE, GENERATOR, FUNCTION = "coroutine", "async generator", "plain function"
KINDS: dict[str, Callable[[Any], bool]] = {
    COROUTINE: inspect.iscoroutinefunction,
    GENERATOR: inspect.isasyncgenfunction,
    FUNCTION: lambda one: inspect.isfunction(one) and not inspect.iscoroutinefunction(one),
}
OVERRIDDEN: dict[str, tuple[Any, str, int]] = {
    "_commit": (driver.Consumer, COROUTINE, 2),
    "seek_to_committed": (driver.Consumer, COROUTINE, 1),
    "force_commit": (driver.Consumer, COROUTINE, 3),
    "getmany": (driver.Consumer, GENERATOR, 2),
    "resume_flow": (driver.Consumer, FUNCTION, 1),
    "ack": (driver.Consumer, FUNCTION, 2),
    "verify_event_path": (driver.Consumer, FUNCTION, 3),
}
"""What Faust calls and ours replaces, with its kind and the number of its parameters."""

METHODS: dict[Any, tuple[str, ...]] = {
    driver.Producer: ("_settings_extra",),
    AIOKafkaConsumer: ("assignment", "commit", "seek", "beginning_offsets", "end_offsets"),
    AIOKafkaClient: ("force_metadata_update", "fetch_all_metadata"),
    RecordMetadata: ("topic", "partition", "offset"),
    Sender: ("force_close",),
    faust.Stream: ("noack", "ack", "current_event"),
    ThreadDelegateConsumer: (
        "highwater",
        "perform_seek",
        "_get_active_partitions",
        "_waiting_for_ack",
        "flow_active",
    ),
    faust.App: ("_new_transport", "_new_producer", "flow_control", "consumer_generation_id"),
    FlowControlEvent: ("is_active",),
    GroupCoordinator: ("fetch_committed_offsets", "check_errors"),
    driver.AIOKafkaConsumerThread: ("call_thread", "crash", "_fetch_records"),
}

ATTRIBUTES: dict[Any, tuple[str, ...]] = {
    ThreadDelegateConsumer.__init__: ("_thread",),
    Consumer.__init__: ("_read_offset", "_unacked_messages", "can_resume_flow"),
    Consumer._drain_messages: ("getmany", "_read_offset"),  # noqa: SLF001 - what uses ours
    Recovery._resume_streams: ("flow_control", "perform_seek", "resume_flow"),  # noqa: SLF001 - what calls ours
    Message.__init__: ("topic", "offset", "value", "acked", "tp", "generation_id"),
    driver.AIOKafkaConsumerThread.on_start: ("_consumer",),
    AIOKafkaConsumer.__init__: ("_client", "_coordinator", "_fetcher", "_closed"),
    AIOKafkaConsumer.start: ("_coordinator", "_fetcher"),
    Fetcher.__init__: ("_fetch_task",),
    KafkaProducer.__init__: ("_sender",),
}
"""Names that these functions set on their objects, or use."""


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
    for name, (owner, kind, count) in OVERRIDDEN.items():
        theirs: Any = getattr(owner, name, None)
        if not KINDS[kind](theirs) or len(inspect.signature(theirs).parameters) != count:
            yield f"{owner.__name__}.{name} is no {kind} with {count} parameters any more"
    for owner, names in METHODS.items():
        yield from (f"{owner.__name__}.{name} is gone" for name in names if not hasattr(owner, name))
    for function, names in ATTRIBUTES.items():
        used = function.__code__.co_names
        yield from (f"{function.__qualname__} sets no {name} any more" for name in names if name not in used)
