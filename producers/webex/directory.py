"""What Webex says about people, spaces and teams, asked for once in a while and remembered within bounds."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from producers.webex.client import Client
from producers.webex.feed import listing
from producers.webex.names import same
from producers.webex.reading import Json
from producers.webex.remembered import Remembered
from producers.webex.slices import parse_ms
from producers.webex.spans import MalformedError, loads
from schemas.records import Person, person
from schemas.text import well_formed

LONGEST_ID = 300
"""Characters; Webex's own have about 80."""
AT_A_TIME = 85
"""The most ids that GET /people takes."""


@dataclass(frozen=True)
class Space:
    """A space as it is now; `foreign`: another organisation owns it, and we see our own side only. `raw`: Webex's words."""

    title: str = ""
    type: str = ""
    team_id: str = ""
    team: str = ""
    foreign: bool = False
    raw: bytes = b""


@dataclass(frozen=True)
class Member:
    """A member of a space; `since_ms` is when they joined, None if that was not said."""

    person: Person
    since_ms: int | None = None


@dataclass(frozen=True)
class Members:
    """Who is in a space as of a moment of Webex's clock; people by id, in order of joining."""

    as_of_ms: int
    members: Mapping[str, Member]
    packed: bytes = b""

    @property
    def raw(self) -> bytes:
        """The rows of the list as Webex wrote them, a line each; empty if it was not listed."""
        return zlib.decompress(self.packed) if self.packed else b""


class Directory:
    """Looks up and remembers. Raises SourceRefusedError and SourceUnavailableError from every call."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._people: Remembered[Person | None] = Remembered(86_400, 50_000)
        self._teams: Remembered[str] = Remembered(86_400, 10_000)
        self._spaces: Remembered[Space | None] = Remembered(600, 10_000)
        self._members: Remembered[Members | None] = Remembered(600, 500)
        self._own_org: str | None = None

    def people(self, idents: Iterable[str]) -> dict[str, Person]:
        """Everybody of these whom Webex knows; people whose account was deleted are not among them."""
        wanted_ids = sorted(set(idents))
        unknown = [each for each in wanted_ids if each not in self._people and _askable(each)]
        for start in range(0, len(unknown), AT_A_TIME):
            self._ask_people(unknown[start : start + AT_A_TIME])
        return {each: found for each in wanted_ids if each in self._people and (found := self._people[each])}

    def space(self, room: str) -> Space | None:
        """A space as it is now; None if Webex does not show it."""
        return self._spaces.get(room, lambda: self._ask_space(room))

    def members(self, room: str, since_ms: int) -> Members | None:
        """Who is in a space, not older than `since_ms`; None if Webex does not show it."""
        if room in self._members:
            known = self._members[room]
            if known is None or known.as_of_ms >= since_ms:
                return known
        return self._members.put(room, self._ask_members(room))

    def changed(self, room: str) -> None:
        """A space or its members changed: what is remembered of it is out of date."""
        self._members.forget(room)
        self._spaces.forget(room)

    def _ask_people(self, idents: list[str]) -> None:
        known = {
            each["id"]: _person(each) for each in self._items("/people", {"id": ",".join(idents)}, lone=True)
        }
        for ident in idents:
            self._people.put(ident, known.get(ident))

    def _ask_space(self, room: str) -> Space | None:
        answer = (
            self._client.find(f"/rooms/{quote(room, safe='', errors='replace')}") if _askable(room) else None
        )
        found = as_object(answer.body) if answer else None
        if answer is None or found is None:
            return None
        team_id, kind = _text(found, "teamId"), _text(found, "type")
        shown = "team" if team_id else kind
        team = self._team(team_id)
        return Space(_text(found, "title"), shown, team_id, team, self._foreign(found), answer.body)

    def _ask_members(self, room: str) -> Members | None:
        as_of_ms = self._client.now_ms()
        if self.space(room) is None:
            return None
        pages = listing(self._client, "/memberships", {"roomId": room, "max": "1000"})
        rows = [raw for batch in pages for raw in batch.items]
        found = (each for raw in rows if (each := as_object(raw)))
        members = [_member(each) for each in found if _text(each, "personId")]
        members.sort(key=lambda each: (each.since_ms or 0, each.person["id"]))
        # Packed: some 500 lists are remembered, of up to a few thousand members each
        packed = zlib.compress(b"\n".join(rows), 1)
        return Members(as_of_ms, {each.person["id"]: each for each in members}, packed)

    def _team(self, team_id: str) -> str:
        if not team_id:
            return ""
        path = f"/teams/{quote(team_id, safe='', errors='replace')}"
        return self._teams.get(team_id, lambda: _text(self._object(path) or {}, "name"))

    def _foreign(self, space: Json) -> bool:
        owner = _text(space, "ownerId")
        return bool(owner and self._own() and not same(owner, self._own()))

    def _own(self) -> str:
        if self._own_org is None:
            self._own_org = _text(self._object("/people/me") or {}, "orgId")
        return self._own_org

    def _object(self, path: str) -> Json | None:
        answer = self._client.find(path)
        return as_object(answer.body) if answer else None

    def _items(
        self, path: str, params: Mapping[str, str], *, lone: bool = False
    ) -> Iterator[dict[str, object]]:
        """The objects of a listing that have an id or a person; `lone` for answers of one page."""
        for batch in listing(self._client, path, params):
            for raw in batch.items:
                found = as_object(raw)
                if found and (not lone or _text(found, "id")):
                    yield dict(found)


def _askable(ident: str) -> bool:
    """Whether this can be an id: a list of them is asked for at once, and one that is none would spoil the question."""
    return "," not in ident and len(ident) <= LONGEST_ID


def as_object(raw: bytes) -> Json | None:
    """The JSON object of these bytes; None if it is none."""
    try:
        found = loads(raw)
    except MalformedError:
        return None
    return found if isinstance(found, dict) else None


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _person(found: Json) -> Person:
    emails = found.get("emails")
    email = (
        next((each for each in emails if isinstance(each, str)), None) if isinstance(emails, list) else None
    )
    role = "bot" if found.get("type") == "bot" or _bot(email) else "member"
    name = _text(found, "displayName")
    return person(
        well_formed(_text(found, "id")), well_formed(name) or None, well_formed(email or "") or None, role
    )


def _member(found: Json) -> Member:
    email, name = _text(found, "personEmail"), _text(found, "personDisplayName")
    role = "bot" if _bot(email) else "moderator" if found.get("isModerator") is True else "member"
    who = person(_text(found, "personId"), well_formed(name) or None, well_formed(email) or None, role)
    return Member(who, parse_ms(found.get("created")))


def _bot(email: str | None) -> bool:
    return (email or "").lower().endswith("@webex.bot")
