"""A stop while Webex takes a request and says nothing: nobody waits for the end of the request's own time."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from producers.source import SourceUnavailableError
from producers.webex.client import Client
from producers.webex.files import Files
from tests.producers.webex_rig import rig


@pytest.mark.parametrize("path", ["/events", "/contents/", "/people/me"])
def test_stop_ends_a_request_without_an_answer(tmp_path: Path, path: str) -> None:
    """A service that takes a request and says nothing holds nobody back, wherever it hangs."""
    with rig(tmp_path, retry_seconds=600, request_seconds=300) as made:
        source = made.source()
        if path != "/people/me":
            source.now_ms()
        made.sim("faults", [{"match": {"path": path}, "times": None, "do": {"delay_s": 30}}])
        threading.Timer(0.5, made.stop.set).start()
        began = time.monotonic()
        with pytest.raises(SourceUnavailableError, match="stopped"):
            made.take(source)
        assert time.monotonic() - began < 15  # and not 30 s
        source.close()
        made.sim("faults", [])


def test_stop_ends_a_file_that_stands_still(tmp_path: Path) -> None:
    """Bytes that never come hold nobody back either."""
    with rig(tmp_path, request_seconds=300) as made, silent_server() as url:
        client = Client(made.settings.model_copy(update={"base_url": url}), stop=made.stop)
        threading.Timer(0.5, made.stop.set).start()
        began = time.monotonic()
        with pytest.raises(SourceUnavailableError, match="stopped"):
            Files(client, made.shelf).fetch(f"{url}/contents/X")
        assert time.monotonic() - began < 15  # and not 30 s


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Answers with the head and the beginning of a file, and then with nothing."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._send(b'{"access_token": "a", "refresh_token": "r"}', 0)

        def do_GET(self) -> None:
            self._send(b"the beginning", 1_000_000)
            over.wait(30)

        def _send(self, body: bytes, missing: int) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + missing))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            over.set()
            server.shutdown()
