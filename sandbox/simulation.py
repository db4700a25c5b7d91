"""What both simulated sources share: a clock that can be moved, a ledger of what was served, control.

The ledger is the independent truth that a checker holds the archived mails against. It is a JSON-lines file
(one object a line, ASCII) and the JSON array of ``GET /_sim/ledger``. One entry for each thing, the first
time that it was in an answer to a client; what was never asked for is not in it. Fields, absent where they
say nothing:

``source``        ``liveperson`` or ``webex``
``conversation``  the source's own id of the conversation (LivePerson) or space (Webex)
``kind``          one of
  - ``message``   a new message: ``text`` as a reader would see it, sender, ``file_name`` of an attached file
  - ``edit``      a message's text was replaced: ``target`` = message id, ``text`` = the new text
  - ``deletion``  a message was taken back: ``target`` = message id
  - ``join``, ``leave``  a person: ``sender_id`` and ``sender_name`` are that person
  - ``name``      the first name of a person in a conversation: ``sender_id``, ``sender_name``
  - ``renamed``   a later answer showed the person under this other name
  - ``file``      bytes went out in full: ``file_name``, ``sha256``, ``size``; ``target`` = its message
  - ``closed``    the conversation was shown as ended
``id``            the source's own id of the thing, unique within source, conversation and kind
``at_ms``         when it happened by the source's clock, ms since 1970 UTC
``served_at_ms``  the simulated time of the first answer that had it
``sender_id``, ``sender_name``, ``sender_email``   of the person, where known
``texts``         further pieces that a reader sees: captions, texts and titles of cards, quick replies
``hidden``        true: never shown to the customer (a manager's note)

Control (everything else answers as the real API): ``GET /_sim/health``; ``GET /_sim/clock``;
``POST /_sim/clock`` with ``{"now_ms": int}``, ``{"advance_ms": int}`` and/or ``{"rate": float}``;
``GET /_sim/ledger``; ``GET`` and ``POST /_sim/faults`` (see sandbox.faults); ``GET /_sim/requests`` (the last
10,000 answered requests).
"""

from __future__ import annotations

import collections
import dataclasses
import email.utils
import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.faults import Faults, FaultsError, answer_with
from sandbox.running import Tls, background, serve

if TYPE_CHECKING:
    from pathlib import Path


__all__ = [
    "ClockError",
    "Faults",
    "FaultsError",
    "Ledger",
    "Served",
    "SimClock",
    "Simulation",
    "Tls",
    "background",
    "serve",
]


class ClockError(ValueError):
    """The simulated clock was asked to go back."""


class SimClock:
    """A clock that can be moved forward and never goes back; times are ms since 1970 UTC.

    ``rate`` is simulated ms per real ms: 0 stands still until moved, 1 is real time.
    """

    def __init__(self, now_ms: int, rate: float = 0.0) -> None:
        self._base_ms, self._rate, self._since = now_ms, rate, time.monotonic()

    def now_ms(self) -> int:
        """Give the simulated time."""
        return self._base_ms + int((time.monotonic() - self._since) * 1000 * self._rate)

    @property
    def rate(self) -> float:
        """Simulated ms per real ms."""
        return self._rate

    def set(self, now_ms: int) -> None:
        """Move to a time; raises ClockError if that is in the past."""
        if now_ms < self.now_ms():
            msg = f"the clock is at {self.now_ms()} and can't go back to {now_ms}"
            raise ClockError(msg)
        self._move(now_ms)

    def advance(self, ms: int) -> None:
        """Move forward by so many ms; raises ClockError on a negative number."""
        if ms < 0:
            raise ClockError("the clock can't be advanced by a negative number")
        self._move(self.now_ms() + ms)

    def set_rate(self, rate: float) -> None:
        """Let the clock run at this rate from now on; raises ClockError on a negative one."""
        if rate < 0:
            raise ClockError("the rate of the clock can't be negative")
        self._move(self.now_ms())
        self._rate = rate

    def _move(self, to_ms: int) -> None:
        # A running clock may have passed the wanted time since the caller looked.
        self._base_ms, self._since = max(to_ms, self.now_ms()), time.monotonic()


@dataclasses.dataclass(frozen=True)
class Served:
    """One ledger entry without its time of serving; the module's docstring explains the fields."""

    source: str
    conversation: str
    kind: str
    id: str
    at_ms: int
    sender_id: str = ""
    sender_name: str = ""
    sender_email: str = ""
    text: str = ""
    texts: tuple[str, ...] = ()
    file_name: str = ""
    sha256: str = ""
    size: int = 0
    target: str = ""
    hidden: bool = False


