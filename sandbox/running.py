"""Runs a simulated source: in the foreground until a signal, or in a thread for tests and the demo."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
import sys
import threading
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


@dataclasses.dataclass
class Tls:
    """A second listener that speaks HTTPS; port 0 becomes the number that it got."""

    context: ssl.SSLContext
    port: int


@dataclasses.dataclass(frozen=True)
class _Place:
    host: str
    port: int
    tls: Tls | None = None


def serve(app: web.Application, host: str = "127.0.0.1", port: int = 0, tls: Tls | None = None) -> None:
    """Serve until SIGTERM or SIGINT; prints one line ``listening on http://HOST:PORT`` when ready.

    Port 0 takes a free one. Ends within two seconds of the signal, whatever clients still wait for.
    """
    asyncio.run(_serve(app, host, port, tls))


@contextlib.contextmanager
def background(
    app: web.Application, host: str = "127.0.0.1", port: int = 0, tls: Tls | None = None
) -> Iterator[str]:
    """Serve in a thread while the block runs; gives the base URL. Raises TimeoutError if it can't start."""
    ready, stop, url = threading.Event(), asyncio.Event(), list[str]()
    loops: list[asyncio.AbstractEventLoop] = []

    def up(base: str) -> None:
        loops.append(asyncio.get_running_loop())
        url.append(base)
        ready.set()

    thread = threading.Thread(
        target=lambda: asyncio.run(_until(app, _Place(host, port, tls), stop, up)), daemon=True
    )
    thread.start()
    if not ready.wait(10):
        raise TimeoutError("the simulated source did not start within 10 s")
    try:
        yield url[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(5)


async def _serve(app: web.Application, host: str, port: int, tls: Tls | None) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await _until(app, _Place(host, port, tls), stop, _announce)


def _announce(base: str) -> None:
    sys.stdout.write(f"listening on {base}\n")
    sys.stdout.flush()


async def _until(app: web.Application, at: _Place, stop: asyncio.Event, up: Callable[[str], None]) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, at.host, at.port).start()
        bound = runner.addresses[0][1]
        if at.tls:
            await web.TCPSite(runner, at.host, at.tls.port, ssl_context=at.tls.context).start()
            at.tls.port = runner.addresses[1][1]
        up(f"http://{at.host}:{bound}")
        await stop.wait()
    finally:
        await runner.cleanup()
