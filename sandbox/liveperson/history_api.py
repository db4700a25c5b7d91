"""The Messaging Interactions API of the simulated LivePerson: search, by id, by consumer."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.liveperson import search, variants
from sandbox.liveperson.access_api import check_access, json_object
from sandbox.liveperson.rows import View, row_of
from sandbox.liveperson.site import SITE, ApiError, Site, utf8_json

if TYPE_CHECKING:
    from sandbox.liveperson.state import State

_BASE = "/messaging_history/api/account/{account}/conversations"


def routes() -> list[web.RouteDef]:
    """Give the routes of this part."""
    return [
        web.post(f"{_BASE}/search", _search),
        web.post(f"{_BASE}/conversation/search", _by_id),
        web.post(f"{_BASE}/consumer/search", _by_consumer),
    ]


async def _prepare(request: web.Request) -> tuple[Site, dict[str, Any]]:
    site = request.app[SITE]
    check_access(site, request)
    search.check_source(request.query, required=site.switches["require_source"])
    return site, await json_object(request)


async def _search(request: web.Request) -> web.Response:
    site, body = await _prepare(request)
    page, start = search.page_of(request.query), search.start_range(body, site.now_ms)
    passes = search.filters(body, site.now_ms, late_counts=site.switches["late_changes_bump_update_time"])
    found = [state for state in site.begun_between(start.low, start.high) if passes(state)]
    return _listing(site, request, body, search.ordered(found, page), page)


async def _by_consumer(request: web.Request) -> web.Response:
    site, body = await _prepare(request)
    if not body.get("consumer") or not body.get("status"):
        raise ApiError(400, "consumer and status are required")
    page = search.page_of(request.query)
    passes = search.filters(body, site.now_ms, late_counts=True)
    mine = [each for each in site.conversations if each.customer.id == body["consumer"]]
    found = [state for state in map(site.state, mine) if state and passes(state)]
    return _listing(site, request, body, search.ordered(found, page), page)


async def _by_id(request: web.Request) -> web.Response:
    site, body = await _prepare(request)
    ids = body.get("conversationIds", [body["conversationId"]] if "conversationId" in body else None)
    if not isinstance(ids, list) or not 0 < len(ids) <= 100:
        raise ApiError(400, "conversationId or conversationIds (1 to 100) is required")
    wanted = [site.by_id[str(each)] for each in ids if str(each) in site.by_id]
    found = [state for state in map(site.state, wanted) if state]
    view = _view(site, request, whole=True)
    return _answer(
        site, view, body, found, {"count": len(found), "self": _link(site, request, "self", 0, 50)}
    )


def _listing(
    site: Site, request: web.Request, body: dict[str, Any], found: list[State], page: search.Page
) -> web.Response:
    if page.offset > site.switches["max_offset"]:
        raise ApiError(400, "the result window is too large", 7)
    partial = site.switches["partial_shards"] > 0
    if partial:
        site.switches["partial_shards"] -= 1
        found = [each for each in found if hashlib.sha256(each.conversation.id.encode()).digest()[0] % 2]
    shards = {"partialResult": partial} | ({"failureShards": 2, "totalShards": 6} if partial else {})
    metadata = _metadata(site, request, len(found), page) | {"shardsStatusResult": shards}
    if site.switches["repeat_first_page"]:
        metadata = _metadata(site, request, page.offset + page.limit + 1, page) | {
            "shardsStatusResult": shards
        }
        page = dataclasses.replace(page, offset=0)
    shown = found[page.offset : page.offset + page.limit]
    return _answer(site, _view(site, request, whole=False), body, shown, metadata)


def _view(site: Site, request: web.Request, *, whole: bool) -> View:
    version = 2 if request.query.get("v", "1").startswith("2") else 1
    return View(site.now_ms, whole, version, site.switches)


def _answer(
    site: Site, view: View, body: dict[str, Any], found: list[State], metadata: dict[str, Any]
) -> web.Response:
    wanted = body.get("contentToRetrieve")
    rows = [row_of(state, view, wanted) for state in found]
    if not rows and site.switches["no_content_when_empty"]:
        return web.Response(status=204)
    site.shown.rows(rows)
    sent = [variants.varied(row, site.switches) for row in rows]
    return utf8_json({"_metadata": metadata, "conversationHistoryRecords": sent})


def _metadata(site: Site, request: web.Request, count: int, page: search.Page) -> dict[str, Any]:
    metadata: dict[str, Any] = {"count": count, "self": _link(site, request, "self", page.offset, page.limit)}
    last = max(0, count - 1) // page.limit * page.limit
    if count > page.limit:
        metadata["last"] = _link(site, request, "last", last, page.limit)
    if page.offset + page.limit < count:
        metadata["next"] = _link(site, request, "next", page.offset + page.limit, page.limit)
    if page.offset:
        metadata["prev"] = _link(site, request, "prev", max(0, page.offset - page.limit), page.limit)
    return metadata


def _link(site: Site, request: web.Request, rel: str, offset: int, limit: int) -> dict[str, str]:
    host = "va-a.msghist.liveperson.net" if site.switches["internal_hrefs"] else request.host
    return {"rel": rel, "href": f"http://{host}{request.path}?limit={limit}&offset={offset}"}
