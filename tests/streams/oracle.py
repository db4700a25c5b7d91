"""The specification of assembly (rules 8-19), as plainly as it can be said: dictionaries and sorting, no state.

From one partition's log to the set of mails. The real assembler is
held against it under every crash. It reads nothing of `streams`.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

Mail = tuple[str, int, tuple[bytes, ...], str]


class Outcome(NamedTuple):
    """One mail: what it holds, and everything else that its name, bytes and readers depend on."""

    slice: str  # uid|conversation|slice
    revision: int
    ids: tuple[bytes, ...]  # in order
    mapping: str
    settings: str  # the version in force where it closed; empty before the first
    people: frozenset[str]  # ids of those whom the slice's earlier mails knew


def oracle(log: list[tuple[str, Any]], *, grace_ms: int, stall_ms: int) -> list[Mail]:
    """The mails of this log, without what came into them from outside of their slice."""
    return [mail[:4] for mail in outcomes(log, grace_ms=grace_ms, stall_ms=stall_ms)]


def outcomes(log: list[tuple[str, Any]], *, grace_ms: int, stall_ms: int) -> list[Outcome]:
    """All mails of this log of ("RawEvents", record) and ("Control", record); the times hold until it says others."""
    opened: dict[tuple[str, str, str], dict[str, Any]] = {}
    taken: dict[tuple[str, str, str], list[dict[bytes, Any]]] = {}
    gone: dict[tuple[str, str, str], dict[bytes, Any]] = {}
    mails: list[Outcome] = []
    before = {"version": "", "grace_ms": grace_ms, "stall_ms": stall_ms}
    settings: dict[str, Any] = {}
    mapping = ""
    for kind, record in log:
        if kind == "RawEvents":
            _fold(opened, taken, record, settings.get(record["connector_uid"], before))
            continue
        if record["kind"] == "lane_closed":
            _hand_over(opened, record)
        mapping = record["details"].get("version", mapping)
        settings |= {record["connector_uid"]: record["settings"]} if record["settings"] else {}
        for key in [key for key, one in opened.items() if _is_named(key, one, record)]:
            gone.setdefault(key, {}).update((event["id"], event) for event in opened.pop(key)["events"])
        if record["kind"] != "watermark":
            continue
        for key in sorted(key for key, one in opened.items() if _is_due(key, one, record)):
            one = opened.pop(key)
            earlier = taken.setdefault(key, [])
            known = {ident for mail in earlier for ident in mail} | gone.get(key, {}).keys()
            fresh: dict[bytes, Any] = {}
            for event in one["events"]:
                if event["id"] not in known:
                    fresh.setdefault(event["id"], event)
            inside = sorted(fresh.values(), key=lambda event: (event["at_ms"], event["order"], event["id"]))
            if inside:
                ids, version = tuple(event["id"] for event in inside), settings.get(key[0], before)["version"]
                before_it = [*earlier, gone.get(key, {})]
                people = _people(event for mail in before_it for event in mail.values())
                mails.append(Outcome("|".join(key), len(earlier), ids, mapping, version, people))
                earlier.append(fresh)
    return mails


def _fold(
    opened: dict[tuple[str, str, str], dict[str, Any]],
    taken: dict[tuple[str, str, str], list[dict[bytes, Any]]],
    record: Any,
    settings: Any,
) -> None:
    key = (record["connector_uid"], record["conversation"], record["slice"])
    one = opened.setdefault(key, {
        "events": [], "start": record["slice_start_ms"], "lanes": set(), "due": record["slice_end_ms"],
        "stall": max(record["slice_end_ms"], record["captured_at_ms"]) + settings["stall_ms"],
        "late": bool(taken.get(key)),
    })  # fmt: skip
    one["events"] += record["events"]
    one["lanes"].add(record["lane"])
    for event in record["events"]:
        if event["kind"] == "closed":
            one["due"] = event["at_ms"] + settings["grace_ms"]


def _people(events: Iterable[Any]) -> frozenset[str]:
    """Who acted, was there, came or went; those who were only mentioned are left out."""
    found = set()
    for event in events:
        there = event["people"] if event["kind"] in {"roster", "joined", "left"} else []
        found |= {one["id"] for one in [event["actor"], *there] if one is not None}
    return frozenset(found)


def _hand_over(opened: dict[tuple[str, str, str], dict[str, Any]], record: Any) -> None:
    for key, one in opened.items():
        if key[0] == record["connector_uid"] and record["lane"] in one["lanes"]:
            one["lanes"].add("live")


def _is_named(key: tuple[str, str, str], one: dict[str, Any], control: Any) -> bool:
    """Whether an order of disposition names this slice: what it does not say, it does not ask for."""
    said = control["details"]
    asked = (control["connector_uid"], said.get("conversation", key[1]), said.get("slice", key[2]))
    ours = control["kind"] == "disposition" and key == asked
    return ours and one["start"] < int(said.get("before_ms", 10**15))


def _is_due(key: tuple[str, str, str], one: dict[str, Any], control: Any) -> bool:
    reached = control["watermark_ms"]
    ours = key[0] == control["connector_uid"] and control["lane"] in one["lanes"]
    return bool((ours and (one["late"] or one["due"] <= reached)) or one["stall"] <= reached)
