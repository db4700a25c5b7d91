"""Stands before a simulated source and spoils what it answers: single items for good, whole answers for a while.

An item is always spoiled the same way, whatever page or query it comes in, as a source with bad data would do it.
A whole answer is spoiled a few times and then comes as it should: what is down is waited for, so it has to come back.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from aiohttp import web

from tests.fuzz.answers import WAYS, Sent
from tests.fuzz.found import Input
from tests.fuzz.spoil import marked, spoiled, written


@dataclass(frozen=True)
class Mix:
    """How much is spoiled, each as a share of 1, and how many items may have 10 MB."""

    items: float = 0.5
    answers: float = 0.3
    lookups: float = 0.2
    huge: int = 1


@dataclass(frozen=True)
class Broken:
    """A whole answer that was spoiled: its kind, what went out, and the items that it should have brought."""

    kind: str
    body: bytes
    items: tuple[Input, ...]


@dataclass
class Front:
    """The middleware; what it did is in `items` (all that went out), `answers` and `lookups`."""

    seed: str
    mix: Mix
    feeds: tuple[str, ...]
    """Ends of the paths whose answers bring items."""
    name: str
    """The member of an answer that holds the items."""
    untouched: tuple[str, ...]
    """Parts of paths that are never spoiled."""
    items: dict[tuple[str, bytes], tuple[Input, ...]] = field(default_factory=dict)
    answers: list[Broken] = field(default_factory=list)
    lookups: int = 0
    _asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _huge: int = 0

    def put_before(self, app: web.Application) -> web.Application:
        """The same application, spoiled."""

        @web.middleware
        async def spoil(request: web.Request, handler: Any) -> web.StreamResponse:
            asked = f"{request.method} {request.path_qs} {hashlib.sha256(await request.read()).hexdigest()}"
            answer: web.StreamResponse = await handler(request)
            good = isinstance(answer, web.Response) and answer.status == 200 and request.method != "HEAD"
            if not good or "/_sim/" in request.path or any(part in request.path for part in self.untouched):
                return answer
            assert isinstance(answer, web.Response)
            return await self._spoiled(request, asked, answer)

        app.middlewares.insert(0, spoil)
        return app

    def inputs(self) -> list[Input]:
        """Everything that went out, each once: a source may show an item at length and in short, and either will do."""
        found: dict[tuple[str, int], list[Input]] = defaultdict(list)
        for shown in self.items.values():
            for number, one in enumerate(shown):
                found[one.token, number].append(one)
        return [
            replace(
                several[0],
                bodies=tuple(body for one in several for body in one.bodies),
                partly=any(one.partly for one in several),
            )
            for several in found.values()
        ]

    async def _spoiled(self, request: web.Request, asked: str, answer: web.Response) -> web.StreamResponse:
        body = answer.body if isinstance(answer.body, bytes) else b""
        is_feed = request.path.endswith(self.feeds)
        made, inputs = self._page(body) if is_feed else (self._single(request.path, asked, body), ())
        sent = self._answer(asked, made, inputs, is_feed=is_feed)
        if sent is None:
            answer.body = made
            return answer
        return await _send(request, answer, sent)

    def _page(self, body: bytes) -> tuple[bytes, tuple[Input, ...]]:
        """The page with its items marked and some of them spoiled."""
        page = json.loads(body)
        inputs = tuple(one for item in page[self.name] for one in self._item(item))
        listed = b", ".join(one.bodies[0] for one in inputs)
        shell = json.dumps({**page, self.name: ["@items@"]}, ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )
        return shell.replace(b'"@items@"', listed), inputs

    def _single(self, path: str, asked: str, body: bytes) -> bytes:
        """An item that is asked for alone, as in the feed; or something looked up."""
        if "/events/" in path:
            return self._item(json.loads(body))[0].bodies[0]
        return self._lookup(asked, body)

    def _item(self, item: dict[str, Any]) -> tuple[Input, ...]:
        key = str(item.get("id") or item.get("info", {}).get("conversationId"))
        digest = hashlib.sha256(written(item)).digest()
        if (key, digest) not in self.items:
            self.items[key, digest] = self._made(key, item)
        return self.items[key, digest]

    def _made(self, key: str, item: dict[str, Any]) -> tuple[Input, ...]:
        _end(item)
        dice, token = Random(f"{self.seed}|{key}"), token_of(self.seed, key)
        if dice.random() >= self.mix.items:
            body = written(marked(item, token))
            return (Input("honest", token, (body,), _unsettled(body)),)
        huge = self._huge < self.mix.huge and dice.random() < 0.1
        self._huge += huge
        messages = [each for each in item.get("messageRecords", []) if isinstance(each, dict)]
        if messages and dice.random() < 0.5:
            return self._with_message(dice, item, messages, token)
        made = spoiled(dice, item, token, huge=huge)
        inputs = tuple(Input(made.kind, token, (body,), _unsettled(body)) for body in made.items)
        return (
            (inputs[0], replace(inputs[1], told_by=_messages(made.items[1])))
            if messages and len(inputs) > 1
            else inputs
        )

    def _with_message(
        self, dice: Random, item: dict[str, Any], messages: list[Any], token: str
    ) -> tuple[Input, ...]:
        """The row with one of its messages spoiled."""
        number = dice.randrange(len(messages))
        made = spoiled(dice, messages[number], token)
        shown = [*messages[:number], "@message@", *messages[number + 1 :]]
        row = written({**item, "messageRecords": shown}).replace(b'"@message@"', b", ".join(made.items))
        return (Input(f"message:{made.kind}", token, (row, *made.items)),)

    def _lookup(self, asked: str, body: bytes) -> bytes:
        """An object, or one of those in a list, spoiled for good; a spoiled envelope is an answer's matter."""
        dice = Random(f"{self.seed}|lookup|{asked}")
        try:
            found = json.loads(body)
        except ValueError:
            return body
        access = "baseURI" in asked or "token" in asked  # spoiled for good, the source would be down for good
        if access or dice.random() >= self.mix.lookups or not found:
            return body
        listed = found.get("items") if isinstance(found, dict) else found
        items = listed if isinstance(listed, list) else [found]
        number = dice.randrange(len(items)) if items else 0
        if not items or not isinstance(items[number], dict) or not items[number]:
            return body
        self.lookups += 1
        (made, *_) = spoiled(dice, items[number], token_of(self.seed, asked)).items
        if items[number] is found:
            return made
        items[number] = "@item@"
        return written(found).replace(b'"@item@"', made)

    def _answer(self, asked: str, body: bytes, inputs: tuple[Input, ...], *, is_feed: bool) -> Sent | None:
        """What goes out instead, the first few times that this is asked; None for the answer as it is."""
        self._asked[asked] += 1
        dice = Random(f"{self.seed}|answer|{asked}")
        share = self.mix.answers if is_feed else self.mix.lookups / 2
        if not body or dice.random() >= share or self._asked[asked] > dice.choice([1, 1, 2, 4]):
            return None
        kind = dice.choice(list(WAYS))
        sent = WAYS[kind](dice, body)
        if is_feed:
            self.answers.append(Broken(f"answer:{kind}", sent.body, inputs))
        return sent


