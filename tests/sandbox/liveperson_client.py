"""A plain HTTP client of the simulated LivePerson, and how to start one in the test's own process."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import requests

from sandbox.liveperson.auth import Credentials
from sandbox.liveperson.model import ACCOUNT, DAY_MS, MONDAY_MS
from sandbox.liveperson.server import Options, application
from sandbox.simulation import background

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]
OWN = Credentials()
WEEK = {"from": MONDAY_MS, "to": MONDAY_MS + 10 * DAY_MS}
NEXT_MONDAY_MS = MONDAY_MS + 9 * DAY_MS  # everything that is written has happened by then
HISTORY = f"/messaging_history/api/account/{ACCOUNT}/conversations"
USERS = f"/api/account/{ACCOUNT}/configuration/le-users/users"


class Client:
    """Talks to a simulated LivePerson at a base URL, with a bearer token once ``authorize`` was called."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET a path."""
        return self.session.get(self.url + path, timeout=10, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """POST to a path."""
        return self.session.post(self.url + path, timeout=10, **options)

    def token(self, secret: str = OWN.client_secret) -> requests.Response:
        """Ask for an OAuth 2 token."""
        form = {"client_id": OWN.client_id, "client_secret": secret, "grant_type": "client_credentials"}
        return self.post(f"/sentinel/api/v2/account/{ACCOUNT}/app/token?v=2.0", data=form)

    def authorize(self) -> None:
        """Use a new OAuth 2 token from now on."""
        self.session.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"

    def search(self, query: str = "limit=100", **body: Any) -> requests.Response:
        """Search by start time, by default the whole week."""
        return self.post(f"{HISTORY}/search?{query}", json={"start": WEEK} | body)

    def rows(self, query: str = "limit=100", **body: Any) -> list[Row]:
        """Search and give the rows."""
        answer = self.search(query, **body)
        answer.raise_for_status()
        rows: list[Row] = answer.json()["conversationHistoryRecords"]
        return rows

    def whole(self, conversation: str, **body: Any) -> Row:
        """Give one conversation by id."""
        answer = self.post(f"{HISTORY}/conversation/search", json={"conversationId": conversation} | body)
        row: Row = answer.json()["conversationHistoryRecords"][0]
        return row

    def set_clock(self, now_ms: int) -> None:
        """Move the simulated clock."""
        self.post("/_sim/clock", json={"now_ms": now_ms}).raise_for_status()

    def faults(self, *rules: Row, **switches: Any) -> None:
        """Put fault rules and switches in force."""
        self.post("/_sim/faults", json={"rules": rules, "switches": switches}).raise_for_status()

    def ledger(self, kind: str = "") -> list[Row]:
        """Give the ledger's entries of a kind, or all."""
        return [each for each in self.get("/_sim/ledger").json() if kind in {"", each["kind"]}]


@contextlib.contextmanager
def simulated(options: Options | None = None) -> Iterator[Client]:
    """Run a simulated LivePerson while the block runs; by default a week has passed."""
    with background(application(options or Options(now_ms=NEXT_MONDAY_MS))) as url:
        client = Client(url)
        with client.session:
            client.authorize()
            yield client
