"""The file server of the simulated LivePerson: Swift tokens, temporary URLs, downloads."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.liveperson.auth import AccessError
from sandbox.liveperson.files import MEDIA, file_bytes
from sandbox.liveperson.model import File, when
from sandbox.liveperson.rows import relative_path
from sandbox.liveperson.site import SITE, Site

if TYPE_CHECKING:
    from sandbox.liveperson.state import Said, State


def routes() -> list[web.RouteDef]:
    """Give the routes of this part."""
    return [
        web.get("/auth/v1.0", _token),
        web.get("/v1/AUTH_async-images/{account}/{name}", _download),
    ]


async def _token(request: web.Request) -> web.Response:
    auth = request.app[SITE].auth
    own, given = auth.credentials, request.headers
    right = (given.get("X-Auth-User", ""), given.get("X-Auth-Key", "")) == (own.file_user, own.file_key)
    if not right:
        return web.Response(status=401, text="Unauthorized")
    storage = f"http://{request.host}/v1/AUTH_async-images"
    return web.Response(headers={"x-auth-token": auth.issue("file"), "x-storage-url": storage})


def _check(site: Site, request: web.Request) -> None:
    query = request.query
    if "temp_url_sig" in query:
        site.auth.check_temp_url(request.path, query["temp_url_sig"], query.get("temp_url_expires", ""))
    else:
        site.auth.check_token(request.headers.get("x-auth-token", ""), "file")


async def _download(request: web.Request) -> web.Response:
    site = request.app[SITE]
    try:
        _check(site, request)
    except AccessError as error:
        return web.Response(status=401, text=f"401 Unauthorized: {error}")
    found = _find(site, request.path)
    if not found:
        return web.Response(status=404, text="404 Not Found")
    state, said, file = found
    body = file_bytes(file, erased=bool(state.erased_ms))
    answer = _part(request, body, MEDIA[file.kind])
    if answer.status in {200, 206} and _reaches_the_end(answer, body):
        name, digest = request.path.rpartition("/")[2], hashlib.sha256(body).hexdigest()
        site.shown.file(state.conversation.id, said.id, name, at_ms=said.at_ms, sha256=digest, size=len(body))
    return answer


def _find(site: Site, path: str) -> tuple[State, Said, File] | None:
    for conversation in site.conversations:
        state = site.state(conversation) if conversation.has_files else None
        for said in state.said if state else ():
            file = said.step.file
            if state and file and hmac.compare_digest(relative_path(said, state), path):
                return None if file.gone and when(file.gone) <= site.now_ms else (state, said, file)
    return None


def _part(request: web.Request, body: bytes, media: str) -> web.Response:
    headers = {"Content-Type": media, "ETag": hashlib.blake2b(body, digest_size=16).hexdigest()}
    headers["Accept-Ranges"] = "bytes"
    wanted = request.http_range
    start, stop = wanted.start or 0, wanted.stop if wanted.stop is not None else len(body)
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=body, headers=headers)
    if start < 0:
        start += len(body)
    if start >= len(body):
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
    stop = min(stop, len(body))
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
    return web.Response(status=206, body=body[start:stop], headers=headers)


def _reaches_the_end(answer: web.Response, body: bytes) -> bool:
    return isinstance(answer.body, bytes) and body.endswith(answer.body)
