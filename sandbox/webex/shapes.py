"""The JSON of each resource at a moment, with the fields that the documentation and live probes show.

Optional fields are absent, never null. Moments are ms since 1970 UTC; `base` is the URL up to and with /v1.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.webex.build import org_id, person_id, team_id
from sandbox.webex.ids import draw, iso, public_id, to_ms, uuid_for
from sandbox.webex.script import Person, Team, moment
from sandbox.webex.switches import Switches
from sandbox.webex.world import OWN_ORG, Happening, Membership, Message, Room

Json = dict[str, Any]


def message(subject: Message, now: int, base: str, *, parent: bool = True) -> Json:
    """Return a message as GET /messages/{id} shows it at a moment, without what is empty."""
    version = subject.version_at(now)
    rendered = version.rendered
    edited = version is not subject.versions[0]
    shown = {
        "id": subject.id,
        "parentId": subject.parent.id if parent and subject.parent else None,
        "roomId": subject.room.id_at(now),
        "roomType": subject.room.space.kind,
        "text": rendered.text,
        "markdown": "" if edited else subject.say.markdown,
        "html": rendered.html,
        "files": [f"{base}/contents/{file.id}" for file in subject.files],
        "personId": person_id(subject.author),
        "personEmail": subject.author.email,
        "mentionedPeople": list(rendered.people),
        "mentionedGroups": list(rendered.groups),
        "attachments": _cards(subject),
        "created": iso(subject.at),
        "updated": iso(version.since) if edited else None,
    }
    return {name: value for name, value in shown.items() if value}


def _cards(subject: Message) -> list[Json]:
    card = subject.say.card
    return [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}] if card else []


def encrypted(plain: Json) -> Json:
    """Return a message or room whose text could not be decrypted: ciphertext, and `errors` by field."""
    failure = {"code": "kms_failure", "reason": "Key management server failed to respond appropriately."}
    head = "eyJhbGciOiIiLCJraWQiOiIiLCJlbmMiOiIifQ."
    names = {"text", "html", "markdown", "title"} & plain.keys()
    broken = {name: head + uuid_for(plain["id"], name) for name in names}
    return plain | broken | {"errors": dict.fromkeys(broken, failure)}


def membership(subject: Membership, now: int) -> Json:
    """Return a membership as GET /memberships lists it."""
    return {
        "id": subject.id,
        "roomId": subject.room.id_at(now),
        "roomType": subject.room.space.kind,
        "personId": person_id(subject.person),
        "personEmail": subject.person.email,
        "personDisplayName": subject.person.name,
        "personOrgId": org_id(subject.person.org),
        "isModerator": subject.moderator_at(now),
        "isMonitor": False,
        "created": iso(subject.joined),
    }


def room(subject: Room, now: int, teams: Mapping[str, Team]) -> Json:
    """Return a room as an officer sees it: 1:1 rooms have no title of their own."""
    space = subject.space
    last = max((each.at for each in subject.messages if each.at <= now), default=subject.created)
    shown = {
        "id": subject.id_at(now),
        "title": "Empty Title" if space.kind == "direct" else subject.title_at(now),
        "type": space.kind,
        "isLocked": _locked(subject, now),
        "teamId": next((key for key, team in teams.items() if team.key == space.team), None),
        "lastActivity": iso(last),
        "creatorId": person_id(subject.creator),
        "created": iso(subject.created),
        "ownerId": org_id(space.owner),
        "isAnnouncementOnly": None if space.kind == "direct" else False,
        "isReadOnly": False,
        "isPublic": False,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _locked(subject: Room, now: int) -> bool:
    return any(each.moderator_at(now) for each in subject.members_at(now))


def person(subject: Person, now: int) -> Json:
    """Return a person; presence only inside our organisation."""
    first, _, last = subject.name.partition(" ")
    shown = {
        "id": person_id(subject),
        "emails": [subject.email],
        "displayName": subject.name,
        "nickName": first,
        "firstName": first,
        "lastName": last,
        "orgId": org_id(subject.org),
        "created": "2025-09-01T09:12:45.310Z",
        "lastModified": "2026-02-20T07:00:01.000Z",
        "type": "bot" if subject.bot else "person",
    }
    own = subject.org == OWN_ORG and not subject.bot
    presence = {"lastActivity": iso(now), "status": "active", "invitePending": False, "loginEnabled": True}
    return shown | (presence if own else {})


def team(subject: Team) -> Json:
    """Return a team."""
    return {"id": team_id(subject), "name": subject.name, "created": iso(to_ms(moment(subject.created)))}


def team_membership(subject: Team, member: Person) -> Json:
    """Return somebody's membership of a team."""
    inner = f"{uuid_for('person', member.key)}:{uuid_for('team', subject.key)}"
    return {
        "id": public_id("TEAM_MEMBERSHIP", inner),
        "teamId": team_id(subject),
        "personId": person_id(member),
        "personEmail": member.email,
        "personDisplayName": member.name,
        "personOrgId": org_id(member.org),
        "isModerator": member.key == subject.members[0],
        "created": iso(to_ms(moment(subject.created))),
    }


def event(subject: Happening, data: Json, switches: Switches) -> Json:
    """Return an item of the feed around its data."""
    shown = {
        "id": subject.id,
        "resource": subject.resource,
        "type": subject.type,
        "actorId": person_id(subject.actor),
        "created": iso(subject.at),
        "data": data,
    }
    return shown | _org_and_app(subject, switches.org_and_app)


def _org_and_app(subject: Happening, mode: str) -> Json:
    full = {
        "orgId": org_id(OWN_ORG),
        "appId": public_id("APPLICATION", "C" + uuid_for("app").replace("-", "")),
    }
    if mode != "mixed":
        return full if mode == "present" else {}
    return ({}, {}, {"orgId": full["orgId"], "appId": "null"}, {"orgId": full["orgId"], "appId": None}, full)[
        draw(5, "org", subject.id)
    ]


def event_data(subject: Happening, shown_at: int, base: str, switches: Switches) -> Json:
    """Return the data of an event: the resource as it was then, of deletions what the real feed leaves.

    `shown_at` is the moment whose text a message shows.
    """
    thing = subject.subject
    match thing:
        case Message() if subject.type == "deleted":
            plain = message(thing, subject.at, base)
            return {name: plain[name] for name in ("id", "roomId", "roomType", "personId", "personEmail")}
        case Message():
            seen = message(thing, shown_at, base, parent=switches.parent_in_events)
            return seen | {"roomId": thing.room.id_at(subject.at)}
        case Membership():
            return _membership_data(thing, subject)
        case Room():
            return _room_data(thing, subject.at)
        case _:
            return {**thing, "roomId": subject.room.id_at(subject.at), "created": iso(subject.at)}


def _membership_data(thing: Membership, subject: Happening) -> Json:
    data = membership(thing, subject.at)
    if subject.type == "deleted":  # which fields stay is not documented; these are what the sample has
        for name in ("personDisplayName", "created"):
            data.pop(name)
    elif draw(8, "unnamed", subject.id) == 0:  # a working application guards against its absence
        data.pop("personDisplayName")
    return data


def _room_data(thing: Room, now: int) -> Json:
    return {
        "id": thing.id_at(now),
        "title": thing.title_at(now),
        "type": thing.space.kind,
        "isLocked": _locked(thing, now),
        "isPublic": False,
        "isAnnouncementOnly": False,
        "creatorId": person_id(thing.creator),
        "created": iso(thing.created),
    }
