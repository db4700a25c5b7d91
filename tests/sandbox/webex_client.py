"""A plain client of the simulated Webex: requests and next links, nothing of ours."""

from collections.abc import Iterator
from typing import Any

import requests

Json = dict[str, Any]


class Client:
    """Asks one simulated service, as the officer."""

    def __init__(self, url: str, token: str = "officer") -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: str) -> requests.Response:
        """Ask for a path below /v1."""
        return self.session.get(f"{self.url}/v1{path}", params=query, timeout=20)

    def pages(self, path: str, **query: str) -> Iterator[Json]:
        """Follow the next links to the end."""
        answer = self.get(path, **query)
        while True:
            answer.raise_for_status()
            yield answer.json()
            if "next" not in answer.links:
                return
            answer = self.session.get(answer.links["next"]["url"], timeout=20)

    def items(self, path: str, **query: str) -> list[Json]:
        """Return the items of all pages; those repeated on the next page once."""
        found = [item for page in self.pages(path, **query) for item in page["items"]]
        return list({item["id"]: item for item in found}.values())

    def move(self, *, days: int = 0, minutes: int = 0) -> None:
        """Move the clock."""
        step = {"advance_ms": (days * 1440 + minutes) * 60_000}
        self.session.post(f"{self.url}/_sim/clock", json=step, timeout=5).raise_for_status()

    def faults(self, **document: object) -> None:
        """Put a faults document in force."""
        self.session.post(f"{self.url}/_sim/faults", json=document, timeout=5).raise_for_status()

    def ledger(self, kind: str = "") -> list[Json]:
        """Return the ledger's entries, of one kind or all."""
        entries: list[Json] = self.session.get(f"{self.url}/_sim/ledger", timeout=20).json()
        return [entry for entry in entries if kind in {"", entry["kind"]}]
