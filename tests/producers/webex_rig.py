"""A simulated Webex and a source that reads it, for the tests of the Webex collector."""

import contextlib
import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import stamina

from producers.source import Captured, Refused, Source, Window
from producers.webex.collector import WebexSource
from producers.webex.settings import WebexSettings
from producers.webex.tokens import TokenFile, Tokens
from sandbox.simulation import background
from sandbox.webex.server import make_app
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET, FIRST_REFRESH_TOKEN
from schemas.records import ContentRef, Event

DAY_MS = 86_400_000
NEXT_MONDAY = datetime(2026, 3, 9, tzinfo=UTC)


class Shelf:
    """A content store in memory."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}
        self.types: dict[bytes, str] = {}

    def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
        """Keep these bytes."""
        body = b"".join(chunks)
        key = hashlib.sha256(body).digest()
        self.kept[key], self.types[key] = body, content_type
        return {"sha256": key, "size": len(body)}

    def has(self, content: ContentRef) -> bool:
        """Whether they are kept."""
        return content["sha256"] in self.kept


@dataclass
class Rig:
    """One simulation with a source; `take` polls, everything yielded is in `items`."""

    url: str
    folder: Path
    settings: WebexSettings
    shelf: Shelf = field(default_factory=Shelf)
    items: list[Captured | Refused] = field(default_factory=list)

    stop: threading.Event = field(default_factory=threading.Event)

    def source(self) -> Source:
        """A new source over the same token file and cache."""
        return WebexSource(self.settings, self.shelf, self.folder, stop=self.stop)

    def sim(self, path: str, body: object = None) -> Any:
        """Talk to the simulation's control."""
        url = f"{self.url}/_sim/{path}"
        return (
            requests.get(url, timeout=10) if body is None else requests.post(url, json=body, timeout=10)
        ).json()

    def take(self, source: Source, days: float = 7) -> list[Event]:
        """Poll the last so many days, confirm, and return the events."""
        now = source.now_ms()
        got = list(source.poll(Window("live", now - int(days * DAY_MS), now)))
        source.confirmed()
        self.items += got
        return events_of(got)

    def ledger(self, *kinds: str) -> list[dict[str, Any]]:
        """What the simulation has shown, of these kinds."""
        return [each for each in self.sim("ledger") if each["kind"] in kinds]


def events_of(items: Iterable[Captured | Refused]) -> list[Event]:
    """All events of what a poll yielded."""
    return [event for each in items if isinstance(each, Captured) for event in each.events]


def settings(url: str, folder: Path, **more: Any) -> WebexSettings:
    """A connector that reads a simulation, quick to give up."""
    secret = folder / "secret"
    secret.write_text(CLIENT_SECRET, encoding="ascii")
    given: dict[str, Any] = {
        "uid": "wx", "name": "Webex", "kind": "webex", "base_url": f"{url}/v1", "client_id": CLIENT_ID,
        "client_secret": {"file": secret}, "token_file": folder / "tokens.json", "retry_seconds": 20,
        "redirect_uri": "http://127.0.0.1:0/callback", "threads": "event",
    }  # fmt: skip
    return WebexSettings(**given | more)


@contextlib.contextmanager
def rig(
    folder: Path,
    *,
    rules: Iterable[object] = (),
    switches: Mapping[str, object] | None = None,
    waits: bool = False,
    now: datetime = NEXT_MONDAY,
    scale: int = 0,
    **more: Any,
) -> Iterator[Rig]:
    """A simulation of the base week, seen from the Monday after, with a refresh token that is good once.

    Without `waits`, retries follow each other at once.
    """
    faults = {"rules": list(rules), "switches": {"retry_after_s": 0} | dict(switches or {})}
    hurried = contextlib.nullcontext() if waits else stamina.set_testing(True, attempts=20)
    with hurried, background(make_app(now=now, scale=scale, faults=faults)) as url:
        made = Rig(url, folder, settings(url, folder, **more))
        TokenFile(made.settings.token_file).save(Tokens(refresh_token=FIRST_REFRESH_TOKEN))
        yield made
