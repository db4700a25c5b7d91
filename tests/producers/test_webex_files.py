"""Files of messages: every state of a file, broken-off downloads, limits, foreign hosts."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from producers.ranges import start_of
from producers.source import SourceUnavailableError
from producers.webex.cache import Cache
from producers.webex.client import Client
from producers.webex.files import Files
from producers.webex.lookups import Lookups
from producers.webex.reading import Item
from schemas.records import Attachment, ContentRef
from tests.producers.webex_rig import Rig, Shelf, rig

FILE = bytes(range(256)) * 4000
"""About a megabyte: several chunks."""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Rig]:
    """A simulation; the answers of the content endpoint are on order."""
    with rig(tmp_path) as each:
        yield each


def fetch(made: Rig, *rules: dict[str, Any], url: str = "", **more: Any) -> Attachment:
    """Fetch a file while these faults are in force, one answer each in turn."""
    match = {"path": "/contents/"}
    made.sim("faults", [{"match": match, "times": 1, "do": do} for do in rules])
    client = Client(made.settings.model_copy(update=more))
    try:
        return Files(client, made.shelf).fetch(url or f"{made.settings.base_url}/contents/Q09OVEVOVA")
    finally:
        client.close()


def good(**headers: str) -> dict[str, Any]:
    """An answer with a short file."""
    given = {"Content-Disposition": 'attachment; filename="a.txt"', "Content-Type": "text/plain"}
    return {"status": 200, "headers": given | headers, "body": "content"}


SLOW = {"status": 423, "headers": {"Retry-After": "0"}}


def test_stored(made: Rig) -> None:
    """Name, type, size and hash of what was stored."""
    found = fetch(made, good())
    assert (found["outcome"], found["name"], found["content_type"]) == ("stored", "a.txt", "text/plain")
    assert found["content"] == {"sha256": hashlib.sha256(b"content").digest(), "size": 7}
    assert found["source_key"] == "Q09OVEVOVA"


def test_a_file_that_an_order_removed_is_fetched_again(made: Rig, tmp_path: Path) -> None:
    """An edit names the file of its message, which the cache knows: the event's content must be durable all the same (rule 7)."""
    made.sim("faults", [{"match": {"path": "/contents/"}, "times": 2, "do": good()}])
    message = {"files": [f"{made.settings.base_url}/contents/Q09OVEVOVA"]}
    item = Item(b"{}", "e", "messages", "created", "m", "r", 0, message)
    with (
        contextlib.closing(Client(made.settings)) as client,
        contextlib.closing(Cache(tmp_path / "c", "wx")) as cache,
    ):
        lookups = Lookups(client, Files(client, made.shelf), cache)
        (first,) = lookups.found(item, (None, b"")).attachments
        made.shelf.kept.clear()
        assert lookups.found(item, (None, b"")).attachments == (first,)
        lookups.close()
    assert list(made.shelf.kept.values()) == [b"content"]


@pytest.mark.parametrize(
    ("status", "outcome"), [(410, "infected"), (428, "unscannable"), (404, "gone"), (403, "gone")]
)
def test_final_refusals(made: Rig, status: int, outcome: str) -> None:
    """Each final state is an outcome with a sentence."""
    found = fetch(made, {"status": status})
    assert (found["outcome"], found["content"]) == (outcome, None)
    assert found["reason"]


def test_unscannable_by_policy(made: Rig) -> None:
    """With leave, an unscannable file is fetched, and the record says so."""
    found = fetch(made, {"status": 428}, good(), unscannable="fetch")
    assert found["outcome"] == "stored"
    assert "malware" in str(found["reason"])
    assert made.sim("requests")[-1]["query"] == "allow=unscannable"


def test_scan_that_ends_and_one_that_does_not(made: Rig) -> None:
    """A scan is waited for, within the time for one file."""
    assert fetch(made, SLOW, SLOW, SLOW, good())["outcome"] == "stored"
    slow = {"status": 423, "headers": {"Retry-After": "12"}}
    found = fetch(made, slow, file_seconds=3.0)
    assert found["outcome"] == "too_slow"
    assert "scan" in str(found["reason"])


@pytest.mark.parametrize("do", [{"status": 503}, {"status": 500}, {"drop": True}])
def test_trouble_is_no_outcome(made: Rig, do: dict[str, Any]) -> None:
    """A service in trouble is waited for: first by retries, then by whoever runs the source."""
    assert fetch(made, do, good())["outcome"] == "stored"
    with pytest.raises(SourceUnavailableError):
        fetch(made, *[do] * 60)


def test_too_large(made: Rig) -> None:
    """The ceiling holds, whatever length the service states."""
    found = fetch(made, good(), max_file_mb=0.000005)
    assert (found["outcome"], found["name"]) == ("too_large", "a.txt")
    assert made.shelf.kept == {}


def test_other_host_gets_nothing(made: Rig) -> None:
    """A file elsewhere is not asked for: it would need the token."""
    found = fetch(made, url="http://127.0.0.2:9/v1/contents/X")
    assert (found["outcome"], found["source_key"]) == ("not_fetched", "X")


