"""GET /events and /events/{id}: the feed of the whole organisation."""

from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import NamedTuple

from aiohttp import web

from sandbox.webex import hostile, serving, shapes
from sandbox.webex.build import person_id
from sandbox.webex.ids import draw, iso, parse_iso
from sandbox.webex.paging import Cursor
from sandbox.webex.service import DAY_MS, ApiError, Handler, Json, Service, base, not_found, parameters, reply
from sandbox.webex.switches import Switches
from sandbox.webex.world import Happening, Membership, Message, World

TOO_OLD = "User is only authorized to search within past 90 days."
KNOWN = frozenset({
    "attachmentActions", "businessTexts", "call_records", "convergedRecordings", "file_transcodings", "files",
    "meetingMessages", "meetings", "meetingTranscripts", "memberships", "messages", "rooms", "tabs",
})  # fmt: skip
TYPES = frozenset({"created", "updated", "deleted", "ended", "read", "migrated"})
BLOCK = 50


class Window(NamedTuple):
    """What is asked of the feed; moments are ms."""

    resource: str
    type: str
    actor: str
    since: int
    until: int


class EventRoutes:
    """The feed."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._times = [each.at for each in service.world.happenings]
        self._select = lru_cache(maxsize=16)(self._selected)

    def routes(self) -> list[tuple[str, Handler]]:
        """Return path and handler of each route."""
        return [("/events", self.listing), ("/events/{id}", self.one)]

    async def listing(self, request: web.Request) -> web.Response:
        """Answer one page of events."""
        query = parameters(request)
        window = self._window(query)
        query |= {
            "from": iso(window.since),
            "to": iso(window.until),
        }  # the real one writes its own into the link
        request = request.clone(rel_url=request.rel_url.with_query(query))

        def found(cursor: Cursor) -> tuple[Happening, ...]:
            return self._select(window, cursor.as_of, self.service.switches)

        return self.service.listing(
            request,
            lambda cursor: len(found(cursor)),
            lambda cursor, start, end: [self._item(each, request) for each in found(cursor)[start:end]],
        )

    async def one(self, request: web.Request) -> web.Response:
        """Answer one event."""
        happening = self.service.world.events.get(request.match_info["id"])
        switches = self.service.switches
        if happening is None or not visible(happening, self.service.now, switches, self.service.world):
            raise not_found()
        return reply(self._item(happening, request))

    def _window(self, query: dict[str, str]) -> Window:
        service, switches = self.service, self.service.switches
        until = _moment(query, "to", service.now)
        since = _moment(query, "from", int(until - switches.default_window_days * DAY_MS))
        if until > service.now:
            raise ApiError(400, "'to' date must not be in the future.")
        if since > until:
            raise ApiError(400, "'from' date must be before 'to' date.")
        if switches.lookback_days and since < service.now - switches.lookback_days * DAY_MS:
            raise ApiError(403, TOO_OLD)
        for name, known in (("resource", KNOWN), ("type", TYPES)):
            if query.get(name) and query[name] not in known:
                raise ApiError(400, f"{name} is not valid: {query[name]}")
        return Window(
            query.get("resource", ""), query.get("type", ""), query.get("actorId", ""), since, until
        )

    def _selected(self, window: Window, as_of: int, switches: Switches) -> tuple[Happening, ...]:
        first, last = (
            (bisect_left(self._times, window.since), bisect_right(self._times, window.until))
            if switches.edges_included
            else (bisect_right(self._times, window.since), bisect_left(self._times, window.until))
        )
        world = self.service.world
        found = [each for each in world.happenings[first:last] if _asked(each, window)]
        shown = [each for each in found if visible(each, as_of, switches, world)]
        return _ordered(shown, switches.order)

    def _item(self, subject: Happening, request: web.Request) -> Json:
        switches, ledger = self.service.switches, self.service.sim.ledger
        late = switches.created_text == "current" and subject.type == "created"
        shown_at = self.service.now if late else subject.at
        data = shapes.event_data(subject, shown_at, base(request), switches)
        if subject.type != "deleted" and self._locked(subject.subject):
            return shapes.event(subject, shapes.encrypted(data), switches)
        item = shapes.event(subject, data, switches)
        if isinstance(subject.subject, Message) and subject.subject.say.trouble not in {"", "kms"}:
            served = self.service.count(subject.id)
            return hostile.mangled(item, subject.subject.say.trouble, served)
        serving.happened(ledger, subject, shown_at, named="personDisplayName" in data)
        return item

    def _locked(self, subject: object) -> bool:
        return isinstance(subject, Message) and self.service.locked(subject)


def _moment(query: dict[str, str], name: str, default: int) -> int:
    try:
        return parse_iso(query[name]) if query.get(name) else default
    except ValueError as error:
        raise ApiError(400, f"'{name}' is not a valid ISO 8601 date.") from error


def _asked(subject: Happening, window: Window) -> bool:
    return (
        window.resource in {"", subject.resource}
        and window.type in {"", subject.type}
        and window.actor in {"", person_id(subject.actor)}
    )


def _ordered(found: list[Happening], order: str) -> tuple[Happening, ...]:
    if order == "oldest":
        return tuple(found)
    newest = found[::-1]
    if order == "newest":
        return tuple(newest)
    blocks = (newest[start : start + BLOCK] for start in range(0, len(newest), BLOCK))
    return tuple(
        each for block in blocks for each in sorted(block, key=lambda event: draw(1 << 30, event.id))
    )


def visible(subject: Happening, now: int, switches: Switches, world: World) -> bool:
    """Say whether the officer sees an event at a moment: it has arrived, and its content is for our side."""
    late = switches.late_every and draw(int(switches.late_every), "late", subject.id) == 0
    delay = switches.event_delay_s + (switches.late_s if late else 0)
    if subject.at + delay * 1000 > now or (subject.room.space.hostile and not switches.hostile):
        return False
    known = subject.resource in KNOWN and subject.type in TYPES
    return (known or switches.unknown_events) and _ours(subject, world)


def _ours(subject: Happening, world: World) -> bool:
    """Say whether it is ours: in spaces that others own, only what our own people write and are."""
    if not subject.room.foreign:
        return True
    match subject.subject:
        case Message() as message:
            return world.own(message.author)
        case Membership() as membership:
            return world.own(membership.person)
        case _:
            return world.own(subject.actor)
