"""What there is: rooms, messages, memberships and everything that happens to them, by their ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.webex.ids import public_id
from sandbox.webex.markup import Rendered
from sandbox.webex.script import File, Person, Say, Space, Team

OTHER_CLUSTER = "urn:TEAM:eu-central-1_k"
OWN_ORG = "bank"
"""The organisation whose compliance officer asks."""


@dataclass(slots=True, eq=False)
class Room:
    """A space with its history; moments are ms since 1970 UTC."""

    space: Space
    uuid: str
    created: int
    creator: Person
    titles: list[tuple[int, str]]
    migrated: int | None = None
    memberships: list["Membership"] = field(default_factory=list)
    messages: list["Message"] = field(default_factory=list)

    def id_at(self, now: int) -> str:
        """Return the room id at a moment: it changes when the space moves to another region."""
        moved = self.migrated is not None and now >= self.migrated
        return public_id("ROOM", self.uuid, OTHER_CLUSTER) if moved else public_id("ROOM", self.uuid)

    def title_at(self, now: int) -> str:
        """Return the title at a moment."""
        return [title for since, title in self.titles if since <= now or since == self.created][-1]

    def members_at(self, now: int) -> list["Membership"]:
        """Return who is a member at a moment, in order of joining."""
        return [each for each in self.memberships if each.holds_at(now)]

    @property
    def foreign(self) -> bool:
        """True if another organisation owns the space, so that its officer sees what ours does not."""
        return self.space.owner != OWN_ORG and self.space.kind == "group"


@dataclass(slots=True, eq=False)
class Membership:
    """One stay of a person in a room."""

    room: Room
    person: Person
    id: str
    joined: int
    left: int | None = None
    moderator: list[tuple[int, bool]] = field(default_factory=list)

    def holds_at(self, now: int) -> bool:
        """Say whether the person is in the room at a moment."""
        return self.joined <= now and (self.left is None or now < self.left)

    def moderator_at(self, now: int) -> bool:
        """Say whether the person moderates the room at a moment."""
        return any([on for since, on in self.moderator if since <= now][-1:])


@dataclass(slots=True, eq=False)
class StoredFile:
    """A file of a message under its content id."""

    id: str
    file: File
    message: "Message"


@dataclass(frozen=True, slots=True)
class Version:
    """A text of a message, from a moment on; `event` is the id of the event that brought it."""

    since: int
    event: str
    rendered: Rendered


@dataclass(slots=True, eq=False)
class Message:
    """A message with all its texts."""

    id: str
    room: Room
    author: Person
    at: int
    say: Say
    parent: "Message | None"
    versions: list[Version]
    files: tuple[StoredFile, ...] = ()
    deleted: int | None = None

    def version_at(self, now: int) -> Version:
        """Return the text that was current at a moment."""
        return [each for each in self.versions if each.since <= now or each is self.versions[0]][-1]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of the feed; `subject` is what it is about, or the data itself where nothing else knows it."""

    at: int
    id: str
    resource: str
    type: str
    actor: Person
    room: Room
    subject: Message | Membership | Room | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class World:
    """All of it. `happenings` are in order of time; everything else is found by id."""

    happenings: tuple[Happening, ...]
    events: Mapping[str, Happening]
    people: Mapping[str, Person]
    person_ids: Mapping[str, str]
    teams: Mapping[str, Team]
    rooms: tuple[Room, ...]
    rooms_by_id: Mapping[str, Room]
    messages: Mapping[str, Message]
    contents: Mapping[str, StoredFile]

    def own(self, person: Person) -> bool:
        """Say whether the person belongs to our organisation."""
        return person.org == OWN_ORG