@pytest.mark.parametrize("tail", ["\ud800", "\n", "ü", "a b\x00"])
def test_odd_addresses(made: Rig, tail: str) -> None:
    """An address that can't be asked for is an outcome, not a stop."""
    assert fetch(made, url=f"{made.settings.base_url}/contents/{tail}")["outcome"] == "not_fetched"


def test_broken_off_is_taken_up(tmp_path: Path, half_server: "HalfServer") -> None:
    """Whatever comes in pieces is whole in the store."""
    for ranges in (True, False):
        half_server.ranges, half_server.asked = ranges, []
        shelf = Shelf()
        with rig(tmp_path) as made:
            client = Client(made.settings.model_copy(update={"base_url": half_server.url}))
            found = Files(client, shelf).fetch(f"{half_server.url}/contents/X")
            client.close()
        assert found["outcome"] == "stored"
        assert list(shelf.kept.values()) == [FILE]
        assert half_server.asked[-1] > 0


@pytest.mark.parametrize("shift", [-100_000, 7, None])
def test_another_part_than_asked_for_is_not_put_in_its_place(
    tmp_path: Path, half_server: "HalfServer", shift: int | None
) -> None:
    """A part that begins elsewhere, or does not say where, would corrupt the file: the whole is read anew."""
    half_server.shift = shift
    shelf = Shelf()
    with rig(tmp_path) as made:
        client = Client(made.settings.model_copy(update={"base_url": half_server.url}))
        found = Files(client, shelf).fetch(f"{half_server.url}/contents/X")
        client.close()
    assert found["outcome"] == "stored"
    assert list(shelf.kept.values()) == [FILE]


def test_a_rest_of_another_version_is_not_put_behind_the_first_part(
    tmp_path: Path, half_server: "HalfServer"
) -> None:
    """Where the service names versions, a file that changed meanwhile is fetched anew and never glued together."""
    half_server.etags = ['"one"', '"two"']
    shelf = Shelf()
    with rig(tmp_path) as made:
        client = Client(made.settings.model_copy(update={"base_url": half_server.url}))
        with pytest.raises(SourceUnavailableError, match="changed"):
            Files(client, shelf).fetch(f"{half_server.url}/contents/X")
        client.close()
    assert shelf.kept == {}
    assert half_server.conditions == ["", '"one"']


@pytest.mark.parametrize(
    ("header", "start"),
    [
        ("bytes 5-9/10", 5),
        ("bytes 0-0/*", 0),
        ("bytes */10", None),
        ("", None),
        (None, None),
        ("items 1-2/3", None),
    ],
)
def test_where_a_part_begins(header: str | None, start: int | None) -> None:
    """As RFC 9110 writes it; anything else says nothing."""
    assert start_of(header) == start


def test_store_errors_come_through(made: Rig) -> None:
    """A store that fails is not a state of the file."""

    class Broken:
        def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
            """Fail after the first bytes."""
            next(iter(chunks))
            raise RuntimeError(f"no disk for {content_type}")

        def has(self, content: ContentRef) -> bool:
            """It does."""
            return True

    made.sim("faults", [{"match": {"path": "/contents/"}, "do": good()}])
    client = Client(made.settings)
    with pytest.raises(RuntimeError, match="no disk"):
        Files(client, Broken()).fetch(f"{made.settings.base_url}/contents/X")
    client.close()


class HalfServer:
    """Sends 300,000 bytes more at each request and then hangs up; with or without Range.

    `shift`: how far from what was asked for its parts begin; None: it does not say where.
    """

    def __init__(self) -> None:
        self.url, self.ranges, self.asked = "", True, list[int]()
        self.shift: int | None = 0
        self.etags: list[str] = []
        self.conditions: list[str] = []


@pytest.fixture
def half_server() -> Iterator[HalfServer]:
    """That server, on a free port."""
    half = HalfServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._send(200, b'{"access_token": "a", "refresh_token": "r"}', 0)

        def do_GET(self) -> None:
            start = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
            half.asked.append(start)
            half.conditions.append(self.headers.get("If-Range", ""))
            stop = (start if half.ranges and half.shift == 0 else max(half.asked)) + 300_000
            if half.ranges and start:
                self._part(start + (half.shift or 0), stop)
            else:
                self._send(200, FILE[:stop], len(FILE) - min(stop, len(FILE)))

        def _part(self, start: int, stop: int) -> None:
            said = {"Content-Range": f"bytes {start}-{len(FILE) - 1}/{len(FILE)}"}
            missing = len(FILE) - min(stop, len(FILE))
            self._send(206, FILE[start:stop], missing, {} if half.shift is None else said)

        def _send(
            self, status: int, body: bytes, missing: int, headers: Mapping[str, str] | None = None
        ) -> None:
            self.send_response(status)
            if half.etags and self.command == "GET":
                self.send_header("ETag", half.etags.pop(0))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) + missing))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        half.url = f"http://127.0.0.1:{server.server_port}"
        yield half
        server.shutdown()
