"""Who could read a space on a day: the roster event that comes first in a slice (rule 6).

The first roster of a slice wins; every later change is a membership event. Its provenance is said:

observed            the members as Webex listed them on that day
reconstructed       listed later, and taken back to the day's begin by the membership events since
current-unverified  listed later, and the events since are not to be had; or not listed at all
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from producers.source import Slice
from producers.webex.cache import Move
from producers.webex.directory import Member, Members, Space
from producers.webex.slices import iso
from schemas.ids import event_id
from schemas.records import Event, Person, event
from schemas.text import well_formed


@dataclass(frozen=True)
class Listing:
    """What is known about the members of a space for one slice.

    `members` None: Webex does not list them. `moves`: who came and went from the slice's begin to that listing;
    None: not to be had. `others`: who is known to have been there by what they did.
    """

    space: Space | None
    members: Members | None
    moves: Sequence[Move] | None
    others: Sequence[str] = ()
    alias: str | None = None


def present(listing: Listing, day: Slice) -> tuple[list[str], str, int]:
    """Ids of the members in a stable order, provenance, and the moment as of which they are given."""
    listed = listing.members
    if listed is None:
        return sorted(set(listing.others)), "current-unverified", day.end_ms
    early = [key for key, each in listed.members.items() if (each.since_ms or 0) < day.end_ms]
    if day.start_ms <= listed.as_of_ms < day.end_ms:
        return early, "observed", listed.as_of_ms
    if listing.moves is None:
        return _with(early, listing.others), "current-unverified", listed.as_of_ms
    return _with(rolled_back(early, listing.moves), ()), "reconstructed", day.start_ms


def rolled_back(now: Iterable[str], moves: Sequence[Move]) -> list[str]:
    """Who was there before these moves (in order of time), given who is there after them."""
    there = dict.fromkeys(now)
    for move in reversed(moves):
        if move.kind == "joined":
            there.pop(move.person, None)
        else:
            there[move.person] = None
    return list(there)


def roster_key(day: Slice, *, own_day: bool) -> str:
    """The source key of a slice's roster. Where capture time chose the bounds, each day of capture has its own.

    So a day that really comes has the roster of that day, although an event had claimed to be of it long before.
    """
    return f"roster:{day.conversation}:{day.label}" + ("" if own_day else f":{day.start_ms}")


def roster_event(uid: str, key: str, day: Slice, listing: Listing, people: Mapping[str, Person]) -> Event:
    """The roster event of a slice under its `roster_key`; `people` are all of its members, resolved."""
    idents, provenance, as_of_ms = present(listing, day)
    members = [_as_member(people[each], listing.members) for each in idents]
    members.sort(key=lambda each: (each["name"] or each["email"] or "", each["id"]))
    # The id does not depend on who is listed: the first roster of a slice wins (rule 6), and a slice that is
    # collected again gets the same mail (decision 4).
    made = event(event_id(uid, key), key, "roster", day.start_ms)
    made["order"] = -1  # before anything that happened in the slice's first millisecond
    made["people"] = members
    made["raw"] = b"\n".join(_raw(listing))
    made["details"] = {"as_of": iso(as_of_ms), "provenance": provenance} | _space_details(listing, members)
    return made


def _raw(listing: Listing) -> list[bytes]:
    """What Webex said of the space and of its members, verbatim (rule 2)."""
    space = listing.space.raw if listing.space else b""
    members = listing.members.raw if listing.members else b""
    return [each for each in (space, members) if each]


def _as_member(found: Person, listed: Members | None) -> Person:
    member = listed.members.get(found["id"]) if listed else None
    if member is None or found["role"] == "bot":
        return found
    known = member.person
    return {
        **found, "role": known["role"], "name": found["name"] or known["name"], "email": found["email"] or known["email"],
    }  # fmt: skip


def _space_details(listing: Listing, members: Sequence[Person]) -> dict[str, str]:
    space = listing.space or Space()
    title = space.title
    if space.type == "direct":  # an officer reads "Empty Title"
        title = ", ".join(each["name"] or each["email"] or each["id"] for each in members)
    details = {
        "title": well_formed(title), "space_type": well_formed(space.type), "team": well_formed(space.team),
        "visibility": "own side only" if space.foreign else "", "alias": well_formed(listing.alias or ""),
    }  # fmt: skip
    return {name: value for name, value in details.items() if value}


def _with(idents: Iterable[str], more: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*idents, *more]))


def listed_people(members: Members | None) -> dict[str, Person]:
    """Members by id, as the listing names them."""
    found: Mapping[str, Member] = members.members if members else {}
    return {key: each.person for key, each in found.items()}
