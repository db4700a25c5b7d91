"""A small TCP proxy in front of an IMAP server: it cuts connections, answers as Exchange Online does, and counts."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

THROTTLED = "NO Request is throttled. Suggested Backoff Time: {ms} milliseconds"
APPEND = re.compile(rb"^(\S+) APPEND (.*) \{(\d+)\}\r\n$", re.IGNORECASE)


@dataclass
class Proxy:
    """Forwards to a port of this machine; use as a context manager."""

    upstream: int
    cut_after: list[int] = field(default_factory=list)
    """For the next APPENDs, one each: bytes of the literal that pass before it is cut; -1: all pass, the answer does not."""
    answers: list[str] = field(default_factory=list)
    """For the next APPENDs, one each: what they are answered instead of being passed on, without the tag."""
    hang_up: list[str] = field(default_factory=list)
    """For the next APPENDs, one each: an untagged BYE, and then the connection is closed."""
    watch: Callable[[int, str], None] = lambda *_: None
    """Hears of each APPEND, by its number from 1, when it has come, when half of it and all of it has passed."""
    open: int = 0
    most: int = 0
    appends: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self.open += 1
            self.most = max(self.most, self.open)
        gone = False
        server = socket.create_connection(("127.0.0.1", self.upstream))
        threading.Thread(target=_pass, args=[server, client], daemon=True).start()
        with client, server, contextlib.suppress(OSError), client.makefile("rb") as lines:
            while line := lines.readline():
                found = APPEND.match(line)
                if (
                    line.upper().rstrip().endswith(b" LOGOUT")
                ):  # it counts no more: the client does not wait for the end
                    gone = self._left()
                if found is None:
                    server.sendall(line)
                elif not self._append(client, server, lines.read, line, found):
                    break
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        if not gone:
            self._left()

    def _left(self) -> bool:
        with self._lock:
            self.open -= 1
        return True

    def _append(
        self, client: socket.socket, server: socket.socket, read: Callable[[int], bytes], line: bytes, found: re.Match[bytes]
    ) -> bool:  # fmt: skip
        self.appends += 1
        if self.hang_up:
            client.sendall(f"* BYE {self.hang_up.pop(0)}\r\n".encode())
            return False
        if self.answers:
            client.sendall(found[1] + f" {self.answers.pop(0)}\r\n".encode())
            return True
        size = int(found[3])
        allowed = self.cut_after.pop(0) if self.cut_after else None
        number = self.appends
        self.watch(number, "come")
        server.sendall(line)
        passing = size if allowed is None or allowed < 0 else min(size, allowed)
        for some, told in ((passing // 2, "half"), (passing - passing // 2, "all")):
            if not _forward(read, server, some):
                return False
            self.watch(number, told)
        if allowed is not None and allowed < 0:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)  # no answer arrives any more
            server.sendall(b"\r\n")
            threading.Event().wait(0.5)  # the server finishes what it has got
            return False
        return allowed is None


def _forward(read: Callable[[int], bytes], server: socket.socket, left: int) -> bool:
    while left:
        chunk = read(min(left, 65_536))
        if not chunk:
            return False
        server.sendall(chunk)
        left -= len(chunk)
    return True


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
