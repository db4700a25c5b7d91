"""A call to LivePerson, its answer, and the sentences in which it fails.

An error never quotes a query, a header or a body: those may hold secrets.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from producers.liveperson.values import mapped, number
from producers.source import SourceRefusedError, SourceUnavailableError

THROTTLE_SECONDS = 1.0
LONGEST_REST_SECONDS = 900.0
ERROR_BYTES = 1 << 16
"""As much of an error's body as is read."""


class AnsweredError(SourceRefusedError):
    """The other side answered with a status that no retry changes."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class AgainError(SourceUnavailableError):
    """Worth another try, after so many seconds where the other side said so."""

    def __init__(self, sentence: str, wait: float | None = None, status: int | None = None) -> None:
        super().__init__(sentence)
        self.wait, self.status = wait, status


class TooLargeError(SourceUnavailableError):
    """The body is larger than the call allows."""


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
    patient: bool = True
    """Whether a failure is worth another try within this call."""
    tells_time: bool = True
    """Whether the answer's `Date` is the clock of the history."""
    most_bytes: int | None = None
    """Ceiling of the body; a larger one ends as TooLargeError."""

    @property
    def where(self) -> str:
        """The address without its query, which may hold a signature."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@contextmanager
def translated(call: Call) -> Iterator[None]:
    """Turn what the HTTP library raises into our sentence; its own text may quote the whole address."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE" not in str(error):  # a handshake that broke off
            raise AgainError(
                sentence_of(call, "broke off the TLS handshake", "it will be tried again")
            ) from None
        advice = "check its certificate, or the CA bundle of this machine"
        raise SourceRefusedError(sentence_of(call, "could not be trusted", advice)) from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        raise SourceRefusedError(sentence_of(call, "is no address", "check domain_url")) from None
    except requests.exceptions.Timeout:
        raise AgainError(sentence_of(call, "did not answer in time", "it will be tried again")) from None
    except requests.exceptions.RequestException as error:
        what = f"could not be reached ({type(error).__name__})"
        raise AgainError(sentence_of(call, what, "check the network; it will be tried again")) from None


def pause_after(error: Exception) -> bool | float:
    """What stamina asks: try again, and after how many seconds."""
    if not isinstance(error, AgainError):
        return False
    return True if error.wait is None else error.wait


def throttle_wait(answer: requests.Response) -> float:
    """Seconds to wait after a 429: what `Retry-After` says (a number or a date), within reason."""
    asked = number(answer.headers.get("Retry-After")) or _until(answer.headers.get("Retry-After"))
    return min(max(THROTTLE_SECONDS, float(asked)), LONGEST_REST_SECONDS)


def _until(date: str | None) -> int:
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return 0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round((aware - datetime.now(UTC)).total_seconds())


def internal_code(answer: requests.Response) -> str:
    """LivePerson's own number of the error, where the body has one in either of its shapes."""
    try:
        body = mapped(json.loads(next(answer.iter_content(ERROR_BYTES), b"")))
    except (requests.exceptions.RequestException, ValueError, RecursionError):
        return ""
    code = number(mapped(body.get("error")).get("internalCode", body.get("internalCode")))
    return "" if code is None else f" (internal code {code})"


def advice_on(status: int) -> str:
    """What to do about a status that no retry changes."""
    return {
        400: "LivePerson did not understand the call: check account_id and source_label",
        401: "check the keys of this connector, and that they belong to this account",
        403: "give the key the privileges that `chatledger check` lists",
        404: "check account_id and domain_url",
    }.get(
        status, "redirects are not followed: check domain_url" if status < 400 else "ask LivePerson support"
    )


def untried(call: Call) -> SourceUnavailableError:
    """The error for a call that its limits did not even let begin."""
    return SourceUnavailableError(sentence_of(call, "was never tried", "check the limits in `calls`"))


def sentence_of(call: Call, what: str, advice: str) -> str:
    """One sentence: which call to which address, what came of it, what to do."""
    return f"LivePerson {call.what}: {call.where} {what}; {advice}"
