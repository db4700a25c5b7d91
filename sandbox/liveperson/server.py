"""Puts the simulated LivePerson together and runs it.

``application`` for tests in the same process (with ``sandbox.simulation.background``), ``run`` for the
command line. What it accepts is in ``sandbox.liveperson.auth.Credentials`` and ``…model.ACCOUNT``.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.liveperson import access_api, files_api, history_api, users_api
from sandbox.liveperson.content import conversations
from sandbox.liveperson.model import MONDAY_MS
from sandbox.liveperson.site import SITE, SWITCHES, ApiError, Site
from sandbox.simulation import Faults, Ledger, SimClock, Simulation, Tls, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Options:
    """How to run: content (``scale`` more conversations from ``seed``), clock, faults file, ledger file."""

    scale: int = 0
    seed: int = 1
    now_ms: int = MONDAY_MS
    rate: float = 0.0
    faults: Path | None = None
    ledger: Path | None = None
    tls: Tls | None = None


def application(options: Options | None = None) -> web.Application:
    """Make the application; raises FaultsError or OSError when the faults or ledger file can't be used."""
    options = options or Options()
    clock, faults = SimClock(options.now_ms, options.rate), Faults(SWITCHES)
    if options.faults:
        faults.load(json.loads(options.faults.read_text("utf-8")))
    simulation = Simulation(clock, Ledger(clock, options.ledger), faults)
    app = simulation.application()
    app[SITE] = Site(simulation, conversations(options.scale, options.seed), options.tls)
    app.middlewares.append(_errors)
    for part in (access_api, history_api, users_api, files_api):
        app.add_routes(part.routes())
    return app


def run(
    *,
    port: int,
    host: str = "127.0.0.1",
    faults: Path | None = None,
    scale: int = 0,
    seed: int = 1,
    ledger: Path | None = None,
    now: str | None = None,
    rate: float = 0.0,
    tls_port: int | None = None,
    tls_certificate: Path | None = None,
) -> None:
    """Run until SIGTERM; ``now`` is an ISO time (UTC unless it says otherwise) for the clock to start at.

    With ``tls_certificate`` a self-signed certificate is written there and a second listener on ``tls_port``
    speaks HTTPS with it: for clients that know no other scheme and ask for domains through us as their proxy.
    """
    tls = _tls(tls_port or 0, tls_certificate) if tls_certificate else None
    options = Options(scale, seed, _parsed(now) if now else MONDAY_MS, rate, faults, ledger, tls)
    serve(application(options), host, port, tls)


def _tls(port: int, certificate: Path) -> Tls:
    from sandbox.liveperson.tls import tls_context  # noqa: PLC0415 - cryptography takes long to import

    return Tls(tls_context(certificate), port)


def _parsed(now: str) -> int:
    at = dt.datetime.fromisoformat(now)
    return round((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp() * 1000)


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]
) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except ApiError as error:
        return request.app[SITE].error(error)
    return answer
