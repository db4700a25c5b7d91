"""The account configuration of the simulated LivePerson: users, skills and agent groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.liveperson.access_api import check_access
from sandbox.liveperson.people import AGENTS, AGENTS_BY_ID, GROUPS, SKILLS
from sandbox.liveperson.site import SITE, ApiError, Site, utf8_json

if TYPE_CHECKING:
    from sandbox.liveperson.model import Agent, Named

User = dict[str, Any]
_BASE = "/api/account/{account}/configuration"
_SHORT = ("id", "pid", "deleted", "loginName")


def routes() -> list[web.RouteDef]:
    """Give the routes of this part."""
    return [
        web.get(f"{_BASE}/le-users/users", _users),
        web.get(f"{_BASE}/le-users/users/{{user}}", _user),
        web.get(f"{_BASE}/le-users/skills", _skills),
        web.get(f"{_BASE}/le-users/agentGroups", _groups),
    ]


async def _users(request: web.Request) -> web.Response:
    site = request.app[SITE]
    check_access(site, request)
    with_deleted = request.query.get("include_deleted", "").lower() == "true"
    chosen = [each for each in AGENTS.values() if with_deleted or not each.deleted_at(site.now_ms)]
    return _configured([_shown(site, request, each) for each in chosen])


async def _user(request: web.Request) -> web.Response:
    site = request.app[SITE]
    check_access(site, request)
    agent = AGENTS_BY_ID.get(request.match_info["user"])
    if not agent:
        raise ApiError(404, "no such user")
    return _configured(_shown(site, request, agent))


async def _skills(request: web.Request) -> web.Response:
    check_access(request.app[SITE], request)
    return _configured([_named(each) for each in SKILLS.values()])


async def _groups(request: web.Request) -> web.Response:
    check_access(request.app[SITE], request)
    return _configured([_named(each) for each in GROUPS])


def _named(each: Named) -> User:
    return {"id": each.id, "name": each.name, "deleted": False}


def _configured(content: object) -> web.Response:
    return utf8_json(content, headers={"ac-revision": "1204", "ETag": '"1204"'})


def _shown(site: Site, request: web.Request, agent: Agent) -> User:
    user, select = _whole(agent, site.now_ms), request.query.get("select", "")
    version = request.query.get("v", "2.0")
    if select and "$all" not in select:
        wanted = set(re.findall(r"\w+", select))
        user = {name: value for name, value in user.items() if name in wanted}
    elif not select and (site.switches["users_default_fields"] or not version.startswith("6")):
        user = {name: user[name] for name in _SHORT}
    return {name: _text(value) for name, value in user.items()} if site.switches["users_as_strings"] else user


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def _whole(agent: Agent, now_ms: int) -> User:
    user: User = {
        "id": agent.id,
        "pid": agent.pid,
        "deleted": agent.deleted_at(now_ms),
        "loginName": agent.login_name,
        "fullName": agent.name_at(now_ms),
        "nickname": agent.nickname,
        "isEnabled": not agent.deleted_at(now_ms),
        "userTypeId": agent.kind,
        "isApiUser": agent.kind == 2,
        "employeeId": f"E-{agent.id[-4:]}",
        "skillIds": [],
        "profileIds": [4119980110],
        "memberOf": {"agentGroupId": str(agent.group.id), "assignmentDate": "2025-11-02 09:00:00"},
        "managerOf": [],
        "maxAsyncChats": 10,
        "dateUpdated": "2026-02-11 08:31:02",
    }
    return user | ({"email": agent.email} if agent.email else {})
