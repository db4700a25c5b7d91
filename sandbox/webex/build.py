"""Turns what is written (sandbox.webex.script) into what there is (sandbox.webex.world)."""

from collections.abc import Mapping

from sandbox.webex.ids import draw, public_id, to_ms, uuid_for
from sandbox.webex.markup import Rendered, render
from sandbox.webex.script import (
    Answer,
    Delete,
    Edit,
    Join,
    Leave,
    Migrate,
    Moderate,
    Odd,
    Person,
    Retitle,
    Say,
    Space,
    Step,
    Story,
    Team,
    moment,
)
from sandbox.webex.world import (
    OTHER_CLUSTER,
    Happening,
    Membership,
    Message,
    Room,
    StoredFile,
    Version,
    World,
)


class StoryError(ValueError):
    """A story that can't have happened, such as an edit before its message; the text names space and step."""


def build(story: Story) -> World:
    """Return the world of a story. Raises StoryError where the story contradicts itself."""
    builder = _Builder(story)
    for space in story.spaces:
        _Room(builder, space).play()
    return builder.world()


def org_id(org: str) -> str:
    """Return the id of an organisation by its key."""
    return public_id("ORGANIZATION", uuid_for("org", org))


class _Builder:
    """What all rooms share while the world is built."""

    def __init__(self, story: Story) -> None:
        self.people = {each.key: each for each in story.people}
        self.ids = {key: public_id("PEOPLE", uuid_for("person", key)) for key in self.people}
        self.names = {key: (self.ids[key], each.name) for key, each in self.people.items()}
        self.generals = {team.general: team for team in story.teams}
        self.teams = story.teams
        self.happenings: list[Happening] = []
        self.rooms: list[Room] = []

    def world(self) -> World:
        happenings = sorted(self.happenings, key=lambda each: (each.at, each.id))
        messages = {each.id: each for room in self.rooms for each in room.messages}
        return World(
            happenings=tuple(happenings),
            events={each.id: each for each in happenings},
            people={self.ids[key]: each for key, each in self.people.items()},
            person_ids=self.ids,
            teams={public_id("TEAM", uuid_for("team", each.key)): each for each in self.teams},
            rooms=tuple(self.rooms),
            rooms_by_id=_by_any_id(self.rooms),
            messages=messages,
            contents={file.id: file for each in messages.values() for file in each.files},
        )


def _by_any_id(rooms: list[Room]) -> Mapping[str, Room]:
    moved = {public_id("ROOM", room.uuid, OTHER_CLUSTER): room for room in rooms if room.migrated is not None}
    return moved | {public_id("ROOM", room.uuid): room for room in rooms}


