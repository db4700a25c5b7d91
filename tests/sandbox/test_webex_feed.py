"""The simulated Webex events feed, seen by a plain client."""

from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from sandbox.simulation import background
from sandbox.webex.server import make_app
from tests.sandbox.webex_client import Client

WEEK = {"from": "2026-03-02T00:00:00.000Z", "to": "2026-03-09T00:00:00.000Z"}


@pytest.fixture(scope="module")
def done() -> Iterator[Client]:
    """Serve a week that is over, with the 3,000-message space."""
    with background(make_app()) as url:
        client = Client(url)
        client.move(days=7, minutes=10)
        yield client


@pytest.fixture
def fresh() -> Iterator[Client]:
    """Serve the start of the week, with what is written by hand alone."""
    with background(make_app(scale=0)) as url:
        yield Client(url)


def test_the_whole_week_comes_by_following_links(done: Client) -> None:
    """Every message of the week is there, although pages are empty, repeat items and come in no order."""
    pages = list(done.pages("/events", max="100", resource="messages", type="created", **WEEK))
    items = [item for page in pages for item in page["items"]]
    unique = {item["id"]: item for item in items}
    assert len(unique) > 3_100
    assert len(items) > len(unique)
    assert any(not page["items"] for page in pages[:-1])
    times = [item["created"] for item in items]
    assert times != sorted(times)
    assert times != sorted(times, reverse=True)


def test_max_is_capped_without_a_word(done: Client) -> None:
    """A page never holds more than 1,000 items."""
    first = done.get("/events", max="5000", **WEEK)
    assert len(first.json()["items"]) == 1000


@pytest.mark.parametrize("size", ["0", "-3", "many"])
def test_a_max_that_is_no_page_size_is_refused(done: Client, size: str) -> None:
    """Zero, negative numbers and words are answered with 400."""
    assert done.get("/events", max=size).status_code == 400


def test_the_window_starts_25_days_back_unless_said_otherwise(done: Client) -> None:
    """Without `from` the service picks a window and writes it into the next link."""
    link = done.get("/events", max="1").links["next"]["url"]
    assert "from=2026-02-12T00%3A10%3A00.000Z" in link
    assert "to=2026-03-09T00%3A10%3A00.000Z" in link


def test_the_next_link_has_another_order_and_valueless_parameters(done: Client) -> None:
    """The cursor comes second, max late, and some parameters have no value."""
    link = done.get("/events", max="2", resource="messages", **WEEK).links["next"]["url"]
    names = [pair.split("=")[0] for pair in link.split("?")[1].split("&")]
    assert names == ["from", "cursor", "resource", "to", "max", "before", "after"]


def test_more_than_90_days_back_is_forbidden(done: Client) -> None:
    """The refusal has the words of the real one, in the shape of every error."""
    answer = done.get("/events", **{"from": "2025-12-08T00:00:00.000Z"})
    assert answer.status_code == 403
    body = answer.json()
    assert body["message"] == "User is only authorized to search within past 90 days."
    assert body["errors"] == [{"description": body["message"]}]
    assert body["trackingId"] == answer.headers["trackingid"]


def test_the_future_is_refused(done: Client) -> None:
    """A `to` after the clock is answered with 400."""
    assert done.get("/events", to="2026-03-10T00:00:00.000Z").status_code == 400


def test_edges_of_the_window_are_outside(done: Client) -> None:
    """An event exactly at `from` or `to` is not in the window, so that windows must overlap."""
    event = done.items("/events", resource="rooms", **WEEK)[0]
    exact = {"from": event["created"], "to": event["created"]}
    assert done.items("/events", resource="rooms", **exact) == []


def test_kinds_of_events_include_unknown_ones(done: Client) -> None:
    """Joins, leaves, edits, deletions, card answers, titles, and types that no document lists."""
    kinds = Counter((item["resource"], item["type"]) for item in done.items("/events", max="1000", **WEEK))
    expected = {"messages updated", "messages deleted", "messages flagged", "memberships created"}
    expected |= {"memberships deleted", "memberships updated", "attachmentActions created", "rooms updated"}
    expected |= {"rooms migrated", "huddles started", "tabs created"}
    assert expected <= {" ".join(kind) for kind in kinds}


