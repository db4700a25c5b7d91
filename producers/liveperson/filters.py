"""Which conversations a connector collects: include and exclude lists of skills and agent groups. Pure."""

from collections.abc import Iterable
from typing import Any

from producers.liveperson.people import agent_rows
from producers.liveperson.settings import FilterSettings
from producers.liveperson.spans import Row
from producers.liveperson.values import fact, listed, mapped


def wanted(row: Row, filters: FilterSettings) -> bool:
    """Whether the filters let this conversation through."""
    return _passes(skills_of(row), filters.include_skills, filters.exclude_skills) and _passes(
        groups_of(row), filters.include_groups, filters.exclude_groups
    )


def skills_of(row: Row) -> set[str]:
    """Ids of all skills that the conversation went through."""
    moves = [mapped(item.value) for item in row.items.get("transfers", [])]
    dialogs = map(mapped, listed(row.section("dialogs")))
    return _ids(
        [
            *((move, name) for move in moves for name in ("sourceSkillId", "targetSkillId")),
            *((dialog, "skillId") for dialog in dialogs),
            (row.info, "latestSkillId"),
        ]
    )


def groups_of(row: Row) -> set[str]:
    """Ids of the groups of all agents who were in the conversation."""
    return _ids([*((shown, "agentGroupId") for shown in agent_rows(row)), (row.info, "latestAgentGroupId")])


def _ids(places: Iterable[tuple[dict[str, Any], str]]) -> set[str]:
    return {ident for shown, name in places if (ident := fact(shown.get(name))) is not None}


def _passes(ids: set[str], include: frozenset[str], exclude: frozenset[str]) -> bool:
    if include and not ids & include:
        return False
    return not (exclude and ids and ids <= exclude)
