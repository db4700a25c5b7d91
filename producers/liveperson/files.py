"""Files of messages: from LivePerson's storage into the content store, with one final outcome each.

The route is Swift v1 authentication (`/auth/v1.0`, then the message's `relativePath`). A file comes first into a
file on local disk, so that a broken transfer goes on where it stopped and the store gets whole files only. A
storage that is down is waited for (SourceUnavailableError); it never becomes an outcome. One that holds a single file
back (423) does: that file may turn up later (`late.py`).
"""

import contextlib
import errno
import logging
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import quote

import requests

from producers.liveperson.calls import AgainError, AnsweredError, Call
from producers.liveperson.content import File
from producers.liveperson.domains import FILES, Domains
from producers.liveperson.http import CHUNK, Http
from producers.liveperson.settings import LivePersonSettings
from producers.liveperson.swift import SwiftAuth
from producers.ranges import range_from, start_of, version_of
from producers.source import Contents, SourceRefusedError, SourceUnavailableError
from schemas.records import Attachment, ContentRef

_LOG = logging.getLogger(__name__)
RESUMES = 5
HELD_BACK = 423
"""What a storage answers for a file that is not to be had yet, say while it is scanned; not documented by LivePerson."""
_PATH_MARKS = "/%:@!$&'()*+,;=-._~"
_UNTYPED = "application/octet-stream"


class _FinalError(Exception):
    """This file will never come: outcome and reason."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


@dataclass
class _Transfer:
    """A download under way."""

    call: Call
    spool: IO[bytes]
    ends: float
    size: int = 0
    content_type: str | None = None
    version: str | None = None
    patient: bool = True


class Files:
    """Fetches the files of messages."""

    def __init__(
        self,
        settings: LivePersonSettings,
        http: Http,
        domains: Domains,
        contents: Contents,
        spool_dir: Path,
    ) -> None:
        self._limits = settings.file_limits
        self._http, self._domains, self._contents = http, domains, contents
        self._auth = SwiftAuth(settings.files, http, domains) if settings.files else None
        self._spool_dir = spool_dir

    def fetch(self, file: File, *, patient: bool = True) -> Attachment:
        """The file with its final outcome; the bytes are durable if that is "stored".

        With `patient` calls are tried again, also while the storage holds the file back. Raises SourceError.
        """
        try:
            content, content_type = self._stored(file, patient=patient)
        except _FinalError as error:
            return _attachment(file, None, error.outcome, str(error))
        return _attachment(file, content, "stored", None, content_type)

    def check(self) -> None:
        """Try the credentials; raises SourceError."""
        if self._auth is not None:
            self._auth.renew()
            self._auth.signer()

    def _stored(self, file: File, *, patient: bool) -> tuple[ContentRef, str | None]:
        if file.path is None:
            raise _FinalError("not_fetched", "LivePerson did not say where the file lies")
        if self._auth is None:
            raise _FinalError("not_fetched", "no credentials of the file storage are configured")
        if not file.path.startswith("/") or file.path.startswith("//") or ".." in file.path.split("/"):
            raise _FinalError("not_fetched", "LivePerson named a path that is not one of its file storage")
        with tempfile.TemporaryFile(dir=self._spool_dir, buffering=0) as spool:
            call = Call("file", "GET", self._domains.url(FILES, quote(file.path, safe=_PATH_MARKS)))
            ends = time.monotonic() + self._limits.max_file_seconds
            transfer = _Transfer(call, spool, ends, patient=patient)
            self._download(transfer, self._auth)
            spool.seek(0)
            content_type = file.content_type or transfer.content_type or _UNTYPED
            return self._contents.put(
                iter(lambda: spool.read(CHUNK), b""), content_type
            ), transfer.content_type

    def _download(self, transfer: _Transfer, auth: SwiftAuth) -> None:
        for attempt in range(RESUMES + 1):
            with contextlib.closing(self._open(transfer, auth)) as answer:
                try:
                    self._copy(transfer, answer)
                except SourceUnavailableError:
                    self._check_time(transfer)
                    if attempt == RESUMES:
                        raise
                else:
                    return

    def _open(self, transfer: _Transfer, auth: SwiftAuth) -> requests.Response:
        headers = {"Accept-Encoding": "identity", **range_from(transfer.size, transfer.version)}
        call = replace(transfer.call, headers=headers, patient=transfer.patient, tells_time=False)
        try:
            return self._http.open(call, auth)
        except AgainError as error:
            if error.status != HELD_BACK:
                raise
            raise _FinalError("too_slow", "the file storage still held it back (423)") from None
        except AnsweredError as error:
            if error.status == 416 and transfer.size:
                self._restart(transfer)
                return self._open(transfer, auth)
            raise _outcome(error) from None

    def _copy(self, transfer: _Transfer, answer: requests.Response) -> None:
        version = version_of(answer.headers)
        if transfer.size and (answer.status_code != 206 or version != transfer.version):
            self._restart(transfer)
        transfer.version = version
        if answer.status_code == 206 and start_of(answer.headers.get("Content-Range")) != transfer.size:
            self._restart(transfer)
            raise SourceUnavailableError("LivePerson's file storage sent another part than asked for")
        transfer.content_type = answer.headers.get("Content-Type") or transfer.content_type
        self._check_size(transfer.size + _length(answer))
        for chunk in self._timely(transfer, answer):
            self._keep(transfer, chunk)
            transfer.size += len(chunk)
            self._check_size(transfer.size)

    def _keep(self, transfer: _Transfer, chunk: bytes) -> None:
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[transfer.spool.write(rest) :]
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            transfer.spool.seek(transfer.size)
            transfer.spool.truncate()
            msg = f"no space left in {self._spool_dir} for a file on its way"
            raise SourceUnavailableError(msg) from error

    def _timely(self, transfer: _Transfer, answer: requests.Response) -> Iterator[bytes]:
        for chunk in self._http.chunks(transfer.call, answer):
            yield chunk
            self._check_time(transfer)

    def _check_time(self, transfer: _Transfer) -> None:
        """A transfer that moves but takes too long ends; one that never began is a storage that is down."""
        if transfer.size and time.monotonic() > transfer.ends:
            raise _FinalError("too_slow", f"not complete after {self._limits.max_file_seconds:g} seconds")

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_file_mb * 1_000_000:
            raise _FinalError("too_large", f"larger than {self._limits.max_file_mb:g} MB")

    @staticmethod
    def _restart(transfer: _Transfer) -> None:
        transfer.spool.seek(0)
        transfer.spool.truncate()
        transfer.size = 0


def _length(answer: requests.Response) -> int:
    told = answer.headers.get("Content-Length", "")
    return int(told) if told.isdigit() else 0


def _outcome(error: AnsweredError) -> Exception:
    if error.status in (404, 410):
        return _FinalError("gone", f"the file storage answered {error.status}: the file is no longer there")
    if error.status == 403:  # the token is good: the conversation is archived without the file
        _LOG.warning("LivePerson's file storage forbids a file; check the rights of files.user")
        return _FinalError("gone", "the file storage answered 403: it does not show the file to files.user")
    if error.status == 401:
        msg = f"LivePerson's file storage answered {error.status}; check files.user and files.key"
        return SourceRefusedError(msg)
    return _FinalError("not_fetched", f"the file storage answered {error.status}")


def _attachment(
    file: File, content: ContentRef | None, outcome: str, reason: str | None, content_type: str | None = None
) -> Attachment:
    return Attachment(
        source_key=file.path or "",
        name=file.name,
        content_type=file.content_type or content_type,
        content=content,
        outcome=outcome,
        reason=reason,
    )
