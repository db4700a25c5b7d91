"""Who took part, with names and addresses as known at capture (identity is resolved at capture: stream code looks nothing up)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from producers.liveperson.spans import Row
from producers.liveperson.values import ERASED, fact, first_fact, listed, mapped
from schemas.records import Person

_AGENT_SECTIONS = ("agentParticipants", "agentParticipantsActive", "agentParticipantsLeave")


def address(text: str | None) -> str | None:
    """The text if it looks like an e-mail address."""
    if text is None or text.count("@") != 1 or any(mark in text for mark in " ,;<>\r\n\t"):
        return None
    local, _, domain = text.partition("@")
    return text if local and "." in domain.strip(".") else None


@dataclass(frozen=True)
class User:
    """An agent as the users API shows it."""

    id: str
    pid: str | None
    name: str | None
    email: str | None
    role: str


def user_of(shown: dict[str, Any]) -> User | None:
    """A row of the users API; None if it has no id."""
    ident = fact(shown.get("id"))
    if ident is None:
        return None
    name = first_fact(shown, "fullName", "nickname", "loginName")
    email = address(fact(shown.get("email"))) or address(fact(shown.get("loginName")))
    role = _agent_role(first_fact(shown, "userTypeId", "userType"), "")
    return User(ident, fact(shown.get("pid")), name, email, role)


@dataclass(frozen=True)
class Directory:
    """All agents of the account, former ones too."""

    users: tuple[User, ...] = ()

    @cached_property
    def _by_id(self) -> dict[str, User]:
        by_pid = {user.pid: user for user in self.users if user.pid}
        return by_pid | {user.id: user for user in self.users}

    def find(self, ident: str | None) -> User | None:
        """The agent with this id or pid."""
        return self._by_id.get(ident) if ident else None


@dataclass(frozen=True)
class Cast:
    """Everybody in one row."""

    agents: dict[str, Person]
    consumers: dict[str, Person]
    directory: Directory = field(repr=False)

    def everybody(self) -> tuple[Person, ...]:
        """Each of them once, consumers first."""
        found = {person["id"]: person for person in (*self.consumers.values(), *self.agents.values())}
        return tuple(found.values())

    def person(self, ident: str | None, sent_by: str = "") -> Person | None:
        """Who has this participant id; falls back on what `sentBy` says, None if that is nothing."""
        if ident is None:
            alone = list(self.consumers.values())
            return alone[0] if sent_by.lower() == "consumer" and len(alone) == 1 else None
        known = self.agents.get(ident) or self.consumers.get(ident)
        return known or _from_directory(self.directory, ident) or _stranger(ident, sent_by)


def cast_of(row: Row, directory: Directory) -> Cast:
    """Everybody whom the row names, resolved."""
    agents: dict[str, Person] = {}
    for shown in agent_rows(row):
        found = _agent(shown, directory)
        for ident in (fact(shown.get("agentId")), fact(shown.get("agentPid"))):
            if found and ident:
                agents.setdefault(ident, found)
    return Cast(agents, _consumers(row), directory)


def agent_rows(row: Row) -> Iterable[dict[str, Any]]:
    """The agents as the row lists them, several times each."""
    return [mapped(shown) for name in _AGENT_SECTIONS for shown in listed(row.section(name))]


def _agent(shown: dict[str, Any], directory: Directory) -> Person | None:
    ident = first_fact(shown, "agentId", "agentPid")
    if ident is None:
        return None
    user = directory.find(ident) or directory.find(fact(shown.get("agentPid")))
    name = first_fact(shown, "agentFullName", "agentNickname", "agentLoginName") or (user and user.name)
    email = (user and user.email) or address(fact(shown.get("agentLoginName")))
    role = _agent_role(fact(shown.get("userType")), fact(shown.get("role")) or "")
    if user and user.role != "agent" and role == "agent":
        role = user.role
    return Person(id=user.id if user else ident, name=name or None, email=email or None, role=role)


def _agent_role(user_type: str | None, role: str) -> str:
    kinds = {"0": "system", "2": "bot"}
    return kinds.get(user_type or "", "manager" if "MANAGER" in role.upper() else "agent")


def _from_directory(directory: Directory, ident: str) -> Person | None:
    user = directory.find(ident)
    return Person(id=user.id, name=user.name, email=user.email, role=user.role) if user else None


def _stranger(ident: str, sent_by: str) -> Person:
    roles = {"agent": "agent", "consumer": "consumer", "system": "system", "controller": "system"}
    return Person(id=ident, name=None, email=None, role=roles.get(sent_by.lower(), "unknown"))


def _consumers(row: Row) -> dict[str, Person]:
    told = personal_info(row)
    found: dict[str, Person] = {}
    for shown in map(mapped, listed(row.section("consumerParticipants", "consumerParticipant"))):
        ident = fact(shown.get("participantId"))
        if ident is not None:
            found[ident] = _consumer(ident, shown, told)
    return found


def _consumer(ident: str, shown: dict[str, Any], told: dict[str, str]) -> Person:
    parts = [part for part in (_name(shown.get("firstName")), _name(shown.get("lastName"))) if part]
    name = " ".join(parts) or _name(shown.get("consumerName")) or told.get("name")
    email = address(fact(shown.get("email"))) or told.get("email")
    return Person(id=ident, name=name, email=email, role="consumer")


def _name(value: object) -> str | None:
    """The name; None for an erased one, since the archive may know the person from before."""
    told = fact(value)
    return None if told is None or ERASED in told else told


def personal_info(row: Row) -> dict[str, str]:
    """Name and e-mail of the consumer from engagement attributes; authenticated ones are trusted first."""
    told: dict[str, str] = {}
    for section in ("sdes", "unAuthSdes"):
        for event in map(mapped, listed(mapped(row.section(section)).get("events"))):
            outer = mapped(event.get("personalInfo"))
            for key, value in _personal(mapped(outer.get("personalInfo")) or outer).items():
                told.setdefault(key, value)
    return told


def _personal(info: dict[str, Any]) -> dict[str, str]:
    contacts = [mapped(mapped(each).get("personalContact")) for each in listed(info.get("contacts"))]
    emails = [found for each in contacts if (found := address(fact(each.get("email"))))]
    name = " ".join(part for part in (_name(info.get("name")), _name(info.get("surname"))) if part)
    return ({"email": emails[0]} if emails else {}) | ({"name": name} if name else {})
