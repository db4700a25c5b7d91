"""Calls to LivePerson: timeouts, retries within a budget, one clear sentence when a call fails.

Redirects are never followed. Pauses after 429 and 5xx follow LivePerson's retry policy page (429: at least a
second; 5xx: growing pauses).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
import stamina
from requests.auth import AuthBase

from producers.hung import interruptible
from producers.liveperson.calls import (
    AgainError,
    Anonymous,
    AnsweredError,
    Auth,
    Call,
    Reply,
    TooLargeError,
    advice_on,
    internal_code,
    pause_after,
    sentence_of,
    throttle_wait,
    translated,
    untried,
)
from producers.liveperson.settings import CallLimits
from producers.source import SourceUnavailableError

CONNECT_SECONDS = 10.0
CHUNK = 1 << 18
RETRYABLE = frozenset({408, 423, 425, 429})


class Http:
    """One connection pool with patience, and the source's clock by its `Date` header.

    `check_stop` is called before every try and while one hangs; it may raise to end the work.
    """

    def __init__(
        self,
        limits: CallLimits,
        clock: Callable[[], float] = time.time,
        check_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._check_stop = check_stop
        self._resting: dict[str, float] = {}
        self._session = requests.Session()
        self._date_ms: int | None = None

    @property
    def date_ms(self) -> int | None:
        """The latest `Date`, never ahead of our own clock; None before the first answer."""
        return None if self._date_ms is None else min(self._date_ms, int(self._clock() * 1000))

    def fetch(self, call: Call, auth: Auth | None = None) -> Reply:
        """The whole answer to a call, 200 to 299; errors as in `open`, and TooLargeError."""
        for attempt in self._attempts(patient=call.patient):
            with attempt, closing(self._signed(call, auth)) as answer:
                body = b"".join(self._limited(call, answer))
                return Reply(answer.status_code, answer.headers, body)
        raise untried(call)

    def open(self, call: Call, auth: Auth | None = None) -> requests.Response:
        """The answer with its body still to be read (`chunks`) and closed.

        Raises AnsweredError (a SourceRefusedError) for what a retry can't change, SourceUnavailableError for all else.
        """
        for attempt in self._attempts(patient=call.patient):
            with attempt:
                return self._signed(call, auth)
        raise untried(call)

    def chunks(self, call: Call, answer: requests.Response) -> Iterator[bytes]:
        """The body, piece by piece; SourceUnavailableError when it breaks off."""
        pieces = answer.iter_content(CHUNK)
        with translated(call):
            while chunk := interruptible(lambda: next(pieces, b""), self._check_stop):
                self._check_stop()
                yield chunk

    def _limited(self, call: Call, answer: requests.Response) -> Iterator[bytes]:
        size = 0
        for chunk in self.chunks(call, answer):
            size += len(chunk)
            if call.most_bytes is not None and size > call.most_bytes:
                raise TooLargeError(
                    sentence_of(call, f"answered more than {call.most_bytes} bytes", "ask for less")
                )
            yield chunk

    def patiently(self, work: Callable[[], bool], sentence: str) -> None:
        """Repeat until `work` says that it is done; SourceUnavailableError with this sentence if it never is."""
        for attempt in self._attempts(patient=True):
            with attempt:
                if work():
                    return
                raise AgainError(sentence)

    def _attempts(self, *, patient: bool) -> Iterator[stamina.Attempt]:
        limits = self._limits
        return iter(
            stamina.retry_context(
                on=pause_after,
                attempts=None if patient else 1,
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
        self._check_stop()
        self._check_rest(call)
        with translated(call):
            answer = interruptible(lambda: self._requested(call, signer), self._check_stop)
        if call.tells_time:
            self._note_date(answer)
        return answer

    def _requested(self, call: Call, signer: AuthBase) -> requests.Response:
        return self._session.request(
            call.method, call.url, params=call.params, json=call.json, data=call.form, headers=call.headers,
            auth=signer, timeout=(CONNECT_SECONDS, self._limits.timeout_seconds), allow_redirects=False,
            stream=True,
        )  # fmt: skip

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
        told = internal_code(answer)
        answer.close()
        if status in RETRYABLE or status >= 500:
            sentence = sentence_of(call, f"answered {status}{told}", "it will be tried again")
            raise (
                self._throttled(call, answer, sentence)
                if status == 429
                else AgainError(sentence, status=status)
            )
        raise AnsweredError(sentence_of(call, f"answered {status}{told}", advice_on(status)), status)

    def _throttled(self, call: Call, answer: requests.Response, sentence: str) -> SourceUnavailableError:
        """Wait a little here, or leave the host alone for as long as it asks and let the runner wait."""
        wait = throttle_wait(answer)
        if wait <= self._limits.longest_wait_seconds:
            return AgainError(sentence, wait)
        self._resting[urlsplit(call.url).netloc] = time.monotonic() + wait
        return SourceUnavailableError(sentence)

    def _check_rest(self, call: Call) -> None:
        left = self._resting.get(urlsplit(call.url).netloc, 0.0) - time.monotonic()
        if left > 0:
            raise SourceUnavailableError(
                sentence_of(call, f"asked to be left alone for another {left:.0f} s", "we wait")
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()
