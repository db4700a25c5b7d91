"""GET /authorize and POST /access_token."""

from html import escape
from urllib.parse import urlencode

from aiohttp import web

from sandbox.webex.service import ApiError, Json, Service, parameters, reply
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET, Grant, GrantError


class OAuthRoutes:
    """The officer's consent, and the tokens that come of it."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Send the browser back with code and state at once, or show a page with that link."""
        query = parameters(request)
        if query.get("response_type") != "code" or query.get("client_id") != CLIENT_ID:
            raise ApiError(400, "response_type must be code, and client_id one that is known.")
        if not query.get("redirect_uri"):
            raise ApiError(400, "redirect_uri is required.")
        code = self.service.tokens.code(query["redirect_uri"], query.get("scope", ""), self.service.now)
        joint = "&" if "?" in query["redirect_uri"] else "?"
        back = {"code": code} | ({"state": query["state"]} if "state" in query else {})
        target = f"{query['redirect_uri']}{joint}{urlencode(back)}"
        if not self.service.switches.consent_page:
            return web.Response(status=302, headers={"Location": target})
        page = f'<!doctype html><title>Consent</title><a id="accept" href="{escape(target)}">Accept</a>'
        return web.Response(text=page, content_type="text/html")

    async def access_token(self, request: web.Request) -> web.Response:
        """Answer a pair of tokens for a code or a refresh token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise ApiError(401, "The client_id or client_secret is not valid.")
        try:
            return reply(_shown(self._grant(form)))
        except GrantError as error:
            raise ApiError(400, str(error)) from error

    def _grant(self, form: dict[str, str]) -> Grant:
        now, switches, tokens = self.service.now, self.service.switches, self.service.tokens
        lives = (switches.access_token_s, switches.refresh_token_s)
        if form.get("grant_type") == "authorization_code":
            return tokens.by_code(form.get("code", ""), form.get("redirect_uri", ""), now, lives)
        if form.get("grant_type") == "refresh_token":
            refresh = form.get("refresh_token", "")
            return tokens.by_refresh(refresh, now, lives, rotate=switches.rotate_refresh)
        raise GrantError("The grant_type is not supported.")


def _shown(grant: Grant) -> Json:
    return {
        "access_token": grant.access,
        "expires_in": grant.access_s,
        "refresh_token": grant.refresh,
        "refresh_token_expires_in": grant.refresh_s,
        "token_type": "Bearer",
        "scope": grant.scope,
    }
