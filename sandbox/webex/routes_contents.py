"""GET and HEAD /contents/{id}: the files, and what the malware scanner makes of them."""

import re
from functools import lru_cache

from aiohttp import web

from sandbox.webex import files, serving
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
        raw = self._bytes(stored)
        start, end = wanted_range(request.headers.get("Range", ""), len(raw))
        if request.method == "GET" and end == len(raw):
            serving.file(self.service.sim.ledger, stored, raw)
        return await self._send(request, stored, raw, (start, end))

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

    async def _send(
        self, request: web.Request, stored: StoredFile, raw: bytes, part: tuple[int, int]
    ) -> web.StreamResponse:
        start, end = part
        partial = bool(request.headers.get("Range"))
        answer = web.StreamResponse(status=206 if partial else 200)
        answer.headers["Cache-Control"] = "no-cache"
        answer.headers["Content-Disposition"] = files.disposition(stored.file)
        answer.content_type = files.MEDIA_TYPES[stored.file.kind]
        if partial:
            answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(raw)}"
        broken = stored.file.length == "wrong" and request.method == "GET" and self._first(stored)
        if stored.file.length == "missing":
            answer.enable_chunked_encoding()
        else:
            answer.content_length = end - start
        await answer.prepare(request)
        if request.method == "GET":
            await answer.write(raw[start : start + (end - start) // 2] if broken else raw[start:end])
        if broken and request.transport is not None:
            request.transport.close()
        return answer

    def _first(self, stored: StoredFile) -> bool:
        return self.service.failing(f"length {stored.id}", 1)


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
