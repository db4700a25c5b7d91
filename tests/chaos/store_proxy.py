"""Stands between the product and Azurite, in a thread of its own: fails on order, and holds answers back before a kill."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

from aiohttp import ClientError, web

from tests.stores.faulty_proxy import Fault, FaultyProxy

CODES = {500: "InternalError", 503: "ServerBusy", 409: "BlobAlreadyExists"}


class StoreProxy(FaultyProxy):
    """Forwards to Azurite. Call its methods from any thread.

    Azurite acknowledges a write up to five seconds before its index is on disk, which Azure does not. So before a SIGKILL
    answers are held back: what was acknowledged is on disk by then, what is in flight may be there or not, as in a crash.
    """

    def __init__(self, upstream: str, hang_s: float) -> None:
        """`hang_s`: after so many seconds without an answer the connection is cut, unless the client gave up before."""
        super().__init__(upstream, keeps_host=True)
        self._hang_s = hang_s
        self.failed, self.answered = Counter[str](), Counter[int]()
        self.held = 0
        self._life = 0
        self._open = asyncio.Event()
        self._open.set()
        self._loop = asyncio.new_event_loop()

    @contextlib.contextmanager
    def serving(self) -> Iterator["StoreProxy"]:
        """Serve in a thread while the block runs."""
        ready, stop = threading.Event(), asyncio.Event()

        async def serve() -> None:
            async with self.running():
                ready.set()
                await stop.wait()

        thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()), name="store proxy")
        thread.start()
        ready.wait(30)
        try:
            yield self
        finally:
            self.release(lost=True)
            self._loop.call_soon_threadsafe(stop.set)
            thread.join(30)
            self._loop.close()

    def fail(self, answer: str, times: int) -> None:
        """Answer the next so many writes of a blob like this: a status, or `timeout` for no answer at all."""
        kind = Fault("PUT", "slow", times) if answer == "timeout" else _refusal(int(answer), times)
        self._soon(self.faults.append, kind)

    def well(self) -> None:
        """No more faults."""
        self._soon(self.faults.clear)

    def hold(self) -> None:
        """Keep all answers back from now on."""
        self._soon(self._open.clear)

    def release(self, *, lost: bool) -> None:
        """Give the answers that were held back, or cut their connections if the service has died meanwhile."""
        self._soon(self._release, lost)

    def _release(self, lost: bool) -> None:
        self._life += lost
        self._open.set()

    def _soon(self, call: object, *arguments: object) -> None:
        assert callable(call)
        self._loop.call_soon_threadsafe(call, *arguments)

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        life = self._life
        try:
            answer = await super()._forward(request, body)
        except (TimeoutError, ClientError, OSError):
            return _cut(request)
        self.answered[answer.status] += 1
        self.held += 1
        try:
            await self._open.wait()
        finally:
            self.held -= 1
        return answer if life == self._life else _cut(request)

    async def _fail(self, fault: Fault, request: web.Request, body: bytes) -> web.StreamResponse:
        self.failed["timeout" if fault.kind == "slow" else str(fault.status)] += 1
        if fault.kind != "slow":
            return await super()._fail(fault, request, body)
        await asyncio.sleep(self._hang_s)
        return _cut(request)


def _refusal(status: int, times: int) -> Fault:
    return Fault("PUT", "status", times, status=status, code=CODES[status])


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
