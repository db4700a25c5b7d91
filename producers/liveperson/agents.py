"""The account's agents as the users API lists them, asked for when the list is old or lacks somebody."""

import time

from producers.liveperson.client import Api
from producers.liveperson.people import Directory, agent_rows
from producers.liveperson.spans import Row
from producers.liveperson.values import first_fact

STRANGER_SECONDS = 60.0


class Agents:
    """The list; trusted for so many seconds."""

    def __init__(self, api: Api, seconds: float) -> None:
        self._api, self._seconds = api, seconds
        self.directory = Directory()
        self._at = float("-inf")

    def know(self) -> None:
        """Ask for the list if it is old; SourceError."""
        if time.monotonic() - self._at >= self._seconds:
            self._ask()

    def meet(self, row: Row) -> None:
        """An agent whom the list does not have may be new: ask for the list again, at most once a minute."""
        if time.monotonic() - self._at < STRANGER_SECONDS:
            return
        idents = (first_fact(shown, "agentId", "agentPid") for shown in agent_rows(row))
        if any(ident is not None and self.directory.find(ident) is None for ident in idents):
            self._ask()

    def _ask(self) -> None:
        self.directory, self._at = self._api.users(), time.monotonic()
