"""Domain lookup (CSDS), OAuth 2 tokens and login of the simulated LivePerson."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from sandbox.liveperson.auth import AccessError
from sandbox.liveperson.model import ACCOUNT
from sandbox.liveperson.site import SITE, ApiError, Site

SERVICES = (
    "msgHist", "engHistDomain", "accountConfigReadOnly", "accountConfigReadWrite", "agentVep", "sentinel",
    "swift", "asyncMessagingEnt", "leDataReporting", "adminArea", "liveEngage",
)  # fmt: skip


def routes() -> list[web.RouteDef]:
    """Give the routes of this part."""
    return [
        web.get("/api/account/{account}/service/baseURI.json", _all_services),
        web.get("/csdr/account/{account}/service/baseURI.json", _all_services),
        web.get("/api/account/{account}/service/{service}/baseURI.json", _one_service),
        web.post("/sentinel/api/v2/account/{account}/app/token", _token),
        web.post("/api/account/{account}/login", _login),
        web.post("/api/account/{account}/refresh", _refresh),
        web.post("/api/account/{account}/logout", _logout),
    ]


def check_access(site: Site, request: web.Request) -> None:
    """Raise ApiError 401 unless the request has a valid bearer token or OAuth 1 signature."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    try:
        if scheme.lower() == "bearer":
            site.auth.check_token(token, "bearer")
        else:
            url = f"{request.scheme}://{request.host}{request.rel_url.raw_path}?{request.rel_url.raw_query_string}"
            site.auth.check_oauth1(header, request.method, url)
    except AccessError as error:
        raise ApiError(401, f"unauthorized: {error}", 28) from error
    site.check_account(request)


def _own_host(site: Site, request: web.Request) -> str:
    # A client that knows no other host asks through us as its proxy and then insists on HTTPS.
    if request.host.partition(":")[0].endswith(".liveperson.net"):
        place = request.transport.get_extra_info("sockname") if request.transport else ("127.0.0.1", 80)
        return f"localhost:{site.tls.port if site.tls else place[1]}"
    return request.host


def _triple(site: Site, request: web.Request, service: str) -> dict[str, str]:
    return {"service": service, "account": ACCOUNT, "baseURI": _own_host(site, request)}


async def _all_services(request: web.Request) -> web.Response:
    site = request.app[SITE]
    site.check_account(request)
    return web.json_response({"baseURIs": [_triple(site, request, each) for each in SERVICES]})


async def _one_service(request: web.Request) -> web.Response:
    site, service = request.app[SITE], request.match_info["service"]
    site.check_account(request)
    if service not in SERVICES:
        raise ApiError(400, f"unknown service {service}")
    return web.json_response(_triple(site, request, service))


async def _token(request: web.Request) -> web.Response:
    site, form = request.app[SITE], await request.post()
    site.check_account(request)
    if form.get("grant_type") != "client_credentials":
        return web.json_response({"error": "unsupported_grant_type"}, status=400)
    own = site.auth.credentials
    if (form.get("client_id"), form.get("client_secret")) != (own.client_id, own.client_secret):
        return web.json_response({"error": "invalid_client"}, status=401)
    lifetime = site.switches["token_lifetime_s"]
    shown = str(lifetime) if site.switches["expires_in_as_text"] else lifetime
    return web.json_response(
        {"access_token": site.auth.issue("bearer"), "token_type": "Bearer", "expires_in": shown}
    )


async def _login(request: web.Request) -> web.Response:
    site, body = request.app[SITE], await _object(request)
    site.check_account(request)
    own = site.auth.credentials
    as_user = (body.get("username"), body.get("password")) == (own.username, own.password)
    as_app = body.get("username") == own.username and (body.get("appKey"), body.get("secret")) in {
        (own.app_key, own.app_secret),
        (own.client_id, own.client_secret),
    }
    if not (as_user or as_app):
        raise ApiError(401, "wrong user name or password", 2)
    services = [_triple(site, request, each) for each in SERVICES]
    config = {
        "loginName": own.username,
        "userId": "4120087999",
        "userPid": "sim",
        "userPrivileges": [],
        "isAdmin": False,
    }
    answer = web.json_response(
        {
            "csrf": secrets.token_hex(16),
            "wsuk": secrets.token_hex(8),
            "config": config,
            "csdsCollectionResponse": {"baseURIs": services},
            "accountData": {},
            "sessionTTl": "600",
            "bearer": site.auth.issue("bearer"),
            "sessionId": secrets.token_hex(8),
        }
    )
    answer.set_cookie("JSESSIONID", secrets.token_hex(8))
    return answer


async def _refresh(request: web.Request) -> web.Response:
    request.app[SITE].check_account(request)
    return web.json_response({"csrf": secrets.token_hex(16)})


async def _logout(request: web.Request) -> web.Response:
    site = request.app[SITE]
    site.auth.revoke(request.headers.get("Authorization", "").partition(" ")[2])
    return web.json_response({})


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise ApiError(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise ApiError(400, "the body is not a JSON object")
    return body


json_object = _object
