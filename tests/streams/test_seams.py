"""Drivers that are not those that the worker was built on are refused at the start, with what differs."""

import ast
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.drivers import aiokafka as driver

from schemas.broker import KafkaSettings
from streams import holdback, seams
from streams.app import new_app
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
        (lambda patch: patch.setitem(seams.ATTRIBUTES, plain, ("_fetch_task",)), "plain sets no _fetch_task"),
        (lambda patch: patch.setitem(seams.TESTED, "aiokafka", "0.13."), "was never tested, 0.13 was"),
    ],
    ids=[
        "another parameter",
        "no coroutine",
        "no method",
        "no coordinator",
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
    """Names with an underscore that `holdback.py` reads from something that is not its own `self`."""
    tree = ast.parse(inspect.getsource(holdback))
    own = {name.name for name in ast.walk(tree) if isinstance(name, ast.FunctionDef | ast.AsyncFunctionDef)}
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in found if name.startswith("_") and not name.startswith("__")} - own - {"_seeking"}


def test_all_private_names_that_are_used_are_looked_at() -> None:
    """Whoever reaches for one more adds it to the list."""
    listed = {name for names in (*seams.METHODS.values(), *seams.ATTRIBUTES.values()) for name in names}

    assert len(private_names_of_drivers()) >= 5
    assert private_names_of_drivers() - listed - set(seams.OVERRIDDEN) == set()
