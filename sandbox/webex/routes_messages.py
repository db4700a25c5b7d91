"""Messages, card answers and the files of messages' senders: what the officer reads by id."""

from aiohttp import web

from sandbox.webex import serving, shapes
from sandbox.webex.ids import iso, parse_iso
from sandbox.webex.service import ApiError, Handler, Json, Service, base, not_found, parameters, reply
from sandbox.webex.world import Message


class MessageRoutes:
    """GET /messages, /messages/{id} and /attachment/actions/{id}."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._actions = {
            str(each.subject["id"]): each
            for each in service.world.happenings
            if each.resource == "attachmentActions" and isinstance(each.subject, dict)
        }

    def routes(self) -> list[tuple[str, Handler]]:
        """Return path and handler of each route."""
        return [
            ("/messages", self.listing),
            ("/messages/{id}", self.one),
            ("/attachment/actions/{id}", self.action),
        ]

    async def one(self, request: web.Request) -> web.Response:
        """Answer one message with its current text."""
        message = self.service.world.messages.get(request.match_info["id"])
        if message is None or not self._readable(message):
            raise not_found()
        return reply(self._shown(message, base(request)))

    async def listing(self, request: web.Request) -> web.Response:
        """Answer one page of a room's messages, newest first: 404 for rooms that the officer is not in."""
        query = parameters(request)
        if "roomId" not in query:
            raise ApiError(400, "roomId is required")
        room = self.service.room(query["roomId"])
        inside = any(each.person.key == "officer" for each in room.members_at(self.service.now))
        if not inside and not self.service.switches.list_foreign:
            raise not_found()
        found = [each for each in reversed(room.messages) if self._listed(each, query)]
        return self.service.listing(
            request,
            lambda _cursor: len(found),
            lambda _cursor, start, end: [self._shown(each, base(request)) for each in found[start:end]],
            default=50,
        )

    async def action(self, request: web.Request) -> web.Response:
        """Answer what somebody submitted on a card."""
        happening = self._actions.get(request.match_info["id"])
        if happening is None or happening.at > self.service.now:
            raise not_found()
        return reply(shapes.event_data(happening, happening.at, base(request), self.service.switches))

    def _readable(self, message: Message) -> bool:
        foreign = message.room.foreign and not self.service.world.own(message.author)
        deleted = message.deleted is not None and message.deleted <= self.service.now
        hidden = foreign or (deleted and not self.service.switches.deleted_readable)
        return self.service.kept(message) and not hidden

    def _listed(self, message: Message, query: dict[str, str]) -> bool:
        deleted = message.deleted is not None and message.deleted <= self.service.now
        before = parse_iso(query.get("before") or iso(self.service.now + 1))
        last = self.service.world.messages.get(query.get("beforeMessage", ""))
        parent = query.get("parentId")
        in_thread = not parent or (message.parent is not None and message.parent.id == parent)
        in_time = message.at < before and (last is None or message.at < last.at)
        return self._readable(message) and not deleted and in_thread and in_time

    def _shown(self, message: Message, url: str) -> Json:
        plain = shapes.message(message, self.service.now, url)
        if self.service.locked(message):
            return shapes.encrypted(plain)
        serving.text(self.service.sim.ledger, message, self.service.now)
        return plain
