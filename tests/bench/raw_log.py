"""The job's events as records of raw-events, as the LivePerson collector writes them: by polls, each followed by its watermark.

*live*: a poll a minute, and every event in a record of its own, which is the dearest that can come.
*back-fill*: polls of 1,000 events; all new events of a conversation in one poll are one record, if it takes them.
Each event brings its line of JSON along as the source's own words (`raw`).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple, NoReturn

from producers import controls
from producers.lanes import LIVE, Lane, back_fill
from producers.liveperson.events import slice_at
from producers.packing import Origin, pack
from producers.source import Captured
from schemas import codec, ids, records
from schemas.ids import conversation_key
from streams.defaults import default_settings
from tests.bench.corpus import Job

Way = Literal["live", "back-fill"]
UID = "bench"
SOURCE = "liveperson"
SETTINGS = default_settings(UID, SOURCE)
POLL_MS = 60_000  # the default of `poll_seconds`
POLL_EVENTS = 1_000
LATER_MS = 30 * 86_400_000  # a back-fill comes a month after
HOUR_MS = 3_600_000


class Sent(NamedTuple):
    """One record; without a key it goes to every partition."""

    key: bytes | None
    value: bytes


def raw_log(events: Iterable[Job], way: Way) -> Iterator[Sent]:
    """Everything that a collector writes of these events, which come in the order of their times; closes all slices."""
    all_events = list(events)
    begun: dict[str, int] = {}
    for job in all_events:
        begun.setdefault(job["conversation"], job["sent_at"])
    first, last = all_events[0]["sent_at"], all_events[-1]["sent_at"]
    lane = Lane(LIVE, first) if way == "live" else back_fill(first, last + HOUR_MS)
    late = 0 if way == "live" else LATER_MS
    yield _control(controls.lane_opened(UID, lane, SETTINGS, first + late))
    for poll in _polls(all_events, way):
        until = poll[-1]["sent_at"]
        origin = Origin(UID, SOURCE, lane.name, until + late)
        for some in _records_of(poll, way):
            yield from _events(some, begun[some[0]["conversation"]], origin)
        yield _control(controls.watermark(UID, lane.name, until, until + late))
    # Nothing more comes: time goes on until the last conversation is over for good.
    yield _control(controls.watermark(UID, lane.name, last + HOUR_MS, last + HOUR_MS + late))
    if way == "back-fill":
        yield _control(controls.lane_closed(UID, lane, last + HOUR_MS + late))


def _polls(events: list[Job], way: Way) -> Iterator[list[Job]]:
    if way == "live":
        for _, some in groupby(events, key=lambda job: int(job["sent_at"]) // POLL_MS):
            yield list(some)
    else:
        for begin in range(0, len(events), POLL_EVENTS):
            yield events[begin : begin + POLL_EVENTS]


def _records_of(poll: list[Job], way: Way) -> Iterable[list[Job]]:
    if way == "live":
        return ([job] for job in poll)
    by_conversation: dict[str, list[Job]] = defaultdict(list)
    for job in poll:
        by_conversation[job["conversation"]].append(job)
    return by_conversation.values()


def _events(some: list[Job], begun_ms: int, origin: Origin) -> Iterator[Sent]:
    conversation = some[0]["conversation"]
    place = slice_at(conversation, begun_ms, some[0]["sent_at"])
    for record in pack(Captured(place, [_event(job) for job in some]), origin, _too_large):
        yield Sent(conversation_key(UID, conversation), codec.encode("RawEvents", record))


def _event(job: Job) -> records.Event:
    key = job["event_id"]
    kind = "closed" if job["type"] == "close" else "message"
    event = records.event(ids.event_id(UID, key), key, kind, job["sent_at"])
    event["order"], event["raw"] = job["seq"], json.dumps(job, ensure_ascii=False).encode()
    if kind == "message":
        event["text"] = job["text"]
        event["actor"] = records.person(
            job["sender_id"], job["sender_name"], job["sender_email"], job["role"]
        )
    else:
        event["details"] = {"topic": job["topic"]}
        event["people"] = [
            records.person(p["id"], p["name"], p["email"], p["role"]) for p in job["participants"]
        ]
    return event


def _too_large(data: bytes) -> NoReturn:
    raise SystemExit(f"an event of {len(data)} bytes fits no record, and this job has none like that")


def _control(control: records.Control) -> Sent:
    return Sent(None, codec.encode("Control", control))
