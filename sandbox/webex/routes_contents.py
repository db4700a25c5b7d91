"""GET and HEAD /contents/{id}: the files, and what the malware scanner makes of them."""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

from aiohttp import web

from sandbox.webex import files, large, serving
from sandbox.webex.service import ApiError, Handler, Service, not_found, parameters
from sandbox.webex.world import StoredFile

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


class ContentRoutes:
    """The files of messages."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._bytes = lru_cache(maxsize=16)(lambda stored: files.content(stored.file, stored.id))

    def routes(self) -> list[tuple[str, Handler]]:
        """Return path and handler of each route."""
        return [("/contents/{id}", self.one)]

    async def one(self, request: web.Request) -> web.StreamResponse:
        """Answer a file, the wanted part of it, or why it is not served."""
        stored = self._file(request.match_info["id"])
        self._check(stored, parameters(request))
        if stored.file.kind == large.KIND:
            return await self._streamed(request, stored)
        raw = self._bytes(stored)
        start, end = wanted_range(request.headers.get("Range", ""), len(raw))
        if request.method == "GET" and stored.file.length == "wrong" and self._first(stored):
            return await _broken_off(request, stored, raw)
        full = request.method == "GET" and end == len(raw)
        answer = _Sent(
            raw[start:end],
            lambda: self._sent(stored, hashlib.sha256(raw).hexdigest(), len(raw)) if full else None,
        )
        answer.headers.update(_headers(stored))
        if request.headers.get("Range"):
            answer.set_status(206)
            answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(raw)}"
        if stored.file.length == "missing" or self._compressed(request):
            answer.enable_chunked_encoding()
        return answer

    async def _streamed(self, request: web.Request, stored: StoredFile) -> web.StreamResponse:
        """Answer a file of any size, or the wanted part of it, a piece at a time."""
        size = stored.file.size
        start, end = wanted_range(request.headers.get("Range", ""), size)
        answer = web.StreamResponse(headers=_headers(stored))
        answer.content_length = end - start
        if request.headers.get("Range"):
            answer.set_status(206)
            answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        await answer.prepare(request)
        if request.method == "GET":
            for piece in large.blocks(stored.file, start, end):
                await answer.write(piece)
            if end == size:
                self._sent(stored, large.digest(stored.file), size)
        return answer

    def _sent(self, stored: StoredFile, sha256: str, size: int) -> None:
        serving.file(self.service.sim.ledger, stored, sha256, size)

    def _file(self, content_id: str) -> StoredFile:
        stored = self.service.world.contents.get(content_id)
        if stored is None or not self.service.kept(stored.message):
            raise not_found()
        message = stored.message
        deleted = message.deleted is not None and message.deleted <= self.service.now
        foreign = message.room.foreign and not self.service.world.own(message.author)
        if foreign or (deleted and not self.service.switches.deleted_readable):
            raise not_found()
        return stored

    def _check(self, stored: StoredFile, query: dict[str, str]) -> None:
        switches, state = self.service.switches, stored.file.state
        if state == "gone":
            raise not_found()
        if state == "infected":
            raise ApiError(410, "The file was found to be infected and can't be downloaded.")
        if state == "unscannable" and not (
            switches.allow_unscannable and query.get("allow") == "unscannable"
        ):
            raise ApiError(
                428, "The file could not be scanned for malware; use the allow parameter to get it."
            )
        if state == "scanning" and self.service.failing(stored.id, stored.file.times):
            wait = str(int(switches.retry_after_s))
            raise ApiError(423, "The file is being scanned for malware.", Retry_After=wait)

    def _compressed(self, request: web.Request) -> bool:
        """Say whether a HEAD comes without a length, because its client would take a compressed body."""
        gzip = "gzip" in request.headers.get("Accept-Encoding", "")
        return request.method == "HEAD" and gzip and self.service.switches.gzip_hides_length

    def _first(self, stored: StoredFile) -> bool:
        return self.service.failing(f"length {stored.id}", 1)


class _Sent(web.Response):
    """An answer that says when all of it has gone out."""

    def __init__(self, body: bytes, done: Callable[[], None]) -> None:
        super().__init__(body=body)
        self._done = done

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the rest."""
        await super().write_eof(data)
        self._done()


def _headers(stored: StoredFile) -> dict[str, str]:
    return {
        "Cache-Control": "no-cache",
        "Content-Disposition": files.disposition(stored.file),
        "Content-Type": files.MEDIA_TYPES[stored.file.kind],
    }


async def _broken_off(request: web.Request, stored: StoredFile, raw: bytes) -> web.StreamResponse:
    """Promise all bytes, send half of them and hang up."""
    answer = web.StreamResponse(headers=_headers(stored))
    answer.content_length = len(raw)
    await answer.prepare(request)
    await answer.write(raw[: len(raw) // 2])
    if request.transport is not None:
        request.transport.close()
    return answer


def wanted_range(header: str, size: int) -> tuple[int, int]:
    """Return start and end of the bytes that a Range header wants; all without one. Raises ApiError 416."""
    found = _RANGE.match(header)
    if not found or found.group() == "bytes=-":
        return 0, size
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise ApiError(416, "The requested range can't be satisfied.", Content_Range=f"bytes */{size}")
    return start, end
