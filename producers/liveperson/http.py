"""Calls to LivePerson: timeouts, retries within a budget, one clear sentence when a call fails.

Redirects are never followed and an error never quotes a query, a header or a body: those may hold secrets.
Pauses after 429 and 5xx follow LivePerson's retry policy page (429: at least a second; 5xx: growing pauses).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import stamina
from requests.auth import AuthBase

from producers.liveperson.settings import CallLimits
from producers.liveperson.values import mapped, number
from producers.source import SourceRefusedError, SourceUnavailableError

CONNECT_SECONDS = 10.0
THROTTLE_SECONDS = 1.0
RETRYABLE = frozenset({408, 425, 429})


class AnsweredError(SourceRefusedError):
    """The other side answered with a status that no retry changes."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class _AgainError(SourceUnavailableError):
    """Worth another try, after so many seconds where the other side said so."""

    def __init__(self, sentence: str, wait: float | None = None) -> None:
        super().__init__(sentence)
        self.wait = wait


class Auth(Protocol):
    """How calls prove who we are."""

    def signer(self) -> AuthBase:
        """What signs the next request; may fetch a token first."""

    def renew(self) -> bool:
        """Drop what was refused; False if there is nothing else to try."""


class Anonymous(AuthBase):
    """No credentials at all, also none from a .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request alone."""
        return request


@dataclass(frozen=True)
class Call:
    """One request; `what` names it in sentences for people."""

    what: str
    method: str
    url: str
    params: dict[str, str] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = field(default=None, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    stream: bool = False

    @property
    def where(self) -> str:
        """The address without its query, which may hold a signature."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"


class Http:
    """One connection pool with patience, and the source's clock by its `Date` header."""

    def __init__(self, limits: CallLimits, clock: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._clock = clock
        self._session = requests.Session()
        self._date_ms: int | None = None

    @property
    def date_ms(self) -> int | None:
        """The latest `Date`, never ahead of our own clock; None before the first answer."""
        return None if self._date_ms is None else min(self._date_ms, int(self._clock() * 1000))

    def send(self, call: Call, auth: Auth | None = None) -> requests.Response:
        """The answer to a call: 200 to 299, body read unless streamed.

        Raises AnsweredError (a SourceRefusedError) for what a retry can't change, SourceUnavailableError for all else.
        """
        for attempt in self._attempts():
            with attempt:
                return self._signed(call, auth)
        raise SourceUnavailableError(_sentence(call, "was never tried", "check the limits of `calls`"))

    def patiently(self, work: Callable[[], bool], sentence: str) -> None:
        """Repeat until `work` says that it is done; SourceUnavailableError with this sentence if it never is."""
        for attempt in self._attempts():
            with attempt:
                if work():
                    return
                raise _AgainError(sentence)

    def _attempts(self) -> Iterator[stamina.Attempt]:
        limits = self._limits
        return iter(
            stamina.retry_context(
                on=_pause,
                attempts=None,
                timeout=limits.retry_seconds,
                wait_initial=limits.first_wait_seconds,
                wait_max=limits.longest_wait_seconds,
                wait_jitter=limits.first_wait_seconds / 4,
            )
        )

    def _signed(self, call: Call, auth: Auth | None) -> requests.Response:
        answer = self._once(call, auth.signer() if auth else Anonymous())
        if answer.status_code == 401 and auth is not None and auth.renew():
            answer.close()
            answer = self._once(call, auth.signer())
        return self._judged(call, answer)

    def _once(self, call: Call, signer: AuthBase) -> requests.Response:
        with _translated(call):
            answer = self._session.request(
                call.method, call.url, params=call.params, json=call.json, data=call.form, headers=call.headers,
                auth=signer, timeout=(CONNECT_SECONDS, self._limits.timeout_seconds), allow_redirects=False,
                stream=call.stream,
            )  # fmt: skip
        self._note_date(answer)
        return answer

    def _note_date(self, answer: requests.Response) -> None:
        try:
            date = parsedate_to_datetime(answer.headers.get("Date", ""))
        except ValueError:
            return
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        self._date_ms = int(date.timestamp() * 1000)

    def _judged(self, call: Call, answer: requests.Response) -> requests.Response:
        status = answer.status_code
        if 200 <= status < 300:
            return answer
        told = _internal_code(answer)
        answer.close()
        if status in RETRYABLE or status >= 500:
            wait = _throttle_wait(answer, self._limits) if status == 429 else None
            raise _AgainError(_sentence(call, f"answered {status}{told}", "it will be tried again"), wait)
        raise AnsweredError(_sentence(call, f"answered {status}{told}", _advice(status)), status)

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()


@contextmanager
def _translated(call: Call) -> Iterator[None]:
    """Turn what the HTTP library raises into our sentence; its own text may quote the whole address."""
    try:
        yield
    except requests.exceptions.SSLError:
        advice = "check its certificate, or the CA bundle of this machine"
        raise SourceRefusedError(_sentence(call, "could not be trusted", advice)) from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        raise SourceRefusedError(_sentence(call, "is no address", "check domain_url")) from None
    except requests.exceptions.Timeout:
        raise _AgainError(_sentence(call, "did not answer in time", "it will be tried again")) from None
    except requests.exceptions.RequestException as error:
        what = f"could not be reached ({type(error).__name__})"
        raise _AgainError(_sentence(call, what, "check the network; it will be tried again")) from None


def body_chunks(call: Call, answer: requests.Response, size: int) -> Iterator[bytes]:
    """The body of a streamed answer; SourceUnavailableError when it breaks off."""
    with _translated(call):
        yield from answer.iter_content(size)


def _pause(error: Exception) -> bool | float:
    """What stamina asks: try again, and after how many seconds."""
    if not isinstance(error, _AgainError):
        return False
    return True if error.wait is None else error.wait


def _throttle_wait(answer: requests.Response, limits: CallLimits) -> float:
    """Seconds to wait after a 429: what `Retry-After` says if it is a bearable number, at least one second."""
    asked = number(answer.headers.get("Retry-After")) or _until(answer.headers.get("Retry-After"))
    return min(max(THROTTLE_SECONDS, float(asked or 0)), max(THROTTLE_SECONDS, limits.retry_seconds))


def _until(date: str | None) -> int:
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return 0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round((aware - datetime.now(UTC)).total_seconds())


def _internal_code(answer: requests.Response) -> str:
    """LivePerson's own number of the error, where the body has one in either of its shapes."""
    try:
        body = mapped(answer.json())
    except (requests.exceptions.RequestException, ValueError):
        return ""
    code = number(mapped(body.get("error")).get("internalCode", body.get("internalCode")))
    return "" if code is None else f" (internal code {code})"


def _advice(status: int) -> str:
    return {
        400: "LivePerson did not understand the call: check account_id and source_label",
        401: "check the keys of this connector, and that they belong to this account",
        403: "give the key the privileges that `chatledger check` lists",
        404: "check account_id and domain_url",
    }.get(
        status, "redirects are not followed: check domain_url" if status < 400 else "ask LivePerson support"
    )


def _sentence(call: Call, what: str, advice: str) -> str:
    return f"LivePerson {call.what}: {call.where} {what}; {advice}"