class _Room:
    """Plays one space's steps."""

    def __init__(self, builder: _Builder, space: Space) -> None:
        self.builder, self.space = builder, space
        created = to_ms(moment(space.created)) + draw(3_600_000, space.key, "created")
        team = builder.generals.get(space.key)
        uuid = uuid_for("team", team.key) if team else uuid_for("room", space.key)
        creator = builder.people[space.members[0]]
        self.room = Room(space, uuid, created, creator, [(created, space.title)])
        self.refs: dict[str, Message] = {}
        self.count = 0

    def play(self) -> None:
        """Let everything happen in its order."""
        self.builder.rooms.append(self.room)
        for index, key in enumerate(self.space.members):
            self._enter(self.room.created + index * 700, key, self.space.members[0])
        for step in self.space.steps:
            self.count += 1
            self._step(step, self._at(step))

    def _at(self, step: Step) -> int:
        return to_ms(moment(step.at)) + draw(1000, self.space.key, self.count)

    def _step(self, step: Step, at: int) -> None:
        match step:
            case Say():
                self._say(step, at)
            case Edit():
                self._edit(step, at)
            case Delete():
                self._delete(step, at)
            case Join():
                self._enter(at, step.who, step.by or step.who)
            case Leave():
                self._leave(step, at)
            case _:
                self._other(step, at)

    def _other(self, step: Moderate | Retitle | Answer | Migrate | Odd, at: int) -> None:
        match step:
            case Moderate():
                membership = self._membership(step.who, at)
                membership.moderator.append((at, step.on))
                self._happen(at, "memberships", "updated", step.by, membership)
            case Retitle():
                self.room.titles.append((at, step.title))
                self._happen(at, "rooms", "updated", step.by, self.room)
            case Answer():
                self._answer(step, at)
            case Migrate():
                self.room.migrated = at
                self._happen(at, "rooms", "migrated", self.room.creator.key, self.room)
            case Odd():
                data = {"id": self._id("ODD"), **step.data}
                self._happen(at, step.resource, step.type, step.who, data)

    def _say(self, step: Say, at: int) -> None:
        inner = uuid_for("message", self.space.key, self.count)
        first = Version(at, self._event_id("messages", "created"), self._render(step.text, step.html))
        parent = self._message(step.reply, at) if step.reply else None
        author = self.builder.people[step.who]
        message = Message(public_id("MESSAGE", inner), self.room, author, at, step, parent, [first])
        message.files = tuple(
            StoredFile(public_id("CONTENT", f"{inner}/{index}"), file, message)
            for index, file in enumerate(step.files)
        )
        self.room.messages.append(message)
        if step.ref:
            self.refs[step.ref] = message
        self._happen(at, "messages", "created", step.who, message)

    def _edit(self, step: Edit, at: int) -> None:
        message = self._message(step.ref, at)
        event = self._event_id("messages", "updated")
        message.versions.append(Version(at, event, self._render(step.text, step.html)))
        self._happen(at, "messages", "updated", message.author.key, message)

    def _delete(self, step: Delete, at: int) -> None:
        message = self._message(step.ref, at)
        message.deleted = at
        self._happen(at, "messages", "deleted", step.by or message.author.key, message)

    def _enter(self, at: int, who: str, by: str) -> None:
        person = self.builder.people[who]
        inner = f"{uuid_for('person', who)}:{self.room.uuid}"
        membership = Membership(self.room, person, public_id("MEMBERSHIP", inner), at)
        if who == self.space.members[0] and self.space.team:
            membership.moderator.append((at, True))
        self.room.memberships.append(membership)
        self._happen(at, "memberships", "created", by, membership)

    def _leave(self, step: Leave, at: int) -> None:
        membership = self._membership(step.who, at)
        membership.left = at
        self._happen(at, "memberships", "deleted", step.by or step.who, membership)

    def _answer(self, step: Answer, at: int) -> None:
        data = {
            "id": self._id("ATTACHMENT_ACTION"),
            "personId": self.builder.ids[step.who],
            "type": "submit",
            "messageId": self._message(step.ref, at).id,
            "inputs": dict(step.inputs),
        }
        self._happen(at, "attachmentActions", "created", step.who, data)

    def _happen(
        self,
        at: int,
        resource: str,
        type_: str,
        who: str,
        subject: Message | Membership | Room | Mapping[str, object],
    ) -> None:
        event = self._event_id(resource, type_, "" if self.count else str(len(self.room.memberships)))
        actor = self.builder.people[who]
        self.builder.happenings.append(Happening(at, event, resource, type_, actor, self.room, subject))

    def _event_id(self, *names: str) -> str:
        return public_id(
            "EVENT", uuid_for("event", self.space.key, self.count, *(each for each in names if each))
        )

    def _id(self, kind: str) -> str:
        return public_id(kind, uuid_for(kind, self.space.key, self.count))

    def _render(self, text: str, html: str) -> Rendered:
        return render(text, self.builder.names, html)

    def _message(self, ref: str, at: int) -> Message:
        message = self.refs.get(ref)
        if message is None or message.at >= at:
            raise self._wrong("there is no such message yet:", ref)
        return message

    def _membership(self, who: str, at: int) -> Membership:
        for membership in self.room.members_at(at):
            if membership.person.key == who:
                return membership
        raise self._wrong("not a member:", who)

    def _wrong(self, what: str, name: str) -> StoryError:
        return StoryError(f"{self.space.key}, step {self.count}: {what} {name}")


def team_id(team: Team) -> str:
    """Return a team's id."""
    return public_id("TEAM", uuid_for("team", team.key))


def person_id(person: Person) -> str:
    """Return a person's id."""
    return public_id("PEOPLE", uuid_for("person", person.key))
