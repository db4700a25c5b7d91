"""Files of messages, streamed into the content store: sizes and times bounded, every outcome final and said.

Status codes of GET /contents/{id}: developer.webex.com, "Messages API", attachments, and "Compliance". Nothing
passing makes an outcome: a source that is down raises SourceUnavailableError and is waited for.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import requests
import urllib3

from producers.hung import interruptible
from producers.source import Contents, SourceUnavailableError
from producers.webex.auth import origin
from producers.webex.client import Client, later
from producers.webex.filenames import content_key, file_name
from producers.webex.retries import TryLaterError
from schemas.records import Attachment, ContentRef
from schemas.text import well_formed

CHUNK = 262_144
ANYWAY = "?allow=unscannable"

_REFUSALS = {
    410: ("infected", "Webex found it infected and withholds it"),
    428: ("unscannable", "Webex could not scan it for malware, and the configuration withholds such files"),
    404: ("gone", "it is no longer at Webex: deleted, past retention, or of another organisation"),
    403: ("gone", "Webex does not show it to the compliance officer"),
    400: ("gone", "Webex does not know it"),
    451: ("gone", "Webex does not show it to the compliance officer"),
}


class _OverError(Exception):
    """The file can't be had within the limits; `outcome` is too_slow or too_large."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


@dataclass(frozen=True)
class _Head:
    name: str | None
    kind: str | None


class Files:
    """Fetches one file after the other."""

    def __init__(self, client: Client, contents: Contents) -> None:
        self._client, self._contents = client, contents
        self._settings = client.settings

    def fetch(self, url: str) -> Attachment:
        """The file with its final outcome. Raises SourceUnavailableError, SourceRefusedError."""
        if origin(url) != origin(self._settings.base_url):
            return _without(
                url, "not_fetched", "it lies on a host that is not the configured one and gets no token"
            )
        if not url.isascii() or not url.isprintable():
            return _without(url, "not_fetched", "its address is none that can be asked for")
        transfer = Transfer(self._client, url)
        try:
            return self._stored(transfer, url)
        except _OverError as error:
            return _without(url, error.outcome, error.reason, transfer.head)
        finally:
            transfer.close()

    def _stored(self, transfer: "Transfer", url: str) -> Attachment:
        status = transfer.open()
        if status == 428 and self._settings.unscannable == "fetch":
            status = transfer.open(ANYWAY)
        if status != 200:
            outcome, reason = _REFUSALS.get(status, ("not_fetched", f"Webex refuses it (status {status})"))
            return _without(url, outcome, reason)
        kind = transfer.head.kind
        content = self._contents.put(transfer.chunks(), kind or "application/octet-stream")
        note = "Webex could not scan it for malware" if transfer.unscanned else None
        return _made(url, "stored", note, transfer.head, content)


MOST_FRUITLESS = 5
"""So many tries in a row that bring no byte of a file end the download for now."""


class Transfer:
    """One download, taken up again where it broke off. Memory: one chunk."""

    def __init__(self, client: Client, url: str) -> None:
        self._client, self._url = client, url
        self._limit = int(client.settings.max_file_mb * 1_000_000)
        self._seconds = client.settings.file_seconds
        self._until = time.monotonic() + self._seconds
        self._response: requests.Response | None = None
        self._got = 0
        self._resumed_at = -1
        self._fruitless = 0
        self.head = _Head(None, None)
        self.unscanned = False

    def open(self, query: str = "") -> int:
        """Ask for the file, while it is scanned again and again; return the final status."""
        self._url += query
        self.unscanned = bool(query)
        response = self._again({})
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
        response = self._again({"Range": f"bytes={self._got}-"} if self._got else {})
        if self._other_part(response):
            response = self._again({})
        if response.status_code not in {200, 206, 416} or self._other_part(response):
            raise SourceUnavailableError(
                "a file broke off and Webex does not give the rest; it is fetched again"
            )
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

    def _again(self, headers: Mapping[str, str]) -> requests.Response:
        self.close()
        self._response = self._waiting(lambda: self._once(headers))
        return self._response

    def _waiting(self, call: Callable[[], requests.Response]) -> requests.Response:
        """Retry within the time for one file. Only the malware scan makes it too slow; trouble is waited for."""
        last = list[int]()

        def noted() -> requests.Response:
            try:
                return call()
            except TryLaterError as error:
                last.append(error.status)
                raise

        try:
            return self._client.retried(noted, max(self._until - time.monotonic(), 0.0))
        except SourceUnavailableError:
            if last[-1:] == [423] and not self._client.closing.is_set():
                raise _OverError(
                    "too_slow", f"Webex's malware scan took more than {self._seconds:.0f} s"
                ) from None
            raise

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
        self.head = _Head(file_name(headers.get("Content-Disposition")), _clean(headers.get("Content-Type")))
        length = headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self._limit:
            self._too_large()

    def _check(self) -> None:
        if self._got > self._limit:
            self._too_large()
        if time.monotonic() > self._until:
            raise _OverError("too_slow", f"it did not arrive within {self._seconds:.0f} s")
        if self._client.closing.is_set():
            raise SourceUnavailableError("stopped while fetching a file")

    def _too_large(self) -> None:
        megabytes = self._limit / 1_000_000
        raise _OverError("too_large", f"it is larger than the configured {megabytes:.0f} MB")


def start_of(content_range: str | None) -> int | None:
    """Where a part begins, by its Content-Range (RFC 9110, 14.4); None if that is not said."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(?:\d+|\*)", (content_range or "").strip(), re.ASCII)
    return int(found[1]) if found else None


def _clean(header: str | None) -> str | None:
    return well_formed(header) if header else None


def _without(url: str, outcome: str, reason: str, head: _Head | None = None) -> Attachment:
    return _made(url, outcome, reason, head or _Head(None, None), None)


def _made(url: str, outcome: str, reason: str | None, head: _Head, content: ContentRef | None) -> Attachment:
    return {
        "source_key": content_key(url), "name": head.name, "content_type": head.kind,
        "content": content, "outcome": outcome, "reason": reason,
    }  # fmt: skip