_KEY = ("source", "conversation", "kind", "id")


class Ledger:
    """Remembers, and writes to a JSON-lines file where one is given, what clients were shown.

    A file that is there already is continued: what it holds counts as served.
    """

    def __init__(self, clock: SimClock, path: Path | None = None) -> None:
        self._clock, self._entries = clock, dict[tuple[str, ...], dict[str, Any]]()
        for line in path.read_text("ascii").splitlines() if path and path.exists() else ():
            entry = json.loads(line)
            self._entries[tuple(str(entry.get(name, "")) for name in _KEY)] = entry  # empty ones are left out
        self._file = path.open("a", encoding="ascii") if path else None

    def serve(self, served: Served) -> bool:
        """Enter a thing unless it is there already; true when it was new."""
        key = (served.source, served.conversation, served.kind, served.id)
        if key in self._entries:
            return False
        entry = {name: value for name, value in vars(served).items() if value or name == "id"}
        self._entries[key] = entry | {"served_at_ms": self._clock.now_ms()}
        if self._file:
            self._file.write(json.dumps(self._entries[key]) + "\n")
            self._file.flush()
        return True

    def entries(self) -> list[dict[str, Any]]:
        """Give all entries in the order in which they were first served."""
        return list(self._entries.values())

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()


class Simulation:
    """Clock, ledger and faults of one simulated source, and the requests it has answered."""

    def __init__(self, clock: SimClock, ledger: Ledger, faults: Faults) -> None:
        self.clock, self.ledger, self.faults = clock, ledger, faults
        self.requests: collections.deque[dict[str, Any]] = collections.deque(maxlen=10_000)

    def application(self) -> web.Application:
        """Make an aiohttp application with faults, Date header and control; add the source's routes to it."""
        app = web.Application(middlewares=[self._with_faults], client_max_size=64 * 2**20)
        app.on_response_prepare.append(self._stamp)
        app.on_cleanup.append(self._clean_up)
        app.add_routes([
            web.get("/_sim/health", self._health),
            web.get("/_sim/clock", self._get_clock),
            web.post("/_sim/clock", self._move_clock),
            web.get("/_sim/ledger", self._get_ledger),
            web.get("/_sim/faults", self._get_faults),
            web.post("/_sim/faults", self._load_faults),
            web.get("/_sim/requests", self._get_requests),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _with_faults(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/_sim/"):
            return await handler(request)  # type: ignore[no-any-return]  # aiohttp leaves handlers open
        body = (await request.read()).decode("utf-8", "replace") if self.faults.rules else ""
        query = request.query_string
        action = self.faults.action(method=request.method, path=request.path, query=query, body=body)
        status = 0  # what is noted when the handler breaks or the connection is dropped
        try:
            answer = await (answer_with(action, request, handler) if action else handler(request))
            status = answer.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            seen = {"method": request.method, "path": request.path, "query": query, "status": status}
            self.requests.append(seen | {"at_ms": self.clock.now_ms()})
        return answer

    async def _stamp(self, _request: web.Request, answer: web.StreamResponse) -> None:
        answer.headers["Date"] = email.utils.formatdate(self.clock.now_ms() // 1000, usegmt=True)

    async def _clean_up(self, _app: web.Application) -> None:
        self.ledger.close()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "now_ms": self.clock.now_ms()})

    async def _get_clock(self, _request: web.Request) -> web.Response:
        return web.json_response({"now_ms": self.clock.now_ms(), "rate": self.clock.rate})

    async def _move_clock(self, request: web.Request) -> web.Response:
        try:
            moves = await request.json()
            if "rate" in moves:
                self.clock.set_rate(float(moves["rate"]))
            if "now_ms" in moves:
                self.clock.set(int(moves["now_ms"]))
            self.clock.advance(int(moves.get("advance_ms", 0)))
        except (ValueError, TypeError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._get_clock(request)

    async def _get_ledger(self, _request: web.Request) -> web.Response:
        return web.json_response(self.ledger.entries())

    async def _get_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self.faults.document())

    async def _load_faults(self, request: web.Request) -> web.Response:
        try:
            self.faults.load(await request.json())
        except (FaultsError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._get_faults(request)

    async def _get_requests(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.requests))
