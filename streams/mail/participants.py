"""Who took part in a slice or could read it, each once, in an order that the sorted slice alone decides."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.ids import digest
from schemas.records import Event, Person
from streams.mail.clean import one_line
from streams.mail.headers import mailbox

_MEMBER_KINDS: Final = frozenset(("roster", "joined", "left", "role", "transfer", "opened", "closed"))
_SPEECH: Final = frozenset(("message", "file", "answer", "updated", "deleted"))
_RANK: Final = {"manager": 0, "agent": 0, "moderator": 0, "member": 0, "consumer": 2, "bot": 3}
_OTHER_RANK: Final = 1

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_SAFE_ID: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9])){0,50}")
_UNSAFE_ID: Final = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_ADDRESS: Final = 254  # characters (RFC 5321, 4.5.3.1.3, without the angle brackets)
_NAME_LIMIT: Final = 250  # characters of a name in a header; the body and the record have it whole


class Cast(NamedTuple):
    """The people of a slice."""

    people: list[Person]
    addresses: list[str | None]  # beside each of them: the address as headers carry it
    email: list[str]
    unaddressed: list[Person]
    initiator: int  # index into people; -1 when there is nobody


def cast_of(events: Iterable[Event], known: Iterable[Person] = ()) -> Cast:
    """Everybody who acted, was a member, joined or left, then `known`; never people who were only mentioned."""
    found = _Found()
    for event in events:
        for person in present(event):
            spot = found.add(person)
            if found.first_speaker < 0 and event["kind"] in _SPEECH:
                found.first_speaker = spot  # who spoke: nobody else is present in speech
    for person in known:
        found.add(person)
    return _ordered(found)


def people_of(people: Iterable[Person]) -> list[Person]:
    """The people of a cast, of those who are present in its events, in order, then of those known; repeats change nothing."""
    found = _Found()
    for person in people:
        found.add(person)
    return _ordered(found).people


def present(event: Event) -> list[Person]:
    """Who acted, and who was a member, joined or left, in this order."""
    actor = _speaker(event)
    acted = [] if actor is None or actor["role"] == "system" else [actor]
    return [*acted, *event["people"]] if event["people"] and event["kind"] in _MEMBER_KINDS else acted


def _speaker(event: Event) -> Person | None:
    """Who acted; for a message that the source itself took away, its author: that is no system's conversation."""
    actor, people = event["actor"], event["people"]
    by_system = actor is not None and actor["role"] == "system"
    return people[0] if by_system and people and event["kind"] in _SPEECH else actor


class _Found:
    """People by first appearance; the same id, or else the same address, is the same person."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.addresses: list[str | None] = []
        self.spots: dict[str, int] = {}
        self.first_speaker = -1

    def add(self, person: Person) -> int:
        """Where the person stands; what was unknown of them before is filled in."""
        key = person["id"] or f"\0{person['name']}\0{person['email']}"
        spot = self.spots.get(key)
        if spot is None:
            return self._new(key, person)
        known = self.people[spot]
        if known is not person and (not known["name"] or not known["email"] or known["role"] == "unknown"):
            self._fill(spot, known, person)
        return spot

    def _new(self, key: str, person: Person) -> int:
        address = header_address(person["email"])
        by_address = "" if address is None else f"\1{address.lower()}"
        spot = self.spots.get(by_address, -1)
        if spot < 0:
            spot = len(self.people)
            self.people.append(person)
            self.addresses.append(address)
        else:
            self._fill(spot, self.people[spot], person)
        self.spots[key] = spot
        if address is not None:
            self.spots[by_address] = spot
        return spot

    def _fill(self, spot: int, known: Person, person: Person) -> None:
        email = known["email"] or person["email"]
        if self.addresses[spot] is None:
            self.addresses[spot] = header_address(person["email"])
            email = email if self.addresses[spot] is None else person["email"]
        self.people[spot] = {
            "id": known["id"],
            "name": known["name"] or person["name"],
            "email": email,
            "role": person["role"] if known["role"] == "unknown" else known["role"],
        }


def _ordered(found: _Found) -> Cast:
    """By class of role, then first appearance (which is unique, so no id is needed to break a tie)."""
    spots = sorted(
        _survivors(found), key=lambda spot: (_RANK.get(found.people[spot]["role"], _OTHER_RANK), spot)
    )
    people = [found.people[spot] for spot in spots]
    addresses = [found.addresses[spot] for spot in spots]
    return Cast(
        people=people,
        addresses=addresses,
        email=[address for address in addresses if address is not None],
        unaddressed=[person for person, address in zip(people, addresses, strict=True) if address is None],
        initiator=_initiator(found, spots),
    )


def _survivors(found: _Found) -> Iterator[int]:
    """The first of those who turned out, by an address learnt later, to be one."""
    seen: set[str] = set()
    for spot, address in enumerate(found.addresses):
        lowered = None if address is None else address.lower()
        if lowered is None or lowered not in seen:
            yield spot
        if lowered is not None:
            seen.add(lowered)


def _initiator(found: _Found, spots: list[int]) -> int:
    if found.first_speaker in spots:
        return spots.index(found.first_speaker)
    if found.first_speaker < 0:
        return 0 if spots else -1
    address = (found.addresses[found.first_speaker] or "").lower()
    return next(n for n, spot in enumerate(spots) if (found.addresses[spot] or "").lower() == address)


def header_address(email: str | None) -> str | None:
    """The address as a header can carry it (domain in ASCII by IDNA), or None if it can't be one."""
    return _header_address(email) if email and len(email) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=4096)  # the same people write again and again, and each of their mails asks several times
def _header_address(email: str) -> str | None:
    if _ADDRESS.fullmatch(email) is None:
        return _idna_address(email)
    return email if email.index("@") <= 64 else None


def _idna_address(email: str) -> str | None:
    stripped = email.strip(" \t")
    local, at, domain = stripped.rpartition("@")
    if not at:
        return None
    try:
        candidate = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return None
    return (
        candidate
        if _ADDRESS.fullmatch(candidate) and len(candidate) <= _LONGEST_ADDRESS and len(local) <= 64
        else None
    )


def display(person: Person | None) -> str:
    """How a person is called in a transcript: name, else address, else id."""
    if person is None:
        return "Somebody"
    return (
        one_line(person["name"] or "")
        or one_line(person["email"] or "")
        or one_line(person["id"])
        or "Somebody"
    )


def header_mailbox(person: Person, address: str | None, source: str) -> str:
    """`name <address>` for a header; people without one get their id under a domain that can't exist."""
    name = one_line(person["name"] or "", _NAME_LIMIT)
    if address is not None:
        return mailbox(name, address)
    if person["email"]:
        # what could not be written as an address is kept where it can't be sent to
        name = one_line(f"{name} ({person['email']})", _NAME_LIMIT)
    return mailbox(name or one_line(person["id"], _NAME_LIMIT), f"{safe_id(person['id'])}@{source}.invalid")


def safe_id(ident: str) -> str:
    """The id as the left side of an address: itself if it can be one, else a readable start and a hash."""
    if _SAFE_ID.fullmatch(ident):
        return ident
    start = _UNSAFE_ID.sub("-", ident[:24]).strip("-")
    return f"{start}-{digest('person', ident).hex()[:16]}".lstrip("-")