def test_deleted_events_say_only_which_message(done: Client) -> None:
    """There is no text, file or time of writing in a deletion."""
    for item in done.items("/events", resource="messages", type="deleted", **WEEK):
        assert item["data"].keys() == {"id", "roomId", "roomType", "personId", "personEmail"}


def test_leaving_says_less_than_joining(done: Client) -> None:
    """A deleted membership has neither display name nor time of joining; a created one has the latter."""
    items = done.items("/events", max="1000", resource="memberships", **WEEK)
    fields = {
        kind: [item["data"].keys() for item in items if item["type"] == kind]
        for kind in ("created", "deleted")
    }
    assert not any(keys & {"personDisplayName", "created"} for keys in fields["deleted"])
    assert all("created" in keys for keys in fields["created"])
    assert any("personDisplayName" in keys for keys in fields["created"])


def test_org_and_app_come_in_every_way(done: Client) -> None:
    """An orgId is absent or there; appId is absent, null, the word null or an id."""
    items = done.items("/events", max="1000", resource="messages", **WEEK)
    assert {item.get("appId", "absent") for item in items} >= {"absent", None, "null"}
    assert {"orgId" in item for item in items} == {True, False}


def test_ten_edits_come_in_order_of_time(done: Client) -> None:
    """Each update has the text as of then and says when; the first event keeps the first text."""
    items = done.items("/events", max="1000", resource="messages", **WEEK)
    price = [item for item in items if item["data"].get("text", "").startswith("The price is")]
    texts = [item["data"]["text"] for item in sorted(price, key=lambda item: str(item["created"]))]
    assert texts == [f"The price is {100 + number}" for number in range(11)]
    assert sum("updated" in item["data"] for item in price) == 10


def test_threads_show_only_in_the_message_itself(done: Client) -> None:
    """Events have no parentId unless switched on; the message by id has it."""
    items = done.items("/events", max="1000", resource="messages", type="created", **WEEK)
    assert not any("parentId" in item["data"] for item in items)
    reply = next(item for item in items if item["data"].get("text") == "Booked. Confirmation follows.")
    assert "parentId" in done.get(f"/messages/{reply['data']['id']}").json()


def test_live_events_arrive_late(fresh: Client) -> None:
    """What just happened is not there yet, and some events arrive minutes after their neighbours."""
    fresh.move(days=1)
    seen = {item["id"] for item in fresh.items("/events", max="1000", resource="messages")}
    fresh.faults(switches={"event_delay_s": 0, "late_every": 0})
    truth = {item["id"] for item in fresh.items("/events", max="1000", resource="messages")}
    fresh.faults(switches={"late_every": 2, "late_s": 86_400})
    early = {item["id"] for item in fresh.items("/events", max="1000", resource="messages")}
    assert early < seen <= truth


def test_nothing_is_shown_before_it_happens(fresh: Client) -> None:
    """At the start of the week there is nothing; events come as the clock goes on."""
    assert fresh.items("/events", resource="messages") == []
    fresh.move(minutes=8 * 60 + 30)
    texts = [item["data"]["text"] for item in fresh.items("/events", resource="messages", type="created")]
    assert "On it." in texts
    assert "Perfect, thanks 🙏🏽" not in texts


def test_events_by_id_and_by_actor(done: Client) -> None:
    """One event can be asked for, and one person's events."""
    event = done.items("/events", max="1000", resource="memberships", **WEEK)[0]
    assert done.get(f"/events/{event['id']}").json() == event
    own = done.items("/events", max="1000", actorId=event["actorId"], **WEEK)
    assert {item["actorId"] for item in own} == {event["actorId"]}


def test_foreign_spaces_show_our_side_only(done: Client) -> None:
    """In a space of the partner's, only our own people's messages and stays are in the feed."""
    room = next(
        item["data"]["roomId"]
        for item in done.items("/events", max="1000", resource="messages", **WEEK)
        if "question 5" in item["data"].get("text", "")
    )
    mine = [each for each in done.items("/events", max="1000", **WEEK) if each["data"].get("roomId") == room]
    assert {each["data"]["personEmail"] for each in mine} == {
        "tom.ohara@bank.example",
        "priya.nair@bank.example",
    }


