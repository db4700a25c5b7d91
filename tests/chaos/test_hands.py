"""The tools that faults are made with do what they say."""

import errno
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from sandbox.processes import start_process
from tests.chaos.clock import SteadyClock
from tests.chaos.disk import can_mount, small_disk
from tests.chaos.processes import Part, Parts
from tests.chaos.store_proxy import StoreProxy


class Always201(BaseHTTPRequestHandler):
    """A service that takes everything."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - as above
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[StoreProxy]:
    """In front of a service that takes everything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Always201)
    threading.Thread(target=server.serve_forever).start()
    try:
        with StoreProxy(f"http://127.0.0.1:{server.server_port}", hang_s=0.2).serving() as made:
            yield made
    finally:
        server.shutdown()
        server.server_close()


def put(proxy: StoreProxy) -> int:
    """The status of a write; 0 when the connection was cut."""
    try:
        with requests.put(f"{proxy.url}/blob", data=b"x", timeout=10) as answer:
            return answer.status_code
    except requests.ConnectionError:
        return 0


def test_answers_are_refused_for_so_many_times(proxy: StoreProxy) -> None:
    """A status, or nothing at all; then all is well again."""
    proxy.fail("503", 1)
    assert [put(proxy), put(proxy)] == [503, 201]
    proxy.fail("timeout", 1)
    assert [put(proxy), put(proxy)] == [0, 201]
    assert proxy.failed == {"503": 1, "timeout": 1}


@pytest.mark.parametrize(("lost", "status"), [(False, 201), (True, 0)])
def test_answers_that_are_held_back_come_later_or_never(proxy: StoreProxy, lost: bool, status: int) -> None:
    """Never, when the service has died meanwhile: then nobody may believe that anything was written."""
    proxy.hold()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(put, proxy)
        until = time.monotonic() + 10
        while not proxy.held and time.monotonic() < until:
            time.sleep(0.01)
        assert not waiting.done()
        proxy.release(lost=lost)
        assert waiting.result(10) == status
    assert put(proxy) == 201


def test_a_full_disk_takes_nothing_until_it_is_freed(tmp_path: Path) -> None:
    """By the kernel's own word."""
    if not can_mount(tmp_path / "probe"):
        pytest.skip("mounting a tmpfs needs root")
    with small_disk(tmp_path / "disk", 4) as disk:
        (disk.path / "before").write_bytes(b"x" * 1_000_000)
        disk.fill()
        with pytest.raises(OSError, match="No space left") as told:
            (disk.path / "more").write_bytes(b"x" * 100_000)
        assert told.value.errno == errno.ENOSPC
        disk.free()
        (disk.path / "more").write_bytes(b"x" * 100_000)


class Source:
    """Remembers how its clock was moved."""

    def __init__(self) -> None:
        self.moves: list[int] = []

    def move(self, now_ms: int) -> None:
        self.moves.append(now_ms)


def test_the_clock_never_runs_ahead_of_the_schedule() -> None:
    """It goes on in equal steps up to what is allowed, and a piece more when it is pushed."""
    source = Source()
    with SteadyClock([source], 0, 100_000_000, lasts_s=5, push_ms=3_600_000) as clock:
        clock.allow(0.15)
        time.sleep(1.8)
        clock.push()
    assert source.moves == [10_000_000, 15_000_000, 18_600_000]


def test_the_owner_of_a_partition_is_who_said_so_last(tmp_path: Path) -> None:
    """And in this life: what a killed process has said does not count."""
    with ExitStack() as up:
        parts = Parts(tmp_path / "config", tmp_path)
        for name in ("worker-1", "worker-2"):
            sleeper = up.enter_context(start_process(["sleep", "60"], log=tmp_path / "sleep.log"))
            parts.parts.append(Part(name, ["work"], tmp_path / f"{name}.log", sleeper))
        said = "[2026-03-02 10:00:0{},000] [{}] [INFO] owns conversations/{} from 4, reached 4 \n"
        first, second = parts.parts
        one, other = (part.process.pid if part.process else 0 for part in parts.parts)
        first.log.write_text(said.format(1, one, 0) + said.format(9, 1, 1))
        second.log.write_text(said.format(2, other, 0) + said.format(1, other, 1))
        assert parts.owners({"conversations": "archive"}) == {("archive", 0): second, ("archive", 1): second}
