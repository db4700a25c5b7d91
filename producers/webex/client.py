"""One request at a time against Webex: retries, waits, budgets, and one clear sentence when it doesn't work.

Bodies are handed on as bytes, before anything is parsed. Facts about the service: developer.webex.com, "REST API
Basics" (rate limits, errors) and "Compliance" (contents).
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlencode

import requests

from producers.hung import interruptible
from producers.source import SourceRefusedError, SourceUnavailableError
from producers.webex import paging
from producers.webex.auth import Authority, BearerAuth
from producers.webex.retries import Retries, TryLaterError, retry_after_s
from producers.webex.settings import WebexSettings

GONE = frozenset({400, 403, 404, 410, 414})
"""One thing that is gone, foreign, or whose id is not one (400), or is far too long (414)."""
PASSING = frozenset({408, 423, 425, 429, 500, 502, 503, 504})

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Answer:
    """What came back, complete; the body as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Client:
    """Requests, with the token for the configured host alone.

    A call gives up after `retry_seconds` with SourceUnavailableError, or soon after `stop`.
    Safe to use from several threads.
    """

    def __init__(
        self,
        settings: WebexSettings,
        clock: Callable[[], float] = time.time,
        stop: threading.Event | None = None,
    ) -> None:
        self.settings, self._clock = settings, clock
        self.authority = Authority(settings, clock)
        self.closing = stop or threading.Event()
        self._session = _session(settings)
        self._session.auth = BearerAuth(settings.base_url, self.authority)
        self._date: tuple[int, float] | None = None

    def now_ms(self) -> int:
        """The service's clock, never ahead of ours; asks when the last answer is older than a second."""
        if self._date is None or time.monotonic() - self._date[1] > 1:
            self.retried(lambda: self.send("HEAD", self.url("/people/me")).close())
        ours = int(self._clock() * 1000)
        return min(ours, self._date[0]) if self._date else ours

    def url(self, path: str, params: Mapping[str, str] | None = None) -> str:
        """A URL below the configured one."""
        return f"{self.settings.base_url}{path}" + (
            f"?{urlencode(params, errors='replace')}" if params else ""
        )

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """The answer to a request that must work. Raises SourceRefusedError, SourceUnavailableError."""
        return accepted(self.fetch(self.url(path, params)))

    def find(self, path: str, params: Mapping[str, str] | None = None) -> Answer | None:
        """The answer to a request for one thing; None where it is gone or not for our eyes. Raises as `get`."""
        answer = self.fetch(self.url(path, params))
        return None if answer.status in GONE else accepted(answer)

    def fetch(self, url: str) -> Answer:
        """The answer to GET, whatever its status, once passing troubles are over.

        After a 504 it asks for smaller pages. Raises SourceUnavailableError.
        """
        held = [url]

        def once() -> Answer:
            try:
                return self._answer(held[0])
            except TryLaterError as error:
                held[0] = (error.status == 504 and paging.smaller(held[0])) or held[0]
                raise

        return self.retried(once)

    def retried(self, call: Callable[[], _Result], budget_s: float | None = None) -> _Result:
        """What the call returns, tried again while it raises TryLaterError; then SourceUnavailableError."""
        budget = self.settings.retry_seconds if budget_s is None else budget_s
        return Retries(self.closing, budget).run(lambda: interruptible(call, self.check_stop))

    def check_stop(self) -> None:
        """SourceUnavailableError once the collector is to stop."""
        if self.closing.is_set():
            raise SourceUnavailableError("stopped while waiting for Webex")

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """One request, its body unread; the caller closes it. A refused token is refreshed, once.

        Raises TryLaterError when nothing came back, SourceRefusedError when a fresh token is refused too.
        """
        response = self._sent(method, url, headers)
        if response.status_code != 401:
            return response
        response.close()
        used = str(response.request.headers.get("Authorization", "")).removeprefix("Bearer ")
        if used:  # without one the other side was not given a token, and a new one changes nothing
            self.authority.refused(used)
            response = self._sent(method, url, headers)
        if response.status_code == 401:
            response.close()
            msg = f"Webex refuses a fresh access token (401); run `chatledger login {self.settings.uid}`"
            raise SourceRefusedError(msg)
        return response

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def _sent(self, method: str, url: str, headers: Mapping[str, str] | None) -> requests.Response:
        moves = url.partition("?")[0].startswith(
            f"{self.settings.base_url}/contents/"
        )  # the only ones that may
        try:
            response = self._session.request(
                method, url, headers=dict(headers or {}), stream=True, allow_redirects=moves,
                timeout=(min(10.0, self.settings.request_seconds), self.settings.request_seconds),
            )  # fmt: skip
        except requests.RequestException as error:
            msg = f"cannot reach Webex at {self.settings.base_url} ({_cause(error)})"
            raise TryLaterError(msg) from None
        self._note_date(response.headers.get("Date"))
        return response

    def _answer(self, url: str) -> Answer:
        with self.send("GET", url) as response:
            try:
                body = response.content
            except requests.RequestException as error:
                msg = f"Webex broke off in the middle of an answer ({_cause(error)})"
                raise TryLaterError(msg) from None
            later(response)
            kind = response.headers.get("Content-Type", "")
            if response.status_code == 200 and "json" not in kind.lower():
                msg = f"Webex's answer is no JSON but {kind or 'of no type'}; is a proxy in between?"
                raise TryLaterError(msg)
            return Answer(response.status_code, response.headers, body, url)

    def _note_date(self, header: str | None) -> None:
        try:
            found = parsedate_to_datetime(header or "")
        except ValueError:
            return
        self._date = (int(found.timestamp() * 1000), time.monotonic())


def _session(settings: WebexSettings) -> requests.Session:
    """A session that takes proxies and CA file from the environment once, not at each request (half its cost)."""
    session = requests.Session()
    environment = session.merge_environment_settings(
        settings.base_url, {}, stream=None, verify=None, cert=None
    )
    session.proxies, session.verify = environment["proxies"], environment["verify"]
    session.trust_env = False  # from here on; a .netrc never speaks either
    session.mount(settings.base_url, requests.adapters.HTTPAdapter(pool_maxsize=settings.parallel + 1))
    return session


def later(response: requests.Response) -> None:
    """Raise TryLaterError if the status is one that passes."""
    status = response.status_code
    if status in PASSING or status > 504:
        what = "asks us to slow down" if status == 429 else "has trouble"
        wait = retry_after_s(response.headers.get("Retry-After")) if status in {423, 429, 503} else None
        msg = f"Webex {what} (status {status})"
        raise TryLaterError(msg, wait, status)


def accepted(answer: Answer) -> Answer:
    """The answer if it is a good one. Raises SourceRefusedError with what the service says."""
    if answer.status == 200:
        return answer
    path = answer.url.partition("?")[0]
    said = _message(answer.body)
    if answer.status == 403 and "90 days" in said:
        advice = "without Pro Pack Webex answers for 90 days: set look_back_days to 89 or less"
    elif answer.status == 403:
        advice = "the account needs the Compliance Officer role, the integration the configured scopes"
    else:
        advice = "is base_url right?"
    msg = f"Webex refuses {path} (status {answer.status}: {said}); {advice}"
    raise SourceRefusedError(msg)


def _message(body: bytes) -> str:
    try:
        found = json.loads(body)
        return str(found["message"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "no reason given"


def _cause(error: Exception) -> str:
    """The kind of failure in two words: the exception's own text names proxies and may quote addresses."""
    return type(error).__name__
