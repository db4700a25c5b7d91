"""The specification of assembly (semantics 8-19), as plainly as it can be said: dictionaries and sorting, no state.

From one partition's log to the set of mails, each as (slice key,
revision, event ids in order, user mapping). The real assembler is
held against it under every crash. It reads nothing of `streams`.
"""

from typing import Any

Mail = tuple[str, int, tuple[bytes, ...], str]


def oracle(log: list[tuple[str, Any]], *, grace_ms: int, stall_ms: int) -> list[Mail]:
    """All mails of this log of ("RawEvents", record) and ("Control", record)."""
    opened: dict[tuple[str, str, str], dict[str, Any]] = {}
    taken: dict[tuple[str, str, str], list[set[bytes]]] = {}
    mails: list[Mail] = []
    mapping = ""
    for kind, record in log:
        if kind == "RawEvents":
            _fold(opened, taken, record, grace_ms, stall_ms)
            continue
        if record["kind"] == "lane_closed":
            _hand_over(opened, record)
        if record["kind"] == "mapping":
            mapping = record["details"]["version"]
        if record["kind"] != "watermark":
            continue
        for key in sorted(key for key, one in opened.items() if _is_due(key, one, record)):
            one = opened.pop(key)
            earlier = taken.setdefault(key, [])
            known = set().union(*earlier)
            fresh: dict[bytes, Any] = {}
            for event in one["events"]:
                if event["id"] not in known:
                    fresh.setdefault(event["id"], event)
            inside = sorted(fresh.values(), key=lambda event: (event["at_ms"], event["order"], event["id"]))
            if inside:
                mails.append(("|".join(key), len(earlier), tuple(event["id"] for event in inside), mapping))
                earlier.append(set(fresh))
    return mails


def _fold(
    opened: dict[tuple[str, str, str], dict[str, Any]],
    taken: dict[tuple[str, str, str], list[set[bytes]]],
    record: Any,
    grace_ms: int,
    stall_ms: int,
) -> None:
    key = (record["connector_uid"], record["conversation"], record["slice"])
    one = opened.setdefault(key, {
        "events": [], "lanes": set(), "due": record["slice_end_ms"], "late": key in taken,
        "stall": max(record["slice_end_ms"], record["captured_at_ms"]) + stall_ms,
    })  # fmt: skip
    one["events"] += record["events"]
    one["lanes"].add(record["lane"])
    for event in record["events"]:
        if event["kind"] == "closed":
            one["due"] = event["at_ms"] + grace_ms


def _hand_over(opened: dict[tuple[str, str, str], dict[str, Any]], record: Any) -> None:
    for key, one in opened.items():
        if key[0] == record["connector_uid"] and record["lane"] in one["lanes"]:
            one["lanes"].add("live")


def _is_due(key: tuple[str, str, str], one: dict[str, Any], control: Any) -> bool:
    reached = control["watermark_ms"]
    ours = key[0] == control["connector_uid"] and control["lane"] in one["lanes"]
    return bool((ours and (one["late"] or one["due"] <= reached)) or one["stall"] <= reached)
