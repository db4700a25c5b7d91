"""Puts the simulated Webex together and serves it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.simulation import Faults, Ledger, SimClock, Simulation, serve
from sandbox.webex.build import build
from sandbox.webex.content import story
from sandbox.webex.ids import to_ms
from sandbox.webex.routes_contents import ContentRoutes
from sandbox.webex.routes_directory import DirectoryRoutes
from sandbox.webex.routes_events import EventRoutes
from sandbox.webex.routes_messages import MessageRoutes
from sandbox.webex.routes_oauth import OAuthRoutes
from sandbox.webex.script import MONDAY
from sandbox.webex.service import ApiError, Service, reply
from sandbox.webex.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

OPEN_PATHS = frozenset({"/v1/authorize", "/v1/access_token"})


def make_app(
    *,
    scale: int = 1,
    seed: int = 1,
    now: datetime = MONDAY,
    rate: float = 0.0,
    faults: object = None,
    ledger: Path | None = None,
    large_mb: Sequence[int] = (),
) -> web.Application:
    """Return the application, to be run by sandbox.simulation's serve or background.

    `scale` multiplies the generated content (0 = only what is written by hand), `seed` decides it, `now` is
    where the clock starts and `rate` its simulated ms per real ms, `faults` a faults document, `ledger` a
    JSON-lines file that what was served is added to, `large_mb` the sizes of large files (see `large`).
    Raises FaultsError.
    """
    clock = SimClock(to_ms(now), rate)
    rules = Faults(asdict(Switches()))
    if faults is not None:
        rules.load(faults)
    sim = Simulation(clock, Ledger(clock, ledger), rules)
    service = Service(build(story(scale, seed, large_mb)), sim)
    app = sim.application()
    app.middlewares.append(_shape(service))
    app.on_response_prepare.append(_track(service))
    _add_routes(app, service)
    return app


def run(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    scale: int = 1,
    seed: int = 1,
    now: datetime = MONDAY,
    rate: float = 0.0,
    faults: Path | None = None,
    ledger: Path | None = None,
    large_mb: Sequence[int] = (),
) -> None:
    """Serve until a signal, after the line ``listening on http://HOST:PORT``. Raises FaultsError, OSError."""
    document: object = json.loads(faults.read_text("utf-8")) if faults else None
    app = make_app(
        scale=scale, seed=seed, now=now, rate=rate, faults=document, ledger=ledger, large_mb=large_mb
    )
    serve(app, host, port)


def _add_routes(app: web.Application, service: Service) -> None:
    oauth = OAuthRoutes(service)
    app.router.add_get("/v1/authorize", oauth.authorize)
    app.router.add_post("/v1/access_token", oauth.access_token)
    for group in (EventRoutes, MessageRoutes, DirectoryRoutes, ContentRoutes):
        for path, handler in group(service).routes():
            app.router.add_get(f"/v1{path}", handler)  # with HEAD


def _track(service: Service) -> Any:
    async def stamp(_request: web.Request, answer: web.StreamResponse) -> None:
        answer.headers.setdefault("trackingid", service.tracking_id())

    return stamp


def _shape(service: Service) -> Any:
    @web.middleware
    async def shape(request: web.Request, handler: Any) -> web.StreamResponse:
        """Refuse strangers, and give every failure the API's shape."""
        if not request.path.startswith("/v1/"):
            return await handler(request)  # type: ignore[no-any-return]  # aiohttp leaves handlers open
        try:
            _authenticate(service, request)
            return await handler(request)  # type: ignore[no-any-return]  # as above
        except ApiError as error:
            return _failure(service, error.status, str(error), error.headers)
        except web.HTTPException as error:
            return _failure(service, error.status, error.reason, {})

    return shape


def _authenticate(service: Service, request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    good = scheme == "Bearer" and service.tokens.good(token, service.now)
    if request.path not in OPEN_PATHS and not good:
        raise ApiError(
            401, "The request requires a valid access token set in the Authorization request header."
        )


def _failure(service: Service, status: int, message: str, headers: dict[str, str]) -> web.Response:
    tracking = service.tracking_id()
    body = {"message": message, "errors": [{"description": message}], "trackingId": tracking}
    answer = reply(body, status)
    answer.headers.update(headers | {"trackingid": tracking})
    return answer
