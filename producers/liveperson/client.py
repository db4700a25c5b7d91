"""The methods of LivePerson's APIs that collecting needs: history search, history by id, users.

Paths and parameters after the pages "Messaging Interactions API" and "Users API" of developers.liveperson.com.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from producers.liveperson.calls import Auth, Call
from producers.liveperson.domains import HISTORY, USERS, Domains
from producers.liveperson.http import Http
from producers.liveperson.people import Directory, user_of
from producers.liveperson.settings import LivePersonSettings
from producers.liveperson.spans import Page, page_of
from producers.liveperson.values import mapped
from producers.source import SourceUnavailableError
from schemas.topics import DAY_MS

NO_CONTENT = b'{"_metadata": {"count": 0}, "conversationHistoryRecords": []}'
"""What a 204 says."""
PAGE_ROWS = 100
IDS_PER_CALL = 100
LONGEST_SPAN_MS = 88 * DAY_MS
"""The API refuses more than three months; the shortest three have 89 days, and it rounds outward."""
ROUNDING_MS = 600_000
SECTIONS = [
    "campaign", "messageRecords", "agentParticipants", "agentParticipantsLeave", "agentParticipantsActive",
    "consumerParticipants", "transfers", "interactions", "messageScores", "messageStatuses", "conversationSurveys",
    "coBrowseSessions", "summary", "sdes", "unAuthSdes", "monitoring", "dialogs", "responseTime", "skillChanges",
    "intents", "uniqueIntents", "latestAgentSurvey", "previouslySubmittedAgentSurveys",
]  # fmt: skip
_USER_FIELDS = "id,pid,deleted,loginName,fullName,nickname,email,userTypeId"


@dataclass(frozen=True)
class Query:
    """Conversations that began in [from_ms, to_ms], optionally only those updated since, or in a status."""

    from_ms: int
    to_ms: int
    updated_ms: int | None = None
    status: str | None = None

    def body(self) -> dict[str, Any]:
        """The JSON body of a search."""
        body: dict[str, Any] = {
            "start": {"from": self.from_ms, "to": self.to_ms},
            "contentToRetrieve": SECTIONS,
        }
        if self.updated_ms is not None:
            body["latestUpdateTime"] = {"from": self.updated_ms}
        if self.status is not None:
            body["status"] = [self.status]
        return body

    def halves(self) -> tuple["Query", "Query"] | None:
        """Two queries for the same, cut at a mark of the API's rounding; None if it is too narrow for that."""
        middle = (self.from_ms + self.to_ms) // 2 // ROUNDING_MS * ROUNDING_MS
        if not self.from_ms < middle < self.to_ms:
            return None
        first = Query(self.from_ms, middle - 1, self.updated_ms, self.status)
        return first, Query(middle, self.to_ms, self.updated_ms, self.status)

    def spans(self) -> Iterator["Query"]:
        """The same in pieces that the API accepts, oldest first."""
        at = self.from_ms
        while at <= self.to_ms:
            end = min(self.to_ms, at + LONGEST_SPAN_MS - 1)
            yield Query(at, end, self.updated_ms, self.status)
            at = end + 1


class Api:
    """One account's API."""

    def __init__(self, settings: LivePersonSettings, http: Http, domains: Domains, auth: Auth) -> None:
        self._settings, self._http, self._domains, self._auth = settings, http, domains, auth

    def search_body(self, query: Query, offset: int, limit: int) -> bytes:
        """The answer to one page of a query, by start."""
        params = {"v": "2", "offset": str(offset), "limit": str(limit), "sort": "start:asc"}
        return self._history(
            "history search", "/conversations/search", params, query.body(), single=limit == 1
        )

    def by_ids_body(self, ids: Sequence[str]) -> bytes:
        """The answer with these conversations whole, at most 100; unknown ids are simply missing."""
        body = {"conversationIds": list(ids), "contentToRetrieve": SECTIONS}
        path = "/conversations/conversation/search"
        return self._history("history by id", path, {"v": "2"}, body, single=len(ids) == 1)

    @staticmethod
    def page(body: bytes) -> Page:
        """The page in an answer; MalformedError if it can't be read."""
        return page_of(body)

    def users(self) -> Directory:
        """All agents, former ones too."""
        path = f"/api/account/{self._settings.account_id}/configuration/le-users/users"
        params = {"v": "6.0", "select": _USER_FIELDS, "include_deleted": "true"}
        call = Call("users", "GET", self._domains.url(USERS, path), params)
        try:
            rows = json.loads(self._http.fetch(call, self._auth).body)
        except (ValueError, RecursionError):
            rows = None
        if not isinstance(rows, list):  # nobody would be known by it, and copies would reach nobody
            msg = f"LivePerson users: {call.where} answered something that is no list in JSON; it will be tried again"
            raise SourceUnavailableError(msg)
        found = (user_of(mapped(row)) for row in rows)
        return Directory(tuple(user for user in found if user is not None))

    def _history(
        self, what: str, method: str, params: dict[str, str], body: dict[str, Any], *, single: bool
    ) -> bytes:
        """One answer; a single row may be of any size, more of them may not (TooLargeError)."""
        most_bytes = None if single else int(self._settings.calls.max_page_mb * 1_000_000)
        path = f"/messaging_history/api/account/{self._settings.account_id}{method}"
        label = {"source": self._settings.source_label}
        url = self._domains.url(HISTORY, path)
        reply = self._http.fetch(
            Call(what, "POST", url, params | label, json=body, most_bytes=most_bytes), self._auth
        )
        return NO_CONTENT if reply.status == 204 else reply.body  # a 200 without a body says nothing at all
