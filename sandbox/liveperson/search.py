"""The history search as a pure function: body and query in, matching states out.

Rules after the API's pages: ``start`` is required and at most three months wide; ranges are inclusive and
rounded outward to 10 minutes; ids and times may be numbers or text.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from sandbox.liveperson.people import AGENTS, SKILLS
from sandbox.liveperson.site import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.liveperson.state import State

ROUND_MS: Final = 600_000
THREE_MONTHS_MS: Final = 93 * 86_400_000
DEFAULT_LIMIT, MAX_LIMIT = 50, 100


@dataclasses.dataclass(frozen=True)
class Range:
    """Epoch ms, both ends inclusive."""

    low: int
    high: int

    def has(self, ms: int) -> bool:
        """Say whether the instant is in the range."""
        return self.low <= ms <= self.high


@dataclasses.dataclass(frozen=True)
class Page:
    """Which part of the answer is asked for."""

    offset: int
    limit: int
    key: str
    descending: bool


def page_of(query: Mapping[str, str]) -> Page:
    """Read offset, limit and sort; raises ApiError 400."""
    try:
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", str(DEFAULT_LIMIT)))
    except ValueError as error:
        raise ApiError(400, "offset and limit must be numbers") from error
    if offset < 0 or not 0 < limit <= MAX_LIMIT:
        msg = f"offset must not be negative, limit 1 to {MAX_LIMIT}"
        raise ApiError(400, msg)
    key, _, direction = query.get("sort", "start:desc").partition(":")
    if key not in {"start", "end"} or direction not in {"asc", "desc", ""}:
        raise ApiError(400, "sort must be start or end, :asc or :desc")
    return Page(offset, limit, key, direction == "desc")


def check_source(query: Mapping[str, str], *, required: bool) -> None:
    """Raise ApiError 400 when the caller's label is too long, or missing where required."""
    source = query.get("source", "")
    if len(source) > 20 or (required and not source):
        raise ApiError(400, "source is required, at most 20 characters")


def start_range(body: Mapping[str, Any], now_ms: int) -> Range:
    """Read the required ``start`` range; raises ApiError 400."""
    if "start" not in body:
        raise ApiError(400, "start is required")
    return _range("start", body["start"], now_ms)


def ordered(states: Iterable[State], page: Page) -> list[State]:
    """Sort by start or end; an open conversation has no end and counts as the latest."""
    if page.key == "start":
        return sorted(states, key=lambda each: each.conversation.start_ms, reverse=page.descending)
    return sorted(states, key=lambda each: each.ended_ms or 2**62, reverse=page.descending)


def filters(body: Mapping[str, Any], now_ms: int, *, late_counts: bool) -> Callable[[State], bool]:
    """Make the test that a state must pass, from all filters but ``start``; raises ApiError 400."""
    tests = [*_range_tests(body, now_ms, late_counts=late_counts), *_value_tests(body)]
    return lambda state: all(test(state) for test in tests)


def _range_tests(
    body: Mapping[str, Any], now_ms: int, *, late_counts: bool
) -> Iterable[Callable[[State], bool]]:
    ends: dict[str, Callable[[State], int]] = {
        "end": lambda state: state.ended_ms,
        "fullDialogEndTime": lambda state: state.ended_ms if state.fully_closed else 0,
    }
    for name, at in ends.items():
        if name in body:
            wanted = _range(name, body[name], now_ms)
            yield lambda state, at=at, wanted=wanted: wanted.has(at(state))  # type: ignore[misc]  # defaults bind
    if "latestUpdateTime" in body:
        given = body["latestUpdateTime"]
        since = given if isinstance(given, dict) else {"from": given}
        low = _ms("latestUpdateTime.from", since.get("from", 0)) // ROUND_MS * ROUND_MS
        high = _ms("latestUpdateTime.to", since["to"]) if "to" in since else -1
        top = high if high >= 0 else 2**62
        yield lambda state: low <= _updated(state, late_counts=late_counts) <= top


def _updated(state: State, *, late_counts: bool) -> int:
    return state.updated_ms if late_counts or not state.closed else min(state.updated_ms, state.closed_ms)


def _value_tests(body: Mapping[str, Any]) -> Iterable[Callable[[State], bool]]:
    for name, seen in _VALUES.items():
        if body.get(name):
            wanted = {str(each) for each in _listed(body[name])}
            yield lambda state, seen=seen, wanted=wanted: bool(wanted & seen(state))  # type: ignore[misc]  # as above
    if body.get("keyword"):
        word = str(body["keyword"]).casefold()
        yield lambda state: any(word in _text(said.step.data).casefold() for said in state.said)


def _text(data: Mapping[str, Any]) -> str:
    return str(data.get("msg", {}).get("text", ""))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _assigned(state: State) -> set[str]:
    return {join.who for _, join in state.joined if join.permission == "ASSIGNED_AGENT"}


_VALUES: dict[str, Callable[[State], set[str]]] = {
    "status": lambda state: {"CLOSE" if state.closed else "OPEN"},
    "skillIds": lambda state: {str(SKILLS[key].id) for key in state.skills},
    "latestSkillIds": lambda state: {str(SKILLS[state.skills[-1]].id)},
    "agentIds": lambda state: {AGENTS[key].id for key in _assigned(state)},
    "latestAgentIds": lambda state: {AGENTS[state.latest_agent].id} if state.latest_agent else set(),
    "agentGroupIds": lambda state: {str(AGENTS[key].group.id) for key in _assigned(state)},
    "source": lambda state: {state.conversation.source},
    "device": lambda state: {state.conversation.device},
    "messageContentTypes": lambda state: {said.step.type for said in state.said},
}


def _range(name: str, given: object, now_ms: int) -> Range:
    if not isinstance(given, dict) or "from" not in given or "to" not in given:
        msg = f"{name}: expected from and to in epoch ms"
        raise ApiError(400, msg)
    low, high = _ms(f"{name}.from", given["from"]), _ms(f"{name}.to", given["to"])
    high = now_ms if high == -1 else high
    if high < low or high - low > THREE_MONTHS_MS:
        msg = f"{name}: the range must not be negative or wider than three months"
        raise ApiError(400, msg)
    return Range(low // ROUND_MS * ROUND_MS, -(-high // ROUND_MS) * ROUND_MS)


def _ms(name: str, given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int | str):
        msg = f"{name}: expected epoch ms"
        raise ApiError(400, msg)
    try:
        return int(given)
    except ValueError as error:
        msg = f"{name}: expected epoch ms"
        raise ApiError(400, msg) from error
