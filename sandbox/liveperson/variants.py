"""Spoils a row in the ways in which the API's documents contradict each other; all off by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]
_KEYS = {
    "consumer_participant_key": ("consumerParticipants", "consumerParticipant"),
    "message_score_key": ("messageScores", "messageScore"),
    "csat_key": ("csatRate", "csat"),
    "is_truncated_key": ("isPartial", "isTruncated"),
}
_USUAL = {"sent_by_case": "title", "times_as_strings": False, "undefined_fillers": True} | dict.fromkeys(
    _KEYS, False
)


def varied(row: Row, switches: Mapping[str, Any]) -> Row:
    """Give the row as it is to be sent with these switches."""
    if not any(switches[name] != usual for name, usual in _USUAL.items()):
        return row
    renames = dict(pair for switch, pair in _KEYS.items() if switches[switch])
    changed: Row = {}
    for name, value in row.items():
        changed[renames.get(name, name)] = _value(name, value, switches, renames)
    return changed


def _value(name: str, value: Any, switches: Mapping[str, Any], renames: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_value(name, each, switches, renames) for each in value]
    if isinstance(value, dict):
        kept = value.items() if switches["undefined_fillers"] else _without_fillers(value)
        return {renames.get(key, key): _value(key, each, switches, renames) for key, each in kept}
    return _leaf(name, value, switches)


def _without_fillers(value: Row) -> list[tuple[str, Any]]:
    return [
        (key, each) for key, each in value.items() if key == "text" or each not in ("undefined", "null", -1)
    ]


def _leaf(name: str, value: Any, switches: Mapping[str, Any]) -> Any:
    if name == "sentBy":
        return {"upper": value.upper(), "lower": value.lower()}.get(switches["sent_by_case"], value)
    if switches["times_as_strings"] and name.endswith(("TimeL", "timeL")):
        return str(value)
    return value
