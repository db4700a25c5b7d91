"""What every route needs: the world at the clock's moment, the switches, answers in the API's shape."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.simulation import Simulation
from sandbox.webex.ids import uuid_for
from sandbox.webex.paging import Cursor, CursorError, cut, next_link
from sandbox.webex.switches import Switches
from sandbox.webex.tokens import Tokens
from sandbox.webex.world import Message, Room, World

DAY_MS = 86_400_000
Json = dict[str, Any]
Handler = Callable[[web.Request], Any]


class ApiError(Exception):
    """An answer other than 200; `status` and the message go to the client."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def not_found() -> ApiError:
    """Return the 404 that everything unknown, foreign or gone is answered with."""
    return ApiError(404, "The requested resource could not be found.")


@dataclass(slots=True)
class Service:
    """One simulated Webex. `tries` counts how often a thing was asked for that fails at first."""

    world: World
    sim: Simulation
    tokens: Tokens = field(default_factory=Tokens)
    tries: dict[str, int] = field(default_factory=dict)
    answers: int = 0

    @property
    def switches(self) -> Switches:
        """The switches in force."""
        return Switches(**self.sim.faults.switches)

    @property
    def now(self) -> int:
        """The clock, in ms since 1970 UTC."""
        return self.sim.clock.now_ms()

    def tracking_id(self) -> str:
        """Return the next tracking id, as it stands in headers and error bodies."""
        self.answers += 1
        return f"ROUTERGW_{uuid_for('answer', self.answers)}"

    def failing(self, name: str, times: int) -> bool:
        """Count an attempt at a thing, and say whether it is still one of the first `times`, which fail."""
        return self.count(name) < times

    def count(self, name: str) -> int:
        """Count an attempt at a thing, and return how many there were before."""
        before = self.tries.get(name, 0)
        self.tries[name] = before + 1
        return before

    def locked(self, message: Message) -> bool:
        """Count an attempt at a message whose key is late, and say whether it still comes as ciphertext."""
        return message.say.trouble == "kms" and self.failing(message.id, int(self.switches.kms_times))

    def kept(self, message: Message) -> bool:
        """Say whether a message and its files are still there: after retention, the policy has taken them."""
        oldest = self.now - self.switches.retention_days * DAY_MS
        return oldest <= message.at <= self.now

    def seen(self, room: Room) -> bool:
        """Say whether a room is there by now and part of what is switched on."""
        return room.created <= self.now and (self.switches.hostile or not room.space.hostile)

    def room(self, room_id: str) -> Room:
        """Return a room by the id that it has now. Raises ApiError 404, also for an id that is no longer."""
        room = self.world.rooms_by_id.get(room_id)
        if room is None or not self.seen(room) or room.id_at(self.now) != room_id:
            raise not_found()
        return room

    def listing(
        self,
        request: web.Request,
        rows: Callable[[Cursor], int],
        show: Callable[[Cursor, int, int], list[Json]],
        *,
        default: int = 100,
    ) -> web.Response:
        """Answer one page: `rows` counts all rows, `show` gives those from start to end that may be seen."""
        switches, query = self.switches, parameters(request)
        size = page_size(query.get("max", ""), default, switches.page_cap)
        cursor = self._cursor(query, switches)
        page = cut(rows(cursor), cursor, size, switches)
        answer = reply({"items": show(cursor, page.start, page.end)})
        if page.following:
            url = f"{base(request)}{request.path.removeprefix('/v1')}"
            answer.headers["Link"] = next_link(url, query, page.following, size, switches)
        return answer

    def _cursor(self, query: dict[str, str], switches: Switches) -> Cursor:
        if not query.get("cursor"):
            return Cursor(0, 0, self.now)
        try:
            cursor = Cursor.decode(query["cursor"])
        except CursorError as error:
            raise ApiError(400, str(error)) from error
        if switches.cursor_life_s and self.now - cursor.as_of > switches.cursor_life_s * 1000:
            raise ApiError(400, "The cursor has expired.")
        return cursor


def parameters(request: web.Request) -> dict[str, str]:
    """Return the query's parameters; those without a value are as good as absent."""
    return dict(parse_qsl(request.query_string))


def page_size(text: str, default: int, cap: int) -> int:
    """Return the page size for a `max`: capped without a word, 400 when it is not a number above 0."""
    if text in {"", "null"}:
        return min(default, cap)
    if not text.isdecimal() or int(text) < 1:
        raise ApiError(400, "max must be a number greater than 0")
    return min(int(text), cap)


def base(request: web.Request) -> str:
    """Return the URL of the API as the client reached it, up to and with /v1."""
    return f"{request.scheme}://{request.host}/v1"


def reply(body: Json, status: int = 200) -> web.Response:
    """Return an answer in UTF-8, or escaped where a text has lone surrogates, which UTF-8 can't carry."""
    try:
        raw = json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raw = json.dumps(body).encode()
    return web.Response(body=raw, status=status, content_type="application/json", charset="utf-8")
