"""The pure parts of the Webex source: spans, days, pages, cards, rosters, filters."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.source import Slice
from producers.webex.cache import Move
from producers.webex.cards import card_text
from producers.webex.client import Client
from producers.webex.directory import Member, Members, Space
from producers.webex.filenames import file_name
from producers.webex.filters import SpaceFacts, wanted_space
from producers.webex.names import inner, same
from producers.webex.paging import next_url, smaller
from producers.webex.retries import retry_after_s
from producers.webex.roster import Listing, present, rolled_back, roster_event, roster_key
from producers.webex.settings import SpaceFilter
from producers.webex.slices import day_slice, is_own_day, iso, parse_ms, placed
from producers.webex.spans import page
from schemas.records import person
from tests.producers.webex_rig import settings

HOUR_MS = 3_600_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)


@given(
    items=st.lists(JSON, max_size=6),
    rest=st.dictionaries(st.text().filter(lambda name: name != "items"), JSON, max_size=3),
    indent=st.sampled_from([None, 1]),
    escaped=st.booleans(),
)
def test_spans_are_verbatim(
    items: list[object], rest: dict[str, object], indent: int | None, escaped: bool
) -> None:
    """However a page is written, each item is the very bytes of the body, in order."""
    text = json.dumps(rest | {"items": items}, indent=indent, ensure_ascii=escaped)
    body = text.encode("utf-8", "surrogatepass" if escaped else "replace")
    found = page(body)
    assert found.error is None
    assert all(each in body for each in found.items)
    expected = json.loads(body.decode("utf-8"))["items"]
    assert [json.loads(each.decode("utf-8")) for each in found.items] == expected


@given(st.binary(max_size=300))
def test_any_bytes_are_a_page(body: bytes) -> None:
    """Whatever comes, cutting a page never fails."""
    found = page(body)
    assert found.error is not None or b"items" in body


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (b'\xef\xbb\xbf{"items":[1]}', [b"1"]),
        (b'{"items":[{"a":"\xff"}, 2', [b'{"a":"\xff"}', b"2"]),
        (b'{"items":{}}', []),
        (b"[]", []),
        (b'{"items":[' + b"[" * 200_000, []),
    ],
)
def test_odd_pages(body: bytes, items: list[bytes]) -> None:
    """A byte order mark, invalid UTF-8, a page that breaks off, nonsense and deep nesting."""
    assert page(body).items == items


@given(
    at=st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive bounds
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "America/Havana",
                          "Pacific/Apia", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"]),
)  # fmt: skip
def test_days_tile_time(at: datetime, zone: str) -> None:
    """Each moment lies in exactly one day, days meet without gap, and their label is their local date."""
    place, ms = ZoneInfo(zone), int(at.replace(tzinfo=UTC).timestamp()) * 1000
    day = day_slice("R", ms, place)
    assert day.start_ms <= ms < day.end_ms
    assert day_slice("R", day.start_ms, place) == day == day_slice("R", day.end_ms - 1, place)
    assert day_slice("R", day.end_ms, place).start_ms == day.end_ms


@given(
    told=st.none() | st.integers(-(2**45), 2**48),
    captures=st.lists(st.integers(10**12, 3 * 10**12), min_size=2, max_size=4),
    zone=st.sampled_from(["UTC", "America/Havana", "Pacific/Apia"]),
)
def test_an_event_has_one_slice_whenever_it_is_captured(
    told: int | None, captures: list[int], zone: str
) -> None:
    """The label depends on the event's own time alone; the end is never far ahead of the capture."""
    places = [placed("R", told, now, 300_000, ZoneInfo(zone)) for now in captures]
    assert len({place.label for place in places}) == 1
    for place, now in zip(places, captures, strict=True):
        assert place.start_ms < place.end_ms <= now + 300_000 + 25 * HOUR_MS
        if told is not None and 0 <= told <= now + 300_000:
            assert place == day_slice("R", told, ZoneInfo(zone))
            assert is_own_day(place, ZoneInfo(zone))


def test_a_day_that_really_comes_has_a_roster_of_its_own() -> None:
    """Also if an event had claimed to be of that day long before; and undated events have one for each day."""
    zone, day_ms = ZoneInfo("UTC"), 24 * HOUR_MS
    early = placed("R", 30 * day_ms, 20 * day_ms, 300_000, zone)
    there = placed("R", 30 * day_ms, 30 * day_ms, 300_000, zone)
    assert early.label == there.label == "1970-01-31"
    keys = [roster_key(place, own_day=is_own_day(place, zone)) for place in (early, there)]
    assert keys == [f"roster:R:1970-01-31:{20 * day_ms}", "roster:R:1970-01-31"]
    undated = placed("R", None, 20 * day_ms, 300_000, zone)
    assert (undated.label, undated.start_ms) == ("undated", 20 * day_ms)
    assert not is_own_day(undated, zone)


