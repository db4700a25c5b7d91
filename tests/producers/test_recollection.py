"""Collecting again what is missing: those events and no others, in a lane of its own that is over when it returns."""

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from producers.administer import Administrator
from producers.orders import PausedError
from producers.recollection import NothingCollectedError, Recollection, Sparing
from producers.settings import ConnectorBase
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import ContentRef
from stores.interface import StoreConflictError
from tests.producers.cursors import read_cursors
from tests.producers.log_reader import broken_promises, controls, event_ids, read_log
from tests.producers.small_source import BASE_MS, DAY_MS, UID, SmallSource, made_event
from tests.producers.test_runner_kafka import NOON_MS, SINCE, NoContents, a_runner

pytestmark = pytest.mark.kafka
TUESDAY_MS = BASE_MS + 2 * DAY_MS
LOST = frozenset(range(300, 310))
"""Numbers of events on that day."""


@dataclass
class Forgetful(SmallSource):
    """Does not show some events, as if they had been lost on their way."""

    hidden: frozenset[int] = LOST

    def _shown(self, number: int, now: int) -> bool:
        return number not in self.hidden and super()._shown(number, now)


def times() -> list[int]:
    """An event every ten minutes."""
    return list(range(BASE_MS, NOON_MS, 600_000))


def again(kafka: KafkaSettings) -> Recollection:
    """A recollection from a source that shows everything."""
    connector = ConnectorBase(uid=UID, name="Small", collect=SINCE)
    source = SmallSource(times(), NOON_MS)
    return Recollection(source, connector, kafka, Codec(), Sparing(NoContents()), Waiting(threading.Event()))


def test_what_is_missing_is_sent_in_a_lane_of_its_own(fresh: Callable[..., KafkaSettings]) -> None:
    """The missing events alone, once; the lane is opened, at live's watermark, and closed in every partition; no cursor moves."""
    kafka = fresh()
    assert a_runner(Forgetful(times(), NOON_MS), kafka).once()
    before, cursors = event_ids(read_log(kafka)), read_cursors(kafka, Codec(), UID)
    lost = frozenset(made_event(number, 0)["id"] for number in LOST)
    assert not lost & set(before)

    assert again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, lost) == len(LOST)
    log = read_log(kafka)
    assert sorted(event_ids(log)) == sorted([*before, *lost])
    assert broken_promises(log) == []
    for kind in ("lane_opened", "watermark", "lane_closed"):
        stated = controls(log, kind).values()
        assert {sum(one["lane"].startswith("again-") for one in found) for found in stated} == {1}, kind
    records = [entry.value for some in log.values() for entry in some if entry.name == "RawEvents"]
    lanes = {one["lane"] for one in records if lost & {event["id"] for event in one["events"]}}
    assert {lane.partition("-")[0] for lane in lanes} == {"again"}
    assert read_cursors(kafka, Codec(), UID) == cursors


def test_what_is_not_wanted_is_not_sent(fresh: Callable[..., KafkaSettings]) -> None:
    """Nothing is missing: the lane comes and goes, and no event with it."""
    kafka = fresh()
    assert a_runner(Forgetful(times(), NOON_MS), kafka).once()
    before = event_ids(read_log(kafka))
    assert again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, frozenset()) == 0
    assert event_ids(read_log(kafka)) == before


def test_a_connector_that_is_not_to_collect_does_not(fresh: Callable[..., KafkaSettings]) -> None:
    """Before its first start there is nothing to miss; while it is paused, only resuming brings anything."""
    kafka = fresh()
    with pytest.raises(NothingCollectedError):
        again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, frozenset())
    assert a_runner(Forgetful(times(), NOON_MS), kafka).once()
    connector = ConnectorBase(uid=UID, name="Small", collect=SINCE)
    Administrator(connector, "webex", kafka, Codec(), Waiting(threading.Event())).order("paused")
    with pytest.raises(PausedError):
        again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, frozenset())


def test_a_damaged_file_is_left_as_it_is() -> None:
    """The content store refuses to overwrite: the file is named by its hash, and goes into no event."""

    class Damaged:
        def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
            """Other bytes stand there."""
            b"".join(chunks)
            raise StoreConflictError("_content/x", expected="a", found="b")

    sparing, digest = Sparing(Damaged()), hashlib.sha256(b"a file").digest()
    assert sparing.put([b"a ", b"file"], "text/plain") == {"sha256": digest, "size": 6}
    assert sparing.damaged == {digest}
