"""Rooms, memberships, people and teams."""

from aiohttp import web

from sandbox.webex import serving, shapes
from sandbox.webex.build import person_id
from sandbox.webex.ids import to_ms
from sandbox.webex.script import Person, moment
from sandbox.webex.service import ApiError, Handler, Json, Service, not_found, parameters, reply
from sandbox.webex.world import Membership, Room

OFFICER = "officer"


class DirectoryRoutes:
    """What is known of spaces and people at the clock's moment."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.world = service.world
        self._by_person: dict[str, list[Membership]] = {}
        for room in self.world.rooms:
            for each in room.memberships:
                self._by_person.setdefault(each.person.key, []).append(each)

    def routes(self) -> list[tuple[str, Handler]]:
        """Return path and handler of each route."""
        return [
            ("/rooms", self.rooms),
            ("/rooms/{id}", self.room),
            ("/memberships", self.memberships),
            ("/memberships/{id}", self.membership),
            ("/people", self.people),
            ("/people/{id}", self.person),
            ("/teams", self.teams),
            ("/teams/{id}", self.team),
            ("/team/memberships", self.team_memberships),
        ]

    async def rooms(self, request: web.Request) -> web.Response:
        """Answer the officer's own rooms, not those of the organisation."""
        found = [each.room for each in self._held_by(OFFICER)]
        return self.service.listing(
            request,
            lambda _cursor: len(found),
            lambda _cursor, start, end: [self._room(each) for each in found[start:end]],
        )

    async def room(self, request: web.Request) -> web.Response:
        """Answer one room, also one that the officer is not in."""
        return reply(self._room(self.service.room(request.match_info["id"])))

    async def memberships(self, request: web.Request) -> web.Response:
        """Answer the members of a room, or the rooms of a person: of those, only what we own is shown."""
        query = parameters(request)
        rows = self._asked(query)
        by_room = "roomId" in query

        def show(_cursor: object, start: int, end: int) -> list[Json]:
            return [self._membership(each) for each in rows[start:end] if by_room or not each.room.foreign]

        return self.service.listing(request, lambda _cursor: len(rows), show)

    async def membership(self, request: web.Request) -> web.Response:
        """Answer one membership."""
        for room in self.world.rooms:
            for each in room.members_at(self.service.now):
                if each.id == request.match_info["id"]:
                    return reply(self._membership(each))
        raise not_found()

    async def people(self, request: web.Request) -> web.Response:
        """Answer people by ids (up to 85), e-mail address or name; nobody but an administrator lists all."""
        query = parameters(request)
        if not query.keys() & {"id", "email", "displayName"}:
            raise ApiError(400, "Email, displayName, or id list should be specified.")
        wanted = [each for each in query.get("id", "").split(",") if each]
        if len(wanted) > 85:
            raise ApiError(400, "Too many ids: at most 85 are allowed.")
        found = [each for key, each in self.world.people.items() if self._matches(key, each, query, wanted)]
        missing = [each for each in wanted if each not in {person_id(person) for person in found}]
        body: Json = {"notFoundIds": missing} if missing else {}
        return reply(body | {"items": [self._person(each) for each in found]})

    async def person(self, request: web.Request) -> web.Response:
        """Answer one person; those whose account was deleted are not found."""
        wanted = request.match_info["id"]
        person = self.world.people.get(self.world.person_ids[OFFICER] if wanted == "me" else wanted)
        if person is None or self._gone(person):
            raise not_found()
        return reply(self._person(person))

    async def teams(self, request: web.Request) -> web.Response:
        """Answer the officer's own teams."""
        found = [each for each in self.world.teams.values() if OFFICER in each.members]
        return self.service.listing(
            request,
            lambda _cursor: len(found),
            lambda _cursor, start, end: [shapes.team(each) for each in found[start:end]],
        )

    async def team(self, request: web.Request) -> web.Response:
        """Answer one team."""
        team = self.world.teams.get(request.match_info["id"])
        if team is None:
            raise not_found()
        return reply(shapes.team(team))

    async def team_memberships(self, request: web.Request) -> web.Response:
        """Answer the members of a team."""
        team = self.world.teams.get(parameters(request).get("teamId", ""))
        if team is None:
            raise not_found()
        found = [self.world.people[self.world.person_ids[key]] for key in team.members]
        return self.service.listing(
            request,
            lambda _cursor: len(found),
            lambda _cursor, start, end: [shapes.team_membership(team, each) for each in found[start:end]],
        )

    def _held_by(self, key: str) -> list[Membership]:
        held = (each for each in self._by_person.get(key, []) if self.service.seen(each.room))
        return [each for each in held if each.holds_at(self.service.now)]

    def _asked(self, query: dict[str, str]) -> list[Membership]:
        person = self._wanted(query)
        if "roomId" not in query:
            return self._held_by(person.key if person else OFFICER)
        rows = self.service.room(query["roomId"]).members_at(self.service.now)
        return [each for each in rows if person in {None, each.person}]

    def _wanted(self, query: dict[str, str]) -> Person | None:
        if not query.keys() & {"personEmail", "personId"}:
            return None
        email = query.get("personEmail", "").lower()
        for key, person in self.world.people.items():
            if query.get("personId") == key or person.email.lower() == email:
                return person
        raise not_found()

    def _gone(self, person: Person) -> bool:
        return bool(person.gone) and to_ms(moment(person.gone)) <= self.service.now

    def _matches(self, key: str, person: Person, query: dict[str, str], wanted: list[str]) -> bool:
        name = query.get("displayName", "").lower()
        email = query.get("email", "").lower()
        by_name = bool(name) and person.name.lower().startswith(name)
        return not self._gone(person) and (key in wanted or person.email.lower() == email or by_name)

    def _room(self, room: Room) -> Json:
        shown = shapes.room(room, self.service.now, self.world.teams)
        titles = int(self.service.switches.kms_titles)
        broken = titles > 0 and self.service.failing(f"title {shown['id']}", titles)
        return shapes.encrypted(shown) if broken else shown

    def _membership(self, each: Membership) -> Json:
        serving.name(self.service.sim.ledger, each.person, each.room, self.service.now)
        return shapes.membership(each, self.service.now)

    def _person(self, person: Person) -> Json:
        serving.name(self.service.sim.ledger, person, None, self.service.now)
        return shapes.person(person, self.service.now)
