"""An unmodified third-party client, webexpythonsdk, against the simulated Webex, with 429s in the middle."""

import warnings
from collections.abc import Iterator

import pytest
from webexpythonsdk import WebexAPI
from webexpythonsdk.exceptions import ApiError, RateLimitWarning
from webexpythonsdk.models.immutable import Event

from sandbox.simulation import background
from sandbox.webex.server import make_app
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET, FIRST_REFRESH_TOKEN
from tests.sandbox.webex_client import Client

WEEK = {"_from": "2026-03-02T00:00:00.000Z", "to": "2026-03-09T00:00:00.000Z"}
BUSY = {
    "do": {
        "status": 429,
        "headers": {"Retry-After": "0", "Content-Type": "text/html"},
        "body": "<h1>Busy</h1>",
    }
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Serve a week that is over."""
    with background(make_app()) as url:
        client = Client(url)
        client.move(days=7, minutes=10)
        yield client


@pytest.fixture
def api(client: Client) -> Iterator[WebexAPI]:
    """Point the unmodified client at the service."""
    yield WebexAPI("officer", base_url=f"{client.url}/v1/")
    client.faults()


def refuse_twice(client: Client) -> None:
    """Let the third and fourth of the coming requests be answered with 429."""
    client.faults(rules=[{"match": {"path": "/v1/"}, "after": 2, "times": 2, **BUSY}])


def listed(events: Iterator[Event]) -> set[str]:
    """Return the ids of all events, while waiting where the service says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RateLimitWarning)
        return {event.id for event in events}


def test_events_are_listed_to_the_end(client: Client, api: WebexAPI) -> None:
    """The client follows empty pages and waits for a 429, and has what a plain client has."""
    truth = client.items(
        "/events", max="1000", resource="messages", **{"from": WEEK["_from"], "to": WEEK["to"]}
    )
    refuse_twice(client)
    found = listed(api.events.list(resource="messages", max=700, **WEEK))
    assert found == {item["id"] for item in truth}
    statuses = [
        entry["status"] for entry in client.session.get(f"{client.url}/_sim/requests", timeout=5).json()
    ]
    assert 429 in statuses


def test_rooms_members_people_and_messages(client: Client, api: WebexAPI) -> None:
    """What hangs on an event is found through the client's own models."""
    refuse_twice(client)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RateLimitWarning)
        room = next(iter(api.rooms.list()))
        assert room.title == "Treasury"
        members = {
            each.personDisplayName: each.personId for each in api.memberships.list(roomId=room.id, max=2)
        }
        assert len(members) == 5
        assert api.people.get(members["Ana Ruiz"]).emails == ["ana.ruiz@bank.example"]
        texts = [each.text for each in api.messages.list(roomId=room.id, max=2)]
        assert texts[0] == "Minutes attached."
        assert len(set(texts)) == 5
        assert [each.name for each in api.teams.list()] == ["Treasury"]


def test_failures_reach_the_client(client: Client, api: WebexAPI) -> None:
    """A 403 and a 503 come as the client's own error, with message and tracking id."""
    with pytest.raises(ApiError, match="past 90 days"):
        list(api.events.list(_from="2025-01-01T00:00:00.000Z"))
    client.faults(rules=[{"match": {"path": "/v1/rooms"}, "do": {"status": 503}}])
    with pytest.raises(ApiError, match="503"):
        list(api.rooms.list())


def test_refresh_through_the_client(client: Client, api: WebexAPI) -> None:
    """The client's own token call works, and its new access token too."""
    grant = api.access_tokens.refresh(CLIENT_ID, CLIENT_SECRET, FIRST_REFRESH_TOKEN)
    renewed = WebexAPI(grant.access_token, base_url=f"{client.url}/v1/")
    assert renewed.people.me().displayName == "Ingrid Solberg"