def _end(row: dict[str, Any]) -> None:
    """Close a LivePerson row: a whole row goes into the archive once its conversation has ended."""
    info = row.get("info")
    if isinstance(info, dict) and info.get("status") != "CLOSE":
        info |= {
            "status": "CLOSE",
            "fullDialogStatus": "CLOSE",
            "fullDialogEndTimeL": info["startTimeL"] + 3_600_000,
        }


def _messages(row: bytes) -> tuple[bytes, ...]:
    """What a second body of a LivePerson row says anew: its messages alone are kept, for the row was settled before."""
    found = (written(each) for each in json.loads(row)["messageRecords"])
    return tuple(each for each in found if b"(or not)" in each)


def _unsettled(row: bytes) -> bool:
    """Whether the end is still to come: ciphertext, or a LivePerson row that does not say that its conversation has ended."""
    ended = b'"status": "CLOSE"' in row and b'"fullDialogStatus": "CLOSE"' in row
    return b"kms_failure" in row or (b'"startTimeL"' in row and not ended)


def token_of(seed: str, key: str) -> str:
    """A text that is nowhere else."""
    return f"fz{hashlib.sha256(f'{seed}|{key}'.encode()).hexdigest()[:16]}z"


async def _send(request: web.Request, answer: web.Response, sent: Sent) -> web.StreamResponse:
    """The bytes with their headers, links kept; also with a length that is not theirs."""
    kept = {name: answer.headers[name] for name in ("Link",) if name in answer.headers}
    if sent.length is None:
        return web.Response(body=sent.body, headers=sent.headers | kept)
    made = web.StreamResponse(headers=sent.headers | kept)
    made.content_length = sent.length
    await made.prepare(request)
    await made.write(sent.body[: sent.length])
    if request.transport is not None:
        request.transport.write(sent.body[sent.length :])
        request.transport.close()
    return made
