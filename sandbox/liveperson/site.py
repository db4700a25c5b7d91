"""What the handlers of the simulated LivePerson share: the account's content, the simulation, the errors."""

from __future__ import annotations

import bisect
import functools
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from sandbox.liveperson.auth import Auth
from sandbox.liveperson.model import ACCOUNT
from sandbox.liveperson.rows import relative_path
from sandbox.liveperson.shown import Shown
from sandbox.liveperson.state import state_at, steps_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.liveperson.model import Conversation
    from sandbox.liveperson.state import State
    from sandbox.simulation import Simulation, Tls

# The quirks and their realistic defaults; the nastier ones are off. Set them with POST /_sim/faults.
SWITCHES: Final[dict[str, Any]] = {
    # History
    "visibility_delay_ms": 60_000,  # things show after up to so long, differently for each conversation
    "partial_rows_over": 60,  # a list row with more messages than this is cut (isPartial); 0 = never
    "partial_shards": 0,  # so many of the next list answers lack rows and say partialResult
    "repeat_first_page": False,  # every offset shows the first page, and there is always a next one
    "no_content_when_empty": False,  # 204 instead of an empty list
    "require_source": False,  # 400 without the query parameter source
    "late_changes_bump_update_time": True,  # survey, summary, deletion count for latestUpdateTime
    "internal_hrefs": True,  # links of _metadata name an internal host over plain http
    "max_offset": 10_000,  # an offset past this answers 400, as Elasticsearch would
    "undefined_fillers": True,  # missing values are "undefined", "null" and -1 instead of absent
    # Variants that the documents contradict each other on
    "consumer_participant_key": False,  # consumerParticipant instead of consumerParticipants
    "message_score_key": False,  # messageScore instead of messageScores
    "csat_key": False,  # csat instead of csatRate
    "is_truncated_key": False,  # isTruncated instead of isPartial
    "sent_by_case": "title",  # title, upper or lower
    "times_as_strings": False,  # "…L" times as text
    "link_key": "link",
    "form_key": "secureForm",
    "form_data_in_clear": False,  # a form's submission carries what was typed in (it never should)
    # Files
    "file_scan_ms": 0,  # so long after its message a file answers 423, as one that is still being scanned
    # Users
    "users_as_strings": False,  # booleans and numbers of the users API as text
    "users_default_fields": False,  # without select only id, pid, deleted, loginName, as in versions before 6
    # Access
    "token_lifetime_s": 3600,  # real seconds; 0 makes every issued token expired at once
    "expires_in_as_text": True,
    "oauth1_window_s": 300,  # how far the signer's clock may be off, real seconds
    "temp_url_lifetime_s": 60,
    "error_shape": "nested",  # nested, flat or text
}


class ApiError(Exception):
    """An error answer of the API: status, message and LivePerson's internal code."""

    def __init__(self, status: int, message: str, code: int = 20) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class Site:
    """One simulated account."""

    def __init__(
        self, simulation: Simulation, conversations: Iterable[Conversation], tls: Tls | None = None
    ) -> None:
        self.simulation, self.tls = simulation, tls
        self.conversations = sorted(conversations, key=lambda each: each.start_ms)
        self.by_id = {each.id: each for each in self.conversations}
        self._starts = [each.start_ms for each in self.conversations]
        self.auth = Auth(simulation.faults)
        self.shown = Shown(simulation.ledger)

    @property
    def switches(self) -> dict[str, Any]:
        """The quirks in force."""
        return self.simulation.faults.switches

    @property
    def now_ms(self) -> int:
        """The simulated time."""
        return self.simulation.clock.now_ms()

    def visible_ms(self, conversation: Conversation) -> int:
        """Give the instant up to which a client sees it now: the clock less its share of the delay."""
        share = hashlib.blake2b(conversation.id.encode(), digest_size=1).digest()[0] / 255
        delay: int = self.switches["visibility_delay_ms"]
        return self.now_ms - round(delay * (0.1 + 0.9 * share))

    def state(self, conversation: Conversation) -> State | None:
        """Fold what is visible of a conversation now; None before its first step."""
        until = self.visible_ms(conversation)
        return state_at(conversation, until) if steps_until(conversation, until) else None

    def begun_between(self, from_ms: int, to_ms: int) -> Iterator[State]:
        """Give what is visible of the conversations that began in a range (inclusive), oldest first."""
        low, high = bisect.bisect_left(self._starts, from_ms), bisect.bisect_right(self._starts, to_ms)
        states = map(self.state, self.conversations[low:high])
        return (state for state in states if state)

    @functools.cached_property
    def files(self) -> dict[str, tuple[Conversation, str]]:
        """Give the conversation and message id of every path on the file server, now or later."""
        whole = (state_at(each, each.times[-1]) for each in self.conversations if each.has_files)
        return {
            relative_path(said, state): (state.conversation, said.id)
            for state in whole
            for said in state.said
            if said.step.file
        }

    def check_account(self, request: web.Request) -> None:
        """Raise ApiError 401 unless the path names this account."""
        if request.match_info["account"] != ACCOUNT:
            raise ApiError(401, "invalid site", 6)

    def error(self, error: ApiError) -> web.Response:
        """Make the answer for an error in the shape that is switched on."""
        shape, inner = self.switches["error_shape"], {"time": self.now_ms, "message": error.message}
        inner |= {"internalCode": error.code}
        if shape == "text":
            return web.Response(
                status=error.status, text=f"<html>{error.message}</html>", content_type="text/html"
            )
        return web.json_response(inner if shape == "flat" else {"error": inner}, status=error.status)


def utf8_json(content: object, headers: dict[str, str] | None = None) -> web.Response:
    """Answer with JSON whose text is UTF-8 and not escaped, as the API does."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)


SITE: Final = web.AppKey("site", Site)
