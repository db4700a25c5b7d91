"""Which spaces are collected. Pure. What can't be known is collected: too much can be left out later, not fetched."""

from collections.abc import Iterable
from dataclasses import dataclass

from producers.webex.names import same
from producers.webex.settings import SpaceFilter
from schemas.records import Person


@dataclass(frozen=True)
class SpaceFacts:
    """What the filters ask; `team` None and `people` empty where it is not known."""

    room: str
    team: str | None
    people: tuple[Person, ...]


def wanted_space(include: SpaceFilter, exclude: SpaceFilter, facts: SpaceFacts) -> bool:
    """True if a space is to be collected."""
    return _included(include, facts) and not _excluded(exclude, facts)


def _included(include: SpaceFilter, facts: SpaceFacts) -> bool:
    if include.empty or _named(include, facts):
        return True
    unknown_team = bool(include.teams) and facts.team is None
    unknown_people = bool(include.people) and not facts.people
    return unknown_team or unknown_people or any(_listed(each, include.people) for each in facts.people)


def _excluded(exclude: SpaceFilter, facts: SpaceFacts) -> bool:
    if _named(exclude, facts):
        return True
    return bool(facts.people) and all(_listed(each, exclude.people) for each in facts.people)


def _named(rule: SpaceFilter, facts: SpaceFacts) -> bool:
    by_team = bool(facts.team) and any(same(facts.team or "", each) for each in rule.teams)
    return by_team or any(same(facts.room, each) for each in rule.spaces)


def _listed(who: Person, names: Iterable[str]) -> bool:
    email = (who["email"] or "").lower()
    return any(each.lower() == email or same(each, who["id"]) for each in names)
