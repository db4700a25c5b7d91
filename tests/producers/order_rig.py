"""Orders to a collector that runs, and what came of them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from producers.administer import Administrator
from producers.orders import Ordered, OrderError
from producers.settings import CollectSettings, ConnectorBase
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from tests.producers.log_reader import Entry
from tests.producers.small_source import UID, SmallSource
from tests.producers.test_runner_kafka import HOUR_MS, SINCE, a_runner, statuses
from tests.streams.oracle import oracle

LIVE_STATUS = f"{UID}/collector/live".encode()
STALL_MS = 48 * HOUR_MS


def order(kafka: KafkaSettings, what: Ordered, uid: str = UID) -> None:
    """What the command does."""
    connector = ConnectorBase(uid=uid, name="Small", collect=SINCE)
    Administrator(connector, "webex", kafka, Codec(), Waiting(threading.Event())).order(what)


@contextmanager
def running(
    source: SmallSource, kafka: KafkaSettings, collect: CollectSettings = SINCE
) -> Iterator[list[BaseException]]:
    """A collector in the background; what it raised is in the list at the end."""
    stop, raised = threading.Event(), list[BaseException]()
    runner = a_runner(source, kafka, collect, waiting=Waiting(stop))

    def run() -> None:
        try:
            runner.run()
        except OrderError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield raised
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def until(holds: Callable[[], object], timeout_s: float = 20) -> None:
    """Return when it holds."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def state(kafka: KafkaSettings) -> str:
    """What live says of itself."""
    return str(statuses(kafka).get(LIVE_STATUS, {}).get("state"))


def mails(log: dict[int, list[Entry]]) -> set[bytes]:
    """Ids of all events that this log makes mails of."""
    found = (oracle([*map(tuple, entries)], grace_ms=0, stall_ms=STALL_MS) for entries in log.values())
    return {ident for each in found for mail in each for ident in mail[2]}
