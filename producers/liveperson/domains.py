"""Which host serves what: LivePerson's domain lookup (CSDS), kept for ten minutes, the last good answer longer.

Tokens go only to hosts that this lookup named (Domain API page: names are bare hosts, without a scheme).
"""

import contextlib
import json
import re
import time

from producers.liveperson.calls import AnsweredError, Call
from producers.liveperson.http import Http
from producers.liveperson.settings import LivePersonSettings
from producers.liveperson.values import fact, listed, mapped
from producers.source import SourceError, SourceRefusedError, SourceUnavailableError

KEEP_SECONDS = 600.0
HISTORY, USERS, TOKENS, FILES = "msgHist", "accountConfigReadOnly", "sentinel", "swift"
_HOST = re.compile(r"^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$")


class Domains:
    """Hosts of an account's services."""

    def __init__(self, http: Http, settings: LivePersonSettings) -> None:
        self._http = http
        self._settings = settings
        self._hosts: dict[str, str] = {}
        self._asked = float("-inf")

    def url(self, service: str, path: str) -> str:
        """Address of a path at a service; SourceRefusedError if the lookup does not name the service."""
        if time.monotonic() - self._asked >= KEEP_SECONDS:
            self._refresh()
        host = self._hosts.get(service)
        if host is None:
            msg = (
                f"LivePerson's domain lookup names no host for {service} of account {self._settings.account_id}; "
                "check account_id, and with LivePerson whether the account has this service"
            )
            raise SourceRefusedError(msg)
        return f"{self._settings.scheme}://{host}{path}"

    def ask(self) -> None:
        """Ask the lookup now; raises SourceError if it does not answer, at once while the last answer serves."""
        account = self._settings.account_id
        url = f"{self._settings.domain_url.rstrip('/')}/api/account/{account}/service/baseURI.json"
        call = Call("domain lookup", "GET", url, {"version": "1.0"}, patient=not self._hosts)
        body = self._http.fetch(call).body
        hosts = _hosts(body)
        if not hosts:
            msg = f"LivePerson domain lookup: {url} named no hosts; it will be tried again"
            raise SourceUnavailableError(msg)
        self._hosts, self._asked = hosts, time.monotonic()

    def ask_time(self) -> None:
        """Get an answer whose `Date` tells the time: the lookup's, or the history's where the lookup alone is down.

        The time of an earlier answer would stand still: nothing would be polled, and nobody told why.
        """
        try:
            self.ask()
        except SourceUnavailableError:
            if not self._hosts:
                raise
            with contextlib.suppress(AnsweredError):  # whatever it answers
                self._http.fetch(Call("history", "GET", self.url(HISTORY, "/"), patient=False))

    def _refresh(self) -> None:
        try:
            self.ask()
        except SourceError:
            if not self._hosts:
                raise
            self._asked = time.monotonic()  # the last good answer serves for another while


def _hosts(body: bytes) -> dict[str, str]:
    try:
        entries = listed(mapped(json.loads(body)).get("baseURIs"))
    except (ValueError, RecursionError):
        return {}
    named = ((fact(entry.get("service")), fact(entry.get("baseURI"))) for entry in map(mapped, entries))
    return {service: host for service, host in named if service and host and _HOST.match(host)}