@pytest.mark.parametrize(
    ("moment", "zone", "label", "hours"),
    [
        ("2026-03-29T10:00:00Z", "Europe/Berlin", "2026-03-29", 23),
        ("2026-10-25T10:00:00+00:00", "Europe/Berlin", "2026-10-25", 25),
        ("2026-03-04T23:30:00.000Z", "Europe/Berlin", "2026-03-05", 24),
        ("2018-11-04T12:00:00Z", "America/Sao_Paulo", "2018-11-04", 23),  # midnight was skipped
        ("2011-12-31T12:00:00Z", "Pacific/Apia", "2012-01-01", 24),
    ],
)
def test_days_of_changing_clocks(moment: str, zone: str, label: str, hours: int) -> None:
    """A day has 23, 24 or 25 hours as its clocks say."""
    day = day_slice("R", parse_ms(moment) or 0, ZoneInfo(zone))
    assert (day.label, (day.end_ms - day.start_ms) / HOUR_MS) == (label, hours)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-06-02T13:04:11.902Z", 1780405451902),
        ("2026-06-02T13:04:11.902+00:00", 1780405451902),
        ("2026-06-02T13:04:11", 1780405451000),
        ("9999-12-31T23:59:59.999Z", 253402300799999),
        ("soon", None),
        (7, None),
        (None, None),
    ],
)
def test_times_as_webex_writes_them(text: object, ms: int | None) -> None:
    """Both forms are the same moment; what is no time is none."""
    assert parse_ms(text) == ms


@given(st.integers(0, 4_000_000_000_000))
def test_times_come_back(ms: int) -> None:
    """What a query asks for is the moment that was meant."""
    assert parse_ms(iso(ms)) == ms


def test_next_link() -> None:
    """Followed as given; lost filters and max=null are mended; none means the end."""
    here, params = "https://w.example/v1/events", {"from": "2026-01-01T00:00:00.000Z", "max": "100"}
    good = f"{here}?cursor=QTE&from=2026-01-01T00%3A00%3A00.000Z&max=100&before&after=x"
    assert next_url(f'<{good}>; rel="next"', here, params) == good
    mended = next_url(f'<{here}?cursor=QTE&max=null>; rel="next"', here, params)
    assert mended == f"{here}?cursor=QTE&from=2026-01-01T00%3A00%3A00.000Z&max=100"
    assert next_url(f'<{good}>; rel="prev"', here, params) is None
    assert next_url(None, here, params) is None


def test_smaller_pages() -> None:
    """Half the size each time, down to a floor."""
    assert smaller("https://w.example/e?max=1000&a=b") == "https://w.example/e?a=b&max=500"
    assert smaller("https://w.example/e?max=40") is None
    assert smaller("https://w.example/e") is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("3600", 3600.0), ("rand(30),add(30)", 15.0), ("-1", 15.0), (None, None)],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """Seconds where they are a number, a guess where they are not."""
    assert retry_after_s(header) == seconds


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="hedge-2026-06.xlsx"', "hedge-2026-06.xlsx"),
        ("attachment; filename*=UTF-8''Pr%C3%BCfung%20%F0%9F%93%88.pdf", "Prüfung 📈.pdf"),
        ('attachment; filename="Pr%C3%BCfung.pdf"', "Prüfung.pdf"),
        ('attachment; filename="Prüfung.pdf"'.encode().decode("latin-1"), "Prüfung.pdf"),
        ('attachment; filename="100% sure.txt"', "100% sure.txt"),
        ('attachment; filename=""', None),
        ("attachment; filename*=no-such-charset''x", "x"),
        ("inline", None),
        (None, None),
    ],
)
def test_file_names(header: str | None, name: str | None) -> None:
    """All the ways in which a name is written."""
    assert file_name(header) == name


def test_cards_are_readable() -> None:
    """Texts, facts, choices and buttons, in order, without the ids of fields."""
    card = {
        "type": "AdaptiveCard",
        "body": [
            {"type": "TextBlock", "text": "Approve?"},
            {"type": "ColumnSet", "columns": [{"items": [{"type": "TextBlock", "text": "left"}]}]},
            {"type": "FactSet", "facts": [{"title": "Sum", "value": "5 EUR"}]},
            {"type": "Input.ChoiceSet", "id": "x", "choices": [{"title": "Yes", "value": "y1"}]},
            {"type": "Image", "altText": "a chart", "url": "https://x.example/c.png"},
        ],
        "actions": [{"type": "Action.Submit", "title": "Send", "data": {"k": "v"}}],
    }
    text = card_text([{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}])
    assert text.splitlines() == [
        "Approve?",
        "left",
        "Sum: 5 EUR",
        "Yes",
        "a chart",
        "https://x.example/c.png",
        "[Send]",
    ]


@given(JSON)
def test_any_card_is_text(card: object) -> None:
    """Whatever a card is made of, making text of it never fails."""
    assert isinstance(card_text(card), str)


