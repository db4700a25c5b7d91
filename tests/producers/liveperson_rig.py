"""What the LivePerson tests share: rows made by hand, a content store in memory, a simulated account."""

import hashlib
import json
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from producers.liveperson.collector import SETTLE_MS, LivePersonSource
from producers.liveperson.settings import LivePersonSettings
from producers.liveperson.spans import Row, page_of
from producers.runner import Runner
from producers.source import Captured, Refused, Slice, Window
from producers.waiting import Waiting
from sandbox.liveperson.model import ACCOUNT, MONDAY_MS
from sandbox.liveperson.server import Options, application
from sandbox.simulation import background
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import ContentRef, Event
from tests.producers.cursors import read_cursors

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
HISTORY = "messaging_history"
SEARCH = r"conversations/search"
BY_ID = r"conversation/search"
START_MS = 1_772_632_931_318
CONVERSATION = "3f0c7d52-8a1e-4c36-9b07-5d2f6e8a4c11"
CONSUMER = "9b1d64c2f7a05e83d1c94b6f20ea7358b46d90c1f2a87e53609bd14fc8e72a05"
SECRETS = {"TEST_LP_SECRET": "sim-client-secret", "TEST_LP_FILES": "sim-file-key"}
OAUTH1 = {"key": "sim-app-key", "secret": "sim-app-secret", "token": "sim-access-token",
          "token_secret": "sim-access-token-secret"}  # fmt: skip


class Memory:
    """A content store in memory."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}

    def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
        """Keep the bytes."""
        body = b"".join(chunks)
        digest = hashlib.sha256(body).digest()
        self.held[digest] = body
        return {"sha256": digest, "size": len(body)}

    def has(self, content: ContentRef) -> bool:
        """Whether it is kept."""
        return content["sha256"] in self.held


def said(number: int, text: str, minute: float = 0, **more: Any) -> dict[str, Any]:
    """A message record of the consumer."""
    return {
        "type": "TEXT_PLAIN",
        "messageData": {"msg": {"text": text}},
        "messageId": f"ms::dialog:{CONVERSATION}::msg:{number}",
        "audience": "ALL",
        "seq": number,
        "dialogId": CONVERSATION,
        "participantId": CONSUMER,
        "timeL": START_MS + round(minute * 60_000) + number,
        "sentBy": "Consumer",
        **more,
    }


def record(*messages: object, closed_at: int | None = None, **sections: Any) -> dict[str, Any]:
    """A history row; open unless `closed_at` (ms) says when it ended."""
    status = "OPEN" if closed_at is None else "CLOSE"
    info = {
        "conversationId": CONVERSATION,
        "startTimeL": START_MS,
        "status": status,
        "fullDialogStatus": status,
        "fullDialogEndTimeL": closed_at or -1,
        "isPartial": False,
        **sections.pop("info", {}),
    }
    consumer = {
        "participantId": CONSUMER,
        "firstName": "Priya",
        "lastName": "Raman",
        "email": "priya@example.org",
    }
    return {"info": info, "messageRecords": list(messages), "consumerParticipants": [consumer], **sections}


def body_of(*records: object, count: int | None = None, **dumping: Any) -> bytes:
    """An answer of the history with these rows."""
    metadata = {"count": len(records) if count is None else count}
    answer = {"_metadata": metadata, "conversationHistoryRecords": list(records)}
    return json.dumps(answer, **dumping).encode("utf-8", "surrogatepass")


def row_of(shown: object) -> Row:
    """A row as the collector sees it."""
    return page_of(body_of(shown)).rows[0]


@dataclass
class Collected:
    """What came of polling."""

    events: list[tuple[Slice, Event]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def take(self, yielded: Iterable[Captured | Refused]) -> int:
        """Add what a poll yields; gives the number of events."""
        before = len(self.events)
        for each in yielded:
            if isinstance(each, Refused):
                self.refused.append(each)
            else:
                assert len(each.events) <= 300
                self.events += [(each.slice, event) for event in each.events]
        return len(self.events) - before

    @property
    def ids(self) -> set[bytes]:
        """Ids of all events."""
        return {event["id"] for _, event in self.events}

    def kinds(self) -> dict[str, int]:
        """How many events of each kind."""
        found: dict[str, int] = {}
        for _, event in self.events:
            found[event["kind"]] = found.get(event["kind"], 0) + 1
        return found


@dataclass
class Account:
    """A simulated account that runs."""

    url: str
    state_dir: Path
    contents: Memory = field(default_factory=Memory)

    def settings(self, **more: Any) -> LivePersonSettings:
        """Settings for it, by OAuth 2 unless told otherwise; tries are quick."""
        auth = {"method": "oauth2", "client_id": "sim-client-id", "client_secret": {"env": "TEST_LP_SECRET"}}
        base: dict[str, Any] = {
            "uid": "lp",
            "name": "LivePerson",
            "kind": "liveperson",
            "account_id": ACCOUNT,
            "domain_url": self.url,
            "auth": auth,
            "files": {"user": "sim-file-user", "key": {"env": "TEST_LP_FILES"}},
            "calls": {"first_wait_seconds": 0.01, "longest_wait_seconds": 1.0, "retry_seconds": 0.5, "timeout_seconds": 5},
        }  # fmt: skip
        return LivePersonSettings.model_validate(base | more)

    @contextmanager
    def source(self, state: str | None = "{}", **more: Any) -> Iterator[LivePersonSource]:
        """A source for it; `state` is what a cursor says, None for no cursor."""
        source = LivePersonSource(self.settings(**more), self.contents, self.state_dir)
        try:
            if state is not None:
                source.restore(state)
            yield source
        finally:
            source.close()

    def control(self, path: str, document: object = None) -> Any:
        """Speak to the simulator's control API."""
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            f"{self.url}/_sim/{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def advance(self, ms: int) -> None:
        """Move its clock."""
        self.control("clock", {"advance_ms": ms})

    def faults(self, *rules: dict[str, Any], **switches: Any) -> None:
        """Order faults."""
        self.control("faults", {"rules": list(rules), "switches": switches})

    def requests(self, part: str) -> list[dict[str, Any]]:
        """Answered requests whose path has this part."""
        return [each for each in self.control("requests") if part in each["path"]]


