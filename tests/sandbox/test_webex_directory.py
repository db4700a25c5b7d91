"""Rooms, members, people, teams and messages of the simulated Webex, seen by a plain client."""

from collections.abc import Iterator

import pytest

from sandbox.simulation import background
from sandbox.webex.server import make_app
from tests.sandbox.webex_client import Client, Json


@pytest.fixture
def client() -> Iterator[Client]:
    """Serve a week that is over, with what is written by hand alone."""
    with background(make_app(scale=0)) as url:
        client = Client(url)
        client.move(days=7, minutes=10)
        yield client


def said(client: Client, text: str) -> Json:
    """Return the data of the created event of a message."""
    items = client.items("/events", max="1000", resource="messages", type="created")
    found: Json = next(item["data"] for item in items if item["data"].get("text") == text)
    return found


def person(client: Client, email: str) -> Json:
    """Return a person by address."""
    found: Json = client.get("/people", email=email).json()["items"][0]
    return found


def test_rooms_of_others_are_found_by_id_alone(client: Client) -> None:
    """The list has the officer's own rooms; any other room is there by its id."""
    assert [room["title"] for room in client.items("/rooms")] == ["Treasury"]
    room = client.get(f"/rooms/{said(client, 'On it.')['roomId']}").json()
    assert room["title"] == "Hedge desk (EUR & GBP)"
    assert "teamId" not in room


def test_a_title_may_come_as_ciphertext(client: Client) -> None:
    """With the switch on, a list answers 200 with single fields broken, and later with the title."""
    client.faults(switches={"kms_titles": 1})
    broken = client.items("/rooms")[0]
    assert broken["title"].startswith("eyJ")
    assert broken["errors"]["title"]["code"] == "kms_failure"
    assert client.items("/rooms")[0]["title"] == "Treasury"


def test_direct_rooms_have_an_empty_title(client: Client) -> None:
    """A 1:1 must be named from its members."""
    room = client.get(f"/rooms/{said(client, 'Soup?')['roomId']}").json()
    assert (room["title"], room["type"]) == ("Empty Title", "direct")
    names = {each["personDisplayName"] for each in client.items("/memberships", roomId=room["id"])}
    assert names == {"Ana Ruiz", "Tom O'Hara"}


def test_teams_and_their_general_space(client: Client) -> None:
    """Team spaces name their team, which is found by id with its members."""
    room = client.items("/rooms")[0]
    team = client.get(f"/teams/{room['teamId']}").json()
    assert team["name"] == "Treasury"
    assert [each["id"] for each in client.items("/teams")] == [team["id"]]
    members = client.items("/team/memberships", teamId=team["id"])
    assert len(members) == 5


def test_members_are_those_of_now(client: Client) -> None:
    """Who left is not listed, who joined is, moderators are marked."""
    members = client.items("/memberships", roomId=said(client, "On it.")["roomId"], max="2")
    assert {each["personEmail"]: each["isModerator"] for each in members} == {
        "ana.ruiz@bank.example": False,
        "dieter.grossmann@bank.example": False,
        "tickets@webex.bot": False,
        "eleni.papadopoulou@bank.example": True,
    }


def test_a_persons_rooms_hide_what_others_own(client: Client) -> None:
    """Rows of foreign-owned rooms are left out after paging, so that pages may be empty."""
    pages = list(client.pages("/memberships", personEmail="Tom.OHara@bank.example", max="1"))
    rooms = {each["roomId"] for page in pages for each in page["items"]}
    assert [] in [page["items"] for page in pages]
    assert said(client, "Soup?")["roomId"] in rooms
    assert said(client, "Understood. Our answer to question 3 is: two business days.")["roomId"] not in rooms


def test_people_by_id_and_the_missing_ones(client: Client) -> None:
    """A list of ids brings those who are there and names those who are not; deleted people are not."""
    ana = person(client, "ana.ruiz@bank.example")
    marta = said(client, "To mój ostatni dzień. Dziękuję wszystkim!")["personId"]
    body = client.get("/people", id=f"{ana['id']},{marta}").json()
    assert body["items"] == [ana]
    assert body["notFoundIds"] == [marta]
    assert client.get(f"/people/{marta}").status_code == 404
    assert client.get(f"/people/{ana['id']}").json()["displayName"] == "Ana Ruiz"
    assert client.get("/people").status_code == 400
    assert client.get("/people", id=",".join(["x"] * 86)).status_code == 400