def test_ids_are_compared_inside() -> None:
    """The same UUID under two clusters, and a bare one, are the same thing."""
    here = "Y2lzY29zcGFyazovL3VzL1JPT00vNWYwYTFjMzAtNmIxZS0xMWYxLTlhNDAtM2Q1YjdjOWUxZjIw"
    assert inner(here) == "5f0a1c30-6b1e-11f1-9a40-3d5b7c9e1f20"
    assert same(here, "5f0a1c30-6b1e-11f1-9a40-3d5b7c9e1f20")
    assert not same(here, "elsewhere")


DAY = Slice("R", "2026-03-04", 1_000_000, 1_000_000 + 24 * HOUR_MS)


def members(*idents: str, as_of_ms: int) -> Members:
    """A list of members as of a moment."""
    return Members(as_of_ms, {each: Member(person(each, each.upper(), role="member"), 5) for each in idents})


def test_roster_of_the_day_is_observed() -> None:
    """Listed on the day itself, the members are those of the list."""
    listing = Listing(Space("T", "group"), members("a", "b", as_of_ms=DAY.start_ms + 1), None)
    assert present(listing, DAY) == (["a", "b"], "observed", DAY.start_ms + 1)


def test_roster_of_the_past_is_taken_back() -> None:
    """Listed later: who came since is not on it, who left since is."""
    moves = [Move(DAY.start_ms + 5, "b", "joined"), Move(DAY.end_ms + 9, "c", "left")]
    listing = Listing(None, members("a", "b", as_of_ms=DAY.end_ms + 10), moves)
    assert present(listing, DAY) == (["a", "c"], "reconstructed", DAY.start_ms)


def test_roster_without_proof_says_so() -> None:
    """Without the events since, or without a list, the roster is unverified."""
    listing = Listing(None, members("a", as_of_ms=DAY.end_ms + 10), None, ["z"])
    assert present(listing, DAY)[:2] == (["a", "z"], "current-unverified")
    assert present(Listing(None, None, None, ["z", "b"]), DAY)[:2] == (["b", "z"], "current-unverified")


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=20))
def test_rolling_back_undoes(steps: list[tuple[str, bool]]) -> None:
    """Played forward from any start and rolled back, the members are those of the start."""
    start, there, moves = {"a", "b"}, {"a", "b"}, list[Move]()
    for at, (who, comes) in enumerate(steps):
        if comes != (who in there):
            moves.append(Move(at, who, "joined" if comes else "left"))
            there = there | {who} if comes else there - {who}
    assert set(rolled_back(sorted(there), moves)) == start


def test_roster_event_repeats_itself() -> None:
    """A space and day have one roster event, whoever is listed: the first in the log wins (rule 6)."""
    at = DAY.start_ms + 1
    one, two, three = (
        Listing(Space(type="direct"), members(*who, as_of_ms=at), None) for who in ("ab", "ab", "abc")
    )
    people = {each: person(each, each) for each in "abc"}
    renamed = people | {"a": person("a", "Anna", "a@x.example")}
    key = roster_key(DAY, own_day=True)
    first, second = roster_event("u", key, DAY, one, people), roster_event("u", key, DAY, two, renamed)
    assert first["id"] == second["id"] == roster_event("u", key, DAY, three, people)["id"]
    assert second["details"]["title"] == "Anna, b"
    assert second["at_ms"] == DAY.start_ms


FACTS = SpaceFacts("room", "team", (person("p1", email="Ana@desk.example"), person("p2")))


@pytest.mark.parametrize(
    ("include", "exclude", "wanted"),
    [
        ({}, {}, True),
        ({"spaces": ("other",)}, {}, False),
        ({"people": ("ana@desk.example",)}, {}, True),
        ({"teams": ("team",)}, {"spaces": ("room",)}, False),
        ({}, {"people": ("p1",)}, True),
        ({}, {"people": ("ana@desk.example", "p2")}, False),
        ({"people": ("nobody@desk.example",)}, {}, False),
    ],
)
def test_filters(
    include: dict[str, tuple[str, ...]], exclude: dict[str, tuple[str, ...]], wanted: bool
) -> None:
    """Named spaces, teams and people; exclusion wins."""
    assert wanted_space(SpaceFilter(**include), SpaceFilter(**exclude), FACTS) is wanted


def test_what_is_not_known_is_collected() -> None:
    """A space that Webex does not show is collected rather than lost."""
    hidden = SpaceFacts("room", None, ())
    assert wanted_space(SpaceFilter(people=("p9",)), SpaceFilter(), hidden)


def test_an_id_that_utf8_cannot_carry_is_asked_for_all_the_same(tmp_path: Path) -> None:
    """Half a character in it becomes a question mark in the address: it is no reason to die."""
    with contextlib.closing(Client(settings("http://127.0.0.1:1", tmp_path, retry_seconds=0))) as client:
        assert client.url("/people", {"id": "a\udfff"}).endswith("/people?id=a%3F")