def test_ciphertext_first_then_the_text(fresh: Client) -> None:
    """A message whose key is late comes as ciphertext with a kms_failure for two times."""
    fresh.move(days=7)
    found = []
    for _ in range(3):
        items = fresh.items("/events", max="1000", resource="messages", type="created", **WEEK)
        found += [item["data"] for item in items if "vault" in str(item) or "kms_failure" in str(item)]
    assert [item["text"][:3] for item in found] == ["eyJ", "eyJ", "The"]
    assert found[0]["errors"]["text"]["code"] == "kms_failure"


def test_cursors_die_when_told_to(fresh: Client) -> None:
    """With a life set, an old cursor is refused, as any other nonsense is."""
    fresh.move(days=2)
    fresh.faults(switches={"cursor_life_s": 60})
    link = fresh.get("/events", max="2").links["next"]["url"]
    assert fresh.session.get(link).status_code == 200
    fresh.move(minutes=2)
    assert fresh.session.get(link).status_code == 400
    assert fresh.get("/events", cursor="nonsense").status_code == 400


def test_a_page_can_repeat_for_ever(fresh: Client) -> None:
    """With the switch on, a next link leads to the page that it is on."""
    fresh.move(days=2)
    fresh.faults(switches={"endless": True, "empty_pages": False})
    first = fresh.get("/events", max="2").links["next"]["url"]
    second = fresh.session.get(first)
    assert second.links["next"]["url"] == first


def test_a_moved_space_has_another_id(done: Client) -> None:
    """Events before and after the move bear different room ids; only the new one is found."""
    items = done.items("/events", max="1000", resource="messages", **WEEK)
    rooms = {item["data"].get("text"): item["data"]["roomId"] for item in items}
    old, new = rooms["Will our history survive?"], rooms["It did."]
    assert old != new
    assert done.get(f"/rooms/{old}").status_code == 404
    assert done.get(f"/rooms/{new}").json()["title"] == "Branch Lisbon"


def test_hostile_input_is_served_on_demand(fresh: Client) -> None:
    """With the switch on, items lack fields, have wrong types, wild dates and megabytes of text."""
    fresh.move(days=7)
    assert "and life goes on" not in str(fresh.items("/events", max="1000", **WEEK))
    fresh.faults(switches={"hostile": True})
    items = fresh.items("/events", max="1000", resource="messages", type="created", **WEEK)
    items += fresh.items("/events", max="1000", **WEEK)
    assert any(item.keys() == {"id"} for item in items)
    full = [item for item in items if "data" in item]
    assert any(item["data"].get("text") == 7 for item in full)
    assert {item["created"][:4] for item in full} >= {"0001", "9999"}
    assert max(len(str(item["data"].get("text", ""))) for item in full) > 10_000_000
    assert any("\ud83d here" in str(item["data"].get("text")) for item in full)
    twice = {item["data"]["text"] for item in full if "another body" in str(item["data"].get("text"))}
    assert len(twice) == 2


def test_any_seed_makes_unique_lines() -> None:
    """The 3,000 lines of the big space are all different, and differ from those of another seed."""
    texts = []
    for seed in (1, 2):
        with background(make_app(seed=seed)) as url:
            client = Client(url)
            client.move(days=7)
            items = client.items("/events", max="1000", resource="messages", type="created", **WEEK)
            texts.append(
                {text for item in items if "ticket blotter" in (text := item["data"].get("text", ""))}
            )
    assert [len(each) for each in texts] == [3000, 3000]
    assert len(texts[0] & texts[1]) < 300


def test_strangers_are_refused(fresh: Client) -> None:
    """Without a good token there is a 401 in the API's shape."""
    answer = requests.get(f"{fresh.url}/v1/events", headers={"Authorization": "Bearer wrong"}, timeout=5)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["description"] == answer.json()["message"]
