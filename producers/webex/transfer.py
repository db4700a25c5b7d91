"""One file's download from Webex: bounded in size and time, taken up again where it broke off.

Nothing passing makes an outcome: a source that is down raises SourceUnavailableError and is waited for.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import requests
import urllib3

from producers.hung import interruptible
from producers.ranges import range_from, start_of, version_of
from producers.source import SourceUnavailableError
from producers.webex.client import Client, later
from producers.webex.filenames import file_name
from producers.webex.retries import TryLaterError
from schemas.text import well_formed

CHUNK = 262_144
MOST_FRUITLESS = 5
"""So many tries in a row that bring no byte of a file end the download for now."""


class OverError(Exception):
    """The file can't be had within the limits; `outcome` is too_slow or too_large."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


@dataclass(frozen=True)
class Head:
    """Name and type that the answer gives the file."""

    name: str | None = None
    kind: str | None = None


class Transfer:
    """One download, taken up again where it broke off. Memory: one chunk.

    `patience_s` is how long it waits for the malware scan, at most as long as for the whole file.
    """

    def __init__(self, client: Client, url: str, patience_s: float | None = None) -> None:
        self._client, self._url = client, url
        self._limit = int(client.settings.max_file_mb * 1_000_000)
        self._seconds = client.settings.file_seconds
        self._until = time.monotonic() + self._seconds
        self._patience_s = self._seconds if patience_s is None else min(patience_s, self._seconds)
        self._response: requests.Response | None = None
        self._version: str | None = None
        self._got = 0
        self._resumed_at = -1
        self._fruitless = 0
        self.head = Head()
        self.unscanned = False

    def open(self, query: str = "") -> int:
        """Ask for the file, while it is scanned again and again; return the final status."""
        self._url += query
        self.unscanned = bool(query)
        response = self._again({}, self._patience_s)
        if response.status_code == 200:
            self._note(response.headers)
        return response.status_code

    def chunks(self) -> Iterator[bytes]:
        """The bytes, from all the pieces that they come in."""
        while True:
            try:
                yield from self._piece()
            except requests.RequestException:
                self._resume()
            else:
                return

    def close(self) -> None:
        """Let go of the connection; at a stop it is left to itself, since closing waits for whoever still reads."""
        if self._response is not None and not self._client.closing.is_set():
            self._response.close()

    def _piece(self) -> Iterator[bytes]:
        if self._response is None or self._response.status_code == 416:
            return  # nothing after what we have: the length in the first answer was wrong
        pieces = self._response.iter_content(CHUNK)
        while chunk := self._next(pieces):
            self._got += len(chunk)
            self._check()
            yield chunk

    def _next(self, pieces: Iterator[bytes]) -> bytes:
        return interruptible(lambda: next(pieces, b""), self._client.check_stop)

    def _resume(self) -> None:
        """Ask for the rest. A service that sends all of it again, or another part, is read past what we have."""
        self._check()
        # One that breaks off again and again without a byte is down: the poll is waited for, not tried on here.
        self._fruitless = self._fruitless + 1 if self._got == self._resumed_at else 0
        self._resumed_at = self._got
        if self._fruitless >= MOST_FRUITLESS:
            raise SourceUnavailableError(
                "Webex breaks a file off at the same byte each time; it is fetched again"
            )
        response = self._again(range_from(self._got, self._version), self._left_s())
        if self._other_part(response):
            response = self._again({}, self._left_s())
        if response.status_code not in {200, 206, 416} or self._other_part(response):
            raise SourceUnavailableError(
                "a file broke off and Webex does not give the rest; it is fetched again"
            )
        self._join(response)

    def _join(self, response: requests.Response) -> None:
        """Make sure that the rest is of the same file, and that it begins where what we have ends."""
        if response.status_code == 416:
            return
        now = version_of(response.headers)
        if None not in {self._version, now} and now != self._version:
            raise SourceUnavailableError("a file changed while it was fetched; it is fetched again")
        if self._got and response.status_code == 200:
            self._skip(response)

    def _other_part(self, response: requests.Response) -> bool:
        """Whether it begins elsewhere than asked for: its bytes in this place would make another file."""
        begin = start_of(response.headers.get("Content-Range"))
        return response.status_code == 206 and begin != self._got

    def _skip(self, response: requests.Response) -> None:
        """Read past the bytes that we have; no chunk may reach over them, so they come in exact pieces."""
        left = self._got
        while left:
            piece = self._read(response, min(left, CHUNK))
            if not piece:
                raise SourceUnavailableError("a file got shorter while it was fetched; it is fetched again")
            left -= len(piece)

    def _read(self, response: requests.Response, size: int) -> bytes:
        try:
            return interruptible(
                lambda: response.raw.read(size, decode_content=True), self._client.check_stop
            )
        except urllib3.exceptions.HTTPError as error:
            raise SourceUnavailableError("a file broke off again; it is fetched again") from error

    def _again(self, headers: Mapping[str, str], budget_s: float) -> requests.Response:
        self.close()
        self._response = self._waiting(lambda: self._once(headers), budget_s)
        return self._response

    def _waiting(self, call: Callable[[], requests.Response], budget_s: float) -> requests.Response:
        """Retry within the time for one file. Only the malware scan makes it too slow; trouble is waited for."""
        last = list[int]()

        def noted() -> requests.Response:
            try:
                return call()
            except TryLaterError as error:
                last.append(error.status)
                raise

        try:
            return self._client.retried(noted, budget_s)
        except SourceUnavailableError:
            if last[-1:] == [423] and not self._client.closing.is_set():
                raise OverError(
                    "too_slow", f"Webex's malware scan took more than {self._seconds:.0f} s"
                ) from None
            raise

    def _left_s(self) -> float:
        return max(self._until - time.monotonic(), 0.0)

    def _once(self, headers: Mapping[str, str]) -> requests.Response:
        # No compression: a Range counts bytes as sent, and Content-Length may be missing (webexteamsarchiver)
        response = self._client.send("GET", self._url, {"Accept-Encoding": "identity", **headers})
        try:
            later(response)
        except TryLaterError:
            response.close()
            raise
        return response

    def _note(self, headers: Mapping[str, str]) -> None:
        self.head = Head(file_name(headers.get("Content-Disposition")), _clean(headers.get("Content-Type")))
        self._version = version_of(headers)
        length = headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self._limit:
            self._too_large()

    def _check(self) -> None:
        if self._got > self._limit:
            self._too_large()
        if time.monotonic() > self._until:
            raise OverError("too_slow", f"it did not arrive within {self._seconds:.0f} s")
        if self._client.closing.is_set():
            raise SourceUnavailableError("stopped while fetching a file")

    def _too_large(self) -> None:
        megabytes = self._limit / 1_000_000
        raise OverError("too_large", f"it is larger than the configured {megabytes:.0f} MB")


def _clean(header: str | None) -> str | None:
    return well_formed(header) if header else None
