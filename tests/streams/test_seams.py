"""Drivers that are not those that the worker was built on are refused at the start, with what differs."""

import ast
import inspect
from collections.abc import Callable
from typing import Any

import faust
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.drivers import aiokafka as driver
from mode.utils.queues import FlowControlEvent

from schemas import clients
from schemas.broker import KafkaSettings
from streams import agents, fetching, holdback, readback, reporting, seams
from streams.app import new_app
from streams.replay import log as replay_log
from streams.seams import SeamError, check_seams
from streams.settings import WorkerSettings

KAFKA = KafkaSettings(bootstrap="nowhere.invalid:1", partitions=3)


async def one_more(self: Any, offsets: Any, more: Any) -> bool:
    """A `_commit` of another version."""
    return bool(offsets and more)


def plain(self: Any) -> None:
    """A `seek_to_committed` that nobody awaits, or a constructor that sets nothing."""


def test_the_installed_drivers_are_the_tested_ones() -> None:
    """Nothing to say, and a worker's app can be made."""
    check_seams()
    new_app(KAFKA, WorkerSettings())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda patch: patch.setattr(driver.Consumer, "_commit", one_more), "Consumer._commit is no"),
        (lambda patch: patch.setattr(driver.Consumer, "seek_to_committed", plain), "seek_to_committed is no"),
        (lambda patch: patch.delattr(driver.Producer, "_settings_extra"), "_settings_extra is gone"),
        (
            lambda patch: patch.delattr(GroupCoordinator, "fetch_committed_offsets"),
            "committed_offsets is gone",
        ),
        (lambda patch: patch.setattr(driver.Consumer, "getmany", one_more), "getmany is no async generator"),
        (lambda patch: patch.setattr(driver.Consumer, "ack", one_more), "ack is no plain function with 2"),
        (lambda patch: patch.delattr(faust.Stream, "noack"), "Stream.noack is gone"),
        (
            lambda patch: patch.delattr(driver.AIOKafkaConsumerThread, "_fetch_records"),
            "_fetch_records is gone",
        ),
        (lambda patch: patch.delattr(FlowControlEvent, "is_active"), "FlowControlEvent.is_active is gone"),
        (lambda patch: patch.delattr(AIOKafkaClient, "fetch_all_metadata"), "fetch_all_metadata is gone"),
        (lambda patch: patch.setitem(seams.ATTRIBUTES, plain, ("_fetch_task",)), "plain sets no _fetch_task"),
        (lambda patch: patch.setitem(seams.TESTED, "aiokafka", "0.13."), "was never tested, 0.13 was"),
    ],
    ids=[
        "another parameter",
        "no coroutine",
        "no method",
        "no coordinator",
        "no generator",
        "a coroutine",
        "no manual acknowledgement",
        "no fetch",
        "no flow",
        "no metadata",
        "no attribute",
        "another version",
    ],
)
def test_a_worker_does_not_start_on_others(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], said: str
) -> None:
    """Each difference is named."""
    change(monkeypatch)

    with pytest.raises(SeamError, match=said):
        new_app(KAFKA, WorkerSettings())


def private_names_of_drivers() -> set[str]:
    """Names with an underscore that our shells of Kafka read from something that is not their own `self`."""
    found = set[str]()
    for module in (holdback, fetching, agents, readback, reporting, replay_log, clients):
        tree = ast.parse(inspect.getsource(module))
        own = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        named = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        own |= {node.attr for node in named if isinstance(node.ctx, ast.Store)}
        found |= {node.attr for node in named if node.attr[0] == "_" and node.attr[:2] != "__"} - own
    return found


def test_all_private_names_that_are_used_are_looked_at() -> None:
    """Whoever reaches for one more adds it to the list."""
    listed = {name for names in (*seams.METHODS.values(), *seams.ATTRIBUTES.values()) for name in names}

    assert len(private_names_of_drivers()) >= 5
    assert private_names_of_drivers() - listed - set(seams.OVERRIDDEN) == set()
