"""The file server of the simulated LivePerson: Swift tokens, temporary URLs, downloads."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from sandbox.liveperson.auth import AccessError
from sandbox.liveperson.files import MEDIA, file_bytes
from sandbox.liveperson.model import File, when
from sandbox.liveperson.site import SITE, ApiError, Site

if TYPE_CHECKING:
    from sandbox.liveperson.state import Said, State


def routes() -> list[web.RouteDef]:
    """Give the routes of this part."""
    return [
        web.get("/auth/v1.0", _token),
        web.get("/ws_api/account/{account}/messaging/brand/{token}", _agent_socket),
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
    if site.now_ms < said.at_ms + site.switches["file_scan_ms"]:
        return web.Response(status=423, text="423 Locked")
    body = file_bytes(file, erased=bool(state.erased_ms))
    answer = _part(request, body, MEDIA[file.kind])
    if answer.status in {200, 206} and _reaches_the_end(answer, body):
        name, digest = request.path.rpartition("/")[2], hashlib.sha256(body).hexdigest()
        site.shown.file(state.conversation.id, said.id, name, at_ms=said.at_ms, sha256=digest, size=len(body))
    return answer


async def _agent_socket(request: web.Request) -> web.StreamResponse:
    """Speak as much of the agents' messaging API as gives temporary URLs of files."""
    site = request.app[SITE]
    try:
        site.auth.check_token(request.match_info["token"], "bearer")
    except AccessError as error:
        raise ApiError(401, str(error), 28) from error
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_json(_socket_answer(site, json.loads(message.data)))
    return socket


def _socket_answer(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    answer = {"kind": "resp", "reqId": str(asked.get("id")), "code": "BAD_REQUEST", "body": {}}
    if asked.get("type") != "ms.GenerateURLForDownloadFile":
        return answer
    path = str(asked.get("body", {}).get("relativePath", ""))
    expires = int(time.time()) + site.switches["temp_url_lifetime_s"]
    query = {"temp_url_sig": site.auth.temp_url_signature(path, expires), "temp_url_expires": str(expires)}
    return answer | {"code": "OK", "body": {"relativePath": path, "queryParams": query}}


def _find(site: Site, path: str) -> tuple[State, Said, File] | None:
    conversation, message_id = site.files.get(path, (None, ""))
    state = site.state(conversation) if conversation else None
    said = next((each for each in state.said if each.id == message_id), None) if state else None
    file = said.step.file if said else None
    if not state or not said or not file or (file.gone and when(file.gone) <= site.now_ms):
        return None
    return state, said, file


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
