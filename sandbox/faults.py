"""Faults on order: which answers of a simulated source go wrong, and how.

The document (a file, or the body of ``POST /_sim/faults``)::

    {"rules": [{"match": {"path": "regex", "query": "regex", "body": "regex", "method": "POST"},
                "after": 0,          # let so many matching requests pass first
                "times": 1,          # then act so many times; null or absent = for ever
                "do": {"delay_s": 0.5,                  # seconds to wait first; alone: then answer as usual
                       "status": 503, "headers": {}, "body": {} or "text",   # answer this instead
                       "drop": true,                    # or close the connection without an answer
                       "replace": [["regex", "text"]],  # or change the text of the real answer
                       "truncate": 100}}],              # or break off after so many bytes of it
     "switches": {"name": value}}

Rules are tried in order and the first that acts wins; a bare list is read as the rules alone. Regexes are
searched, not anchored; replacements are taken as they are, and the ledger notes the answer before the change.
Which switches there are is up to each source; unknown names are refused.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

MATCH_KEYS = frozenset({"path", "query", "body", "method"})
ACTION_KEYS = frozenset({"delay_s", "status", "headers", "body", "drop", "replace", "truncate"})
RULE_KEYS = frozenset({"match", "after", "times", "do", "hits"})


class FaultsError(ValueError):
    """The faults document can't be understood; the text names the place and what is expected."""


@dataclasses.dataclass
class Rule:
    """One rule of the document, with the number of requests that matched so far (``hits``)."""

    match: dict[str, str]
    do: dict[str, Any]
    after: int = 0
    times: int | None = None
    hits: int = 0

    def acts_on(self, *, method: str, path: str, query: str, body: str) -> bool:
        """Say whether this request is one to spoil, and count it when it matches."""
        seen = {"path": path, "query": query, "body": body}
        wrong_method = self.match.get("method", method).upper() != method
        if wrong_method or any(
            not re.search(self.match[key], seen[key]) for key in seen if key in self.match
        ):
            return False
        self.hits += 1
        past = self.hits - self.after
        return past > 0 and (self.times is None or past <= self.times)


class Faults:
    """The rules and switches in force; replaced as a whole by ``load``."""

    def __init__(self, switches: Mapping[str, Any] | None = None) -> None:
        self._defaults = dict(switches or {})
        self.rules: list[Rule] = []
        self.switches: dict[str, Any] = dict(self._defaults)

    def load(self, document: object) -> None:
        """Put a document in force; what it does not name goes back to the default. Raises FaultsError."""
        if isinstance(document, list):
            document = {"rules": document}
        if not isinstance(document, dict) or document.keys() - {"rules", "switches"}:
            raise FaultsError("faults: expected an object with 'rules' and 'switches'")
        rules = [_rule(index, each) for index, each in enumerate(document.get("rules", []))]
        switches = self._defaults | self._checked(document.get("switches", {}))
        self.rules, self.switches = rules, switches

    def document(self) -> dict[str, Any]:
        """Give the document in force, with the hits of every rule."""
        return {"rules": [dataclasses.asdict(rule) for rule in self.rules], "switches": self.switches}

    def action(self, *, method: str, path: str, query: str, body: str) -> dict[str, Any] | None:
        """Give what is to be done to this request, or None."""
        for rule in self.rules:
            if rule.acts_on(method=method, path=path, query=query, body=body):
                return rule.do
        return None

    def _checked(self, switches: object) -> dict[str, Any]:
        if not isinstance(switches, dict):
            raise FaultsError("faults: switches: expected an object")
        for name, value in switches.items():
            if name not in self._defaults:
                msg = f"faults: switches: unknown {name!r}; there are {sorted(self._defaults)}"
                raise FaultsError(msg)
            _check_kind(name, value, self._defaults[name])
        return switches


def _check_kind(name: str, value: object, default: object) -> None:
    kinds = (
        (int, float)
        if isinstance(default, int | float) and not isinstance(default, bool)
        else (type(default),)
    )
    if default is not None and type(value) not in kinds:
        msg = f"faults: switches: {name}: expected {' or '.join(kind.__name__ for kind in kinds)}"
        raise FaultsError(msg)


def _rule(index: int, raw: object) -> Rule:
    where = f"faults: rules[{index}]"
    if not isinstance(raw, dict) or raw.keys() - RULE_KEYS or not isinstance(raw.get("do"), dict):
        msg = f"{where}: expected an object with 'match', 'after', 'times' and an object 'do'"
        raise FaultsError(msg)
    match, do = raw.get("match", {}), raw["do"]
    if not isinstance(match, dict) or match.keys() - MATCH_KEYS or do.keys() - ACTION_KEYS:
        msg = f"{where}: 'match' knows {sorted(MATCH_KEYS)}, 'do' knows {sorted(ACTION_KEYS)}"
        raise FaultsError(msg)
    try:
        _ = [re.compile(pattern) for pattern in match.values()]
    except (re.error, TypeError) as error:
        msg = f"{where}: match: not a regular expression: {error}"
        raise FaultsError(msg) from error
    return Rule(match=match, do=do, after=int(raw.get("after") or 0), times=raw.get("times"))


async def answer_with(action: Mapping[str, Any], request: web.Request, handler: Any) -> web.StreamResponse:
    """Do to the request what the rule says; ``handler`` gives the usual answer where one is needed."""
    await asyncio.sleep(float(action.get("delay_s", 0)))
    if action.get("drop"):
        return _dropped(request)
    if "status" in action:
        return _made_up(action)
    answer: web.StreamResponse = await handler(request)
    answer.headers.update(action.get("headers", {}))
    if "replace" in action and isinstance(answer, web.Response):
        answer = _changed(answer, action["replace"])
    if "truncate" in action and isinstance(answer, web.Response):
        return await _broken_off(request, answer, int(action["truncate"]))
    return answer


def _changed(answer: web.Response, changes: list[list[str]]) -> web.Response:
    text = (answer.body if isinstance(answer.body, bytes) else b"").decode("utf-8", "surrogatepass")
    for pattern, new in changes:
        text = re.sub(pattern, lambda _match, new=new: new, text)  # type: ignore[misc]  # the default binds
    answer.body = text.encode("utf-8", "surrogatepass")
    return answer


def _made_up(action: Mapping[str, Any]) -> web.Response:
    body = action.get("body", "")
    text, kind = (body, "text/plain") if isinstance(body, str) else (json.dumps(body), "application/json")
    headers = {"Content-Type": kind} | action.get("headers", {})
    return web.Response(status=int(action["status"]), headers=headers, body=text.encode())


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # goes nowhere: the connection is gone


async def _broken_off(request: web.Request, answer: web.Response, size: int) -> web.StreamResponse:
    body = bytes(answer.body) if isinstance(answer.body, bytes | bytearray) else b""
    short = web.StreamResponse(status=answer.status, headers=answer.headers)
    short.content_length = len(body)
    await short.prepare(request)
    await short.write(body[:size])
    if request.transport is not None:
        request.transport.close()
    return short
