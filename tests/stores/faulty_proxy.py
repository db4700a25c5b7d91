"""A proxy in front of Azurite that fails on order, as networks and services do."""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aiohttp import ClientSession, web
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Kind = Literal["lost", "dropped", "slow", "cut", "status"]
NOT_FORWARDED = ("Host", "Transfer-Encoding", "Content-Length", "Connection")


@dataclass
class Fault:
    """What is to happen to the next `times` requests of a method whose query has this `comp`.

    lost: carried out, but the answer never arrives. dropped: cut before it arrives. slow: no answer for 3 s.
    cut: the answer ends in the middle. status: an answer of that status with an Azure error code.
    """

    method: str
    kind: Kind
    times: int = 1
    comp: str | None = None
    status: int = 503
    code: str = "ServerBusy"

    def meets(self, request: web.Request) -> bool:
        """Tell whether this request is one of those."""
        return self.times > 0 and self.method == request.method and self.comp == request.query.get("comp")


@dataclass
class FaultyProxy:
    """Forwards to `upstream` (scheme, host and port), with the faults that a test asks for."""

    upstream: str
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    url: str = ""
    keeps_host: bool = False
    """Whether the service sees the address that the client used: then it knows its own blobs as sources of copies."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FaultyProxy]:
        """Serve on a free port of the loopback."""
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with ClientSession(auto_decompress=False) as self._session:
            try:
                yield self
            finally:
                await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.query.get('comp', '')}".strip())
        body = await request.read()
        fault = next((fault for fault in self.faults if fault.meets(request)), None)
        if fault is None:
            return await self._forward(request, body)
        fault.times -= 1
        return await self._fail(fault, request, body)

    async def _fail(self, fault: Fault, request: web.Request, body: bytes) -> web.StreamResponse:
        if fault.kind == "status":
            return web.Response(status=fault.status, headers={"x-ms-error-code": fault.code})
        if fault.kind == "slow":
            await asyncio.sleep(3)
        answer = await self._forward(request, body) if fault.kind in ("lost", "cut") else web.Response()
        if fault.kind == "cut":
            return await self._send_half(request, answer)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _send_half(self, request: web.Request, answer: web.Response) -> web.StreamResponse:
        assert isinstance(answer.body, bytes)
        half = web.StreamResponse(status=answer.status, headers=answer.headers)
        half.content_length = len(answer.body)
        await half.prepare(request)
        await half.write(answer.body[: len(answer.body) // 2])
        assert request.transport is not None
        request.transport.close()
        return half

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {key: value for key, value in request.headers.items() if key not in NOT_FORWARDED}
        if self.keeps_host:
            headers["Host"] = request.headers["Host"]
        # A client that takes us for its proxy asks for the whole address.
        url = URL(self.upstream + request.raw_path.removeprefix(self.upstream), encoded=True)
        data = io.BytesIO(body) if len(body) > 1 << 20 else body  # aiohttp warns of large plain bytes
        async with self._session.request(
            request.method,
            url,
            headers=headers,
            data=data,
            skip_auto_headers=("Content-Type", "Accept-Encoding"),
        ) as answer:
            kept = {key: value for key, value in answer.headers.items() if key not in NOT_FORWARDED}
            content = b"" if request.method == "HEAD" else await answer.read()
            if request.method == "HEAD":
                kept["Content-Length"] = answer.headers.get("Content-Length", "0")
            return web.Response(status=answer.status, headers=kept, body=content)