def test_bots_and_strangers(client: Client) -> None:
    """Bots say so; people of another organisation show no presence."""
    assert person(client, "tickets@webex.bot")["type"] == "bot"
    claire = person(client, "claire.dubois@partner.example")
    assert "status" not in claire
    assert claire["orgId"] != person(client, "tom.ohara@bank.example")["orgId"]


def test_messages_show_their_last_text(client: Client) -> None:
    """After edits there is one text and no history."""
    first = said(client, "The price is 100")
    shown = client.get(f"/messages/{first['id']}").json()
    assert shown["text"] == "The price is 110"
    assert "updated" in shown


def test_a_rooms_messages_are_listed_for_members_only(client: Client) -> None:
    """The list answers 404 for foreign rooms, unless switched on; newest first, deleted ones left out."""
    room = said(client, "Soup?")["roomId"]
    assert client.get("/messages", roomId=room).status_code == 404
    client.faults(switches={"list_foreign": True, "repeated": 0})
    items = client.items("/messages", roomId=room, max="3")
    assert items[0]["text"] == "Seen nothing 😇"
    assert "Wrong window, please ignore this one" not in {item["text"] for item in items}
    thread = client.items("/messages", roomId=said(client, "On it.")["roomId"], parentId=parent(client))
    assert len(thread) == 4


def parent(client: Client) -> str:
    """Return the id of the message that heads the thread on the hedge desk."""
    found: str = client.get(f"/messages/{said(client, 'On it.')['id']}").json()["parentId"]
    return found


def test_mentions_are_in_html_and_ids(client: Client) -> None:
    """A mention is a spark-mention in the HTML, an id in mentionedPeople, or a group."""
    ask = client.get(f"/messages/{parent(client)}").json()
    piotr = ask["mentionedPeople"][0]
    assert f'data-object-id="{piotr}">Piotr Wiśniewski</spark-mention>' in ask["html"]
    assert ask["text"].startswith("Piotr Wiśniewski could you")
    assert said(client, 'All Priya Nair Luis "Lucho" Ortega, Jr.')["mentionedGroups"] == ["all"]


def test_cards_and_their_answers(client: Client) -> None:
    """A bot's card is an attachment; what was submitted is found by its id."""
    card = said(client, "Approve limit increase 4471?")
    assert card["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"
    items = client.items("/events", resource="attachmentActions")
    answer = next(item["data"] for item in items if item["data"]["messageId"] == card["id"])
    assert client.get(f"/attachment/actions/{answer['id']}").json() == answer
    assert answer["inputs"] == {"answer": "yes", "note": "within the annual frame"}


def test_foreign_messages_are_not_found(client: Client) -> None:
    """What a partner writes in its own space is hidden, a 1:1 with a partner is not."""
    own = said(client, "Understood. Our answer to question 3 is: two business days.")
    assert client.get(f"/messages/{own['id']}").status_code == 200
    assert said(client, "Can we talk before the call?")["personEmail"] == "claire.dubois@partner.example"


def test_unknown_paths_and_ids_have_the_shape_of_errors(client: Client) -> None:
    """Everything unknown is a 404 with message, errors and trackingId."""
    for path in ("/nonsense", "/rooms/x", "/people/x", "/messages/x", "/teams/x", "/events/x", "/contents/x"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json().keys() == {"message", "errors", "trackingId"}


def test_the_ledger_has_what_was_shown_and_no_more(client: Client) -> None:
    """Texts, edits, deletions, joins, leaves and names are entered when they went out."""
    assert client.ledger() == []
    client.items("/events", max="1000")
    kinds = {entry["kind"] for entry in client.ledger()}
    assert kinds == {"message", "edit", "deletion", "join", "leave"}
    texts = {entry["text"] for entry in client.ledger("message") if "text" in entry}
    assert {"Soup?", "Approve limit increase 4471?", "The price is 100"} <= texts
    assert "The figures are in the vault" not in texts
    assert "Noted, two days." not in texts
    person(client, "ana.ruiz@bank.example")
    assert [entry["sender_name"] for entry in client.ledger("name")] == ["Ana Ruiz"]
