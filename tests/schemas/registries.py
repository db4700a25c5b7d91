"""A schema registry: in memory, and as a small HTTP server that speaks Confluent's API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from schemas.codec import DecodeError


class MemoryRegistry:
    """Ids by schema text."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.subjects: list[str] = []

    def schema_id(self, topic: str, name: str, text: str) -> int:
        """The id of a schema, a new one if it is new."""
        self.subjects.append(f"{topic}-chatledger.{name}")
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def schema_text(self, schema_id: int) -> str:
        """The schema again."""
        if not 0 < schema_id <= len(self.texts):
            msg = f"no schema {schema_id}"
            raise DecodeError(msg)
        return self.texts[schema_id - 1]


class HttpServer:
    """What a test may change while it runs: `answer` (status, body) overrides everything."""

    def __init__(self, url: str) -> None:
        self.url, self.memory, self.calls = url, MemoryRegistry(), list[str]()
        self.answer: tuple[int, bytes] | None = None

    def post(self, path: str, body: Any) -> tuple[int, bytes]:
        """Register."""
        subject = path.split("/")[2]
        topic, _, name = subject.rpartition("-chatledger.")
        return 200, json.dumps({"id": self.memory.schema_id(topic, name, body["schema"])}).encode()

    def get(self, path: str) -> tuple[int, bytes]:
        """Fetch."""
        try:
            return 200, json.dumps({"schema": self.memory.schema_text(int(path.split("/")[3]))}).encode()
        except DecodeError:
            return 404, b'{"error_code": 40403, "message": "Schema not found"}'


@contextmanager
def http_registry() -> Iterator[HttpServer]:
    """A registry on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(registry.post(self.path, body))

        def do_GET(self) -> None:
            self._send(registry.get(self.path))

        def _send(self, answer: tuple[int, bytes]) -> None:
            registry.calls.append(f"{self.command} {self.path}")
            status, body = registry.answer or answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry = HttpServer(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield registry
        finally:
            server.shutdown()
