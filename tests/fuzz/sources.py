"""One round against a spoiled source: the real collector with the real runner on the real Kafka, then both stages."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import stamina

from producers.contents import StoreContents
from producers.liveperson.collector import LivePersonSource
from producers.runner import Runner
from producers.source import Source, SourceRefusedError
from producers.waiting import Waiting
from producers.webex.collector import WebexSource
from producers.webex.tokens import TokenFile, Tokens
from sandbox.liveperson.model import MONDAY_MS
from sandbox.liveperson.server import Options, application
from sandbox.simulation import background
from sandbox.webex.server import make_app
from sandbox.webex.tokens import FIRST_REFRESH_TOKEN
from schemas.broker import KafkaSettings
from schemas.topics import DEAD_LETTERS, RAW_EVENTS
from stores.folder import FolderStore
from tests.fuzz.found import Found, read_mails
from tests.fuzz.front import Front, Mix
from tests.fuzz.watch import Watch
from tests.producers.liveperson_rig import DAY_MS, Account
from tests.producers.log_reader import read_raw
from tests.producers.webex_rig import settings as webex_settings
from tests.streams.doubles import Bench
from tests.streams.logs import control

COLLECT = {"since": "2026-03-01", "poll_seconds": 0.05, "window_hours": 480}
Open = Callable[[StoreContents, threading.Event], Source]


@dataclass
class Round:
    """What came of one round."""

    front: Front
    found: Found = field(default_factory=Found)
    mails: int = 0
    refused_turns: int = 0


@dataclass(frozen=True)
class Place:
    """Where a round happens."""

    seed: str
    folder: Path
    kafka: KafkaSettings
    watch: Watch
    scale: int = 0


def webex(place: Place, mix: Mix) -> Round:
    """A week of Webex, seen from the Tuesday after."""
    now = datetime(2026, 3, 10, tzinfo=UTC) + timedelta(hours=3)
    front = Front(place.seed, mix, ("/v1/events",), "items", ("/access_token", "/contents/", "/people/me"))
    app = front.put_before(make_app(now=now, scale=place.scale, faults={"switches": {"retry_after_s": 0}}))
    with stamina.set_testing(True, attempts=20), background(app) as url:
        given = webex_settings(url, place.folder, collect=COLLECT, retry_seconds=3, page_size=50)
        TokenFile(given.token_file).save(Tokens(refresh_token=FIRST_REFRESH_TOKEN))
        return _collected(
            place, front, given, lambda contents, stop: WebexSource(given, contents, place.folder, stop=stop)
        )


def liveperson(place: Place, mix: Mix) -> Round:
    """A week of LivePerson, seen from the day after."""
    front = Front(
        place.seed, mix, ("/conversations/search", "/conversation/search"), "conversationHistoryRecords", ("/files", "/storage")
    )  # fmt: skip
    app = front.put_before(application(Options(scale=place.scale, now_ms=MONDAY_MS + 9 * DAY_MS)))
    with stamina.set_testing(True, attempts=8), background(app) as url:
        given = Account(url, place.folder).settings(collect=COLLECT)
        return _collected(
            place, front, given, lambda contents, _stop: LivePersonSource(given, contents, place.folder)
        )


def _collected(place: Place, front: Front, given: Any, open_source: Open) -> Round:
    made = Round(front)
    bench = Bench(place.folder)
    stop = threading.Event()

    def collect() -> None:
        with _contents(bench, stop) as (contents, waiting):
            source = open_source(contents, stop)
            try:
                while not _one_life(source, given, place.kafka, contents, waiting):
                    made.refused_turns += 1
            finally:
                source.close()

    place.watch.over(f"{place.seed}: collector", collect, stop.set)
    _through_the_stages(place, bench, given.uid)
    place.watch.over(
        f"{place.seed}: stages", lambda: [bench.flow(number) for number in range(place.kafka.partitions)]
    )
    for letter in [*_letters(place.kafka, bench), *bench.letters()]:
        made.found.add_letter(_value(bench, letter))
    made.mails = read_mails(bench.folder / "archive", made.found)
    return made


def _one_life(
    source: Source, given: Any, kafka: KafkaSettings, contents: StoreContents, waiting: Waiting
) -> bool:
    """Up to now; False if the source said no, which `run` waits out and `once` tells its caller."""
    try:
        return Runner(source, given, kafka, contents, waiting).once()
    except SourceRefusedError:
        waiting.check()
        return False


@contextlib.contextmanager
def _contents(bench: Bench, stop: threading.Event) -> Iterator[tuple[StoreContents, Waiting]]:
    waiting = Waiting(stop)
    contents = StoreContents(lambda: FolderStore(bench.folder / "archive", durable=False), waiting)
    try:
        yield contents, waiting
    finally:
        contents.close()


def _through_the_stages(place: Place, bench: Bench, uid: str) -> None:
    """What the collector wrote, and a last watermark that closes what is open."""
    for number, records in read_raw(place.kafka, RAW_EVENTS.name).items():
        for key, value in records:
            bench.log.add(RAW_EVENTS, value, number, key)
        bench.add("Control", control(uid, "watermark", "live", 2**62), number)


def _letters(kafka: KafkaSettings, bench: Bench) -> list[Any]:
    return [bench.codec.decode(value).value for _, value in read_raw(kafka, DEAD_LETTERS.name)[0]]


def _value(bench: Bench, letter: Any) -> bytes:
    if letter["value_ref"] is None:
        return bytes(letter["value"])
    sha256 = letter["value_ref"]["sha256"].hex()
    return next((bench.folder / "archive" / "_content").rglob(f"*{sha256}*")).read_bytes()
