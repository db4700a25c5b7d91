"""Random logs of one partition, as hypothesis strategies: several connectors and lanes, duplicates, late events."""

from itertools import chain
from typing import Any

from hypothesis import strategies as st

from schemas.ids import event_id, with_version
from schemas.records import event, person
from streams.defaults import default_settings

GRACE_MS, STALL_MS = 5, 40
ENDS = {"s0": 20, "s1": 40, "s2": 60}
SLICES = [(uid, conversation, label) for uid in ("a", "b") for conversation in ("c", "d") for label in ENDS]
CROWDED = [("a", "c", "s0"), ("a", "c", "s2"), ("b", "d", "s1")]


def raw(
    where: tuple[str, str, str], numbers: list[int], lane: str, captured: int, close_at: int | None
) -> Any:
    """A RawEvents record with one event for each number; a number is the event's whole identity."""
    uid, conversation, label = where
    events = [event(event_id(uid, f"{conversation}{label}{n}"), str(n), "message", n % 7) for n in numbers]
    if close_at is not None:
        events.append(
            event(event_id(uid, f"{conversation}{label}close{close_at}"), "close", "closed", close_at)
        )
    return {
        "connector_uid": uid, "source": "webex", "conversation": conversation, "slice": label,
        "slice_start_ms": ENDS[label] - 20, "slice_end_ms": ENDS[label], "lane": lane, "captured_at_ms": captured,
        "events": events,
    }  # fmt: skip


def control(uid: str, kind: str, lane: str, watermark: int | None) -> Any:
    """A Control record."""
    return {
        "connector_uid": uid, "kind": kind, "lane": lane, "from_ms": None, "to_ms": None, "watermark_ms": watermark,
        "settings": None, "recorded_at_ms": 0, "details": {},
    }  # fmt: skip


def activation(version: str) -> Any:
    """A Control record that puts a user mapping in force."""
    return {**control("", "mapping", "", None), "details": {"version": version}}


KINDS = ("message", "updated", "joined", "deleted", "left", "roster", "file")
PEOPLE = [person(f"p{n}", f"Person {n}", f"p{n}@bank.example", "member") for n in range(5)]
SETTINGS = [
    with_version({**default_settings("a", "webex"), "name": name, "grace_ms": grace_ms, "stall_ms": stall_ms})
    for name, grace_ms, stall_ms in (
        ("first", GRACE_MS, STALL_MS),
        ("renamed", GRACE_MS, STALL_MS),
        ("hasty", 0, 10),
    )
]


def told(record: Any) -> Any:
    """The record with a kind, speaker, people and text for each event, all functions of its number."""
    for one in record["events"]:
        if one["kind"] == "closed":
            continue
        number = int(one["source_key"])
        one["kind"], one["text"], one["actor"] = KINDS[number], f"text {number}", PEOPLE[number % 3]
        if one["kind"] in {"joined", "left", "roster"}:
            one["people"] = PEOPLE[number % 3 + 1 : number % 3 + 3]
        if one["kind"] in {"updated", "deleted"}:
            one["target"], one["former_text"] = "0", "text 0"
    return record


def in_force(uid: str, settings: Any) -> Any:
    """A Control record that puts settings of a connector in force."""
    return {**control(uid, "settings", "live", None), "settings": settings}


_watermarks = st.builds(
    lambda uid, lane, at: ("Control", control(uid, "watermark", lane, at)),
    st.sampled_from("ab"), st.sampled_from(["live", "back"]), st.integers(0, 120),
)  # fmt: skip
_closes = st.builds(lambda uid: ("Control", control(uid, "lane_closed", "back", None)), st.sampled_from("ab"))
_mappings = st.builds(lambda version: ("Control", activation(version)), st.sampled_from(["m1", "m2"]))
_openings = st.builds(
    lambda uid, lane: ("Control", control(uid, "lane_opened", lane, None)),
    st.sampled_from("ab"), st.sampled_from(["live", "back"]),
)  # fmt: skip
_settings = st.builds(
    lambda uid, settings: ("Control", in_force(uid, settings)),
    st.sampled_from("ab"), st.sampled_from(SETTINGS),
)  # fmt: skip
_orders = st.builds(
    lambda uid, named: ("Control", {**control(uid, "disposition", "", None), "details": {"order": "1", **named}}),
    st.sampled_from("ab"),
    st.fixed_dictionaries({}, optional={
        "conversation": st.sampled_from("cd"), "slice": st.sampled_from(sorted(ENDS)), "before_ms": st.sampled_from(["20", "40"]),
    }),
)  # fmt: skip
_control = st.one_of(
    _closes, _openings, _mappings, _mappings, _settings, _settings, _settings, _orders, _orders
)


def _events(slices: list[tuple[str, str, str]]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.builds(
        lambda where, numbers, lane, captured, close: ("RawEvents", told(raw(where, numbers, lane, captured, close))),
        st.sampled_from(slices), st.lists(st.integers(0, 6), min_size=1, max_size=3),
        st.sampled_from(["live", "live", "back"]), st.integers(0, 90), st.one_of(st.none(), st.none(), st.integers(0, 60)),
    )  # fmt: skip


def _logs(slices: list[tuple[str, str, str]]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    events = _events(slices)
    return st.lists(st.one_of(events, events, events, _watermarks, _watermarks, _control), max_size=40)


def _pinned() -> st.SearchStrategy[list[tuple[str, Any]]]:
    """A slice is closed whose head lies below that of one which stays open: a recovery begins between the two."""
    numbers = st.lists(st.integers(0, 6), min_size=1, max_size=2)

    def made(first: list[int], other: list[int], second: list[int], at: int) -> list[tuple[str, Any]]:
        said = [(CROWDED[0], first), (CROWDED[1], other), (CROWDED[0], second)]
        events = [("RawEvents", told(raw(where, some, "live", 10, None))) for where, some in said]
        return [*events, ("Control", control("a", "watermark", "live", at))]

    return st.builds(made, numbers, numbers, numbers, st.integers(20, 45))


def _stories() -> st.SearchStrategy[list[tuple[str, Any]]]:
    single = st.one_of(_events(CROWDED), _events(CROWDED), _watermarks, _control).map(lambda entry: [entry])
    return st.lists(st.one_of(single, single, _pinned()), max_size=14).map(
        lambda parts: list(chain.from_iterable(parts))
    )


logs = st.one_of(_logs(SLICES), _logs(CROWDED), _stories())
"""Of many slices, of few that are opened, closed and opened again, and of few that pin each other's beginnings."""