@contextmanager
def account(state_dir: Path, options: Options | None = None) -> Iterator[Account]:
    """A simulated account on a free port of the loopback."""
    with background(application(options)) as url:
        yield Account(url, state_dir)


def collect(account: Account, kafka: KafkaSettings, kind: type[LivePersonSource] = LivePersonSource) -> int:
    """One life of a collector of this account, from 4 March up to now; gives how many events its lanes have counted."""
    settings = account.settings(collect={"since": "2026-03-04", "poll_seconds": 0.05, "window_hours": 240})
    source = kind(settings, account.contents, account.state_dir)
    try:
        assert Runner(source, settings, kafka, account.contents, Waiting(threading.Event())).once()
    finally:
        source.close()
    return sum(lane.counters["events"] for lane in read_cursors(kafka, Codec(), settings.uid).values())


def week(source: LivePersonSource, sim: Account, step_ms: int = DAY_MS, days: int = 8) -> Collected:
    """Play the simulated week, polling after every step."""
    found, watermark = Collected(), MONDAY_MS - DAY_MS
    for _ in range(days * DAY_MS // step_ms):
        sim.advance(step_ms)
        to_ms = source.now_ms() - source.settle_ms
        found.take(source.poll(Window("live", watermark - 900_000, to_ms)))
        source.confirmed()
        watermark = to_ms
    return found


def once(
    sim: Account, source: LivePersonSource, lane: str = "live", from_ms: int = MONDAY_MS - DAY_MS
) -> Collected:
    """One poll of everything so far, confirmed."""
    found = Collected()
    found.take(source.poll(Window(lane, from_ms, source.now_ms() - SETTLE_MS)))
    source.confirmed()
    return found


def missing(collected: Collected, ledger: list[dict[str, Any]]) -> list[str]:
    """What the simulator showed (messages, edits, cards, file names, hidden marks) and no event says."""
    shown: dict[tuple[str, str], str] = {}
    for place, event in collected.events:
        names = " ".join(each["name"] or "" for each in event["attachments"])
        key = (place.conversation, event["source_key"])
        shown[key] = f"{shown.get(key, '')}\n{event['text'] or ''}\n{names}"
    lacking = []
    for entry in ledger:
        if entry["kind"] in ("message", "edit"):
            has = shown.get((entry["conversation"], entry.get("target", entry["id"])), "")
            wanted = [entry.get("text", ""), *entry.get("texts", []), entry.get("file_name", "")]
            lacking += [text for text in wanted if text not in has]
    return lacking
