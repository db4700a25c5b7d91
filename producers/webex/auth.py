"""The access token: got by refresh, kept in the token file, refreshed in time and once when it is refused."""

import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from producers.source import SourceRefusedError, SourceUnavailableError
from producers.webex.settings import WebexSettings
from producers.webex.tokens import TokenFile, Tokens

EARLY_MS = 2 * 86_400_000
"""Refresh when the access token (14 days) has less than two days left: a weekend of trouble does no harm."""

Grant = dict[str, object]


class Authority:
    """Gives the access token to who asks; safe to use from several threads and processes."""

    def __init__(self, settings: WebexSettings, clock: Callable[[], float]) -> None:
        self._settings, self._clock = settings, clock
        self._file, self._lock = TokenFile(settings.token_file, settings.uid), threading.Lock()
        self._tokens: Tokens | None = None

    def token(self) -> str:
        """The access token, refreshed early. Raises SourceRefusedError, SourceUnavailableError."""
        with self._lock:
            if self._tokens is None:
                self._tokens = self._file.load()
            if not self._tokens.access_token or self._due(self._tokens):
                self._tokens = self._renewed(self._tokens)
            return self._tokens.access_token

    def refused(self, token: str) -> None:
        """Take note that the service refused this token: the next is another. Raises as `token`."""
        with self._lock:
            current = self._tokens or self._file.load()
            if current.access_token == token:
                self._tokens = self._renewed(current)

    def _due(self, tokens: Tokens) -> bool:
        return bool(tokens.refresh_token) and 0 < tokens.expires_ms < self._clock() * 1000 + EARLY_MS

    def _renewed(self, old: Tokens) -> Tokens:
        with self._file.locked():
            on_disk = self._file.load()
            if on_disk.access_token and on_disk.access_token != old.access_token:
                return on_disk  # another process was faster
            if not on_disk.refresh_token:
                raise SourceRefusedError(
                    "Webex refuses the access token, and there is no refresh token;"
                    f" run `chatledger login {self._settings.uid}`"
                )
            form = {"grant_type": "refresh_token", "refresh_token": on_disk.refresh_token}
            fresh = exchange(self._settings, form, self._clock, on_disk)
            self._file.save(fresh)
            return fresh


class BearerAuth(AuthBase):
    """Adds the token to requests for the configured host, and to no others, redirects included."""

    def __init__(self, base_url: str, authority: Authority) -> None:
        self.origin, self._authority = origin(base_url), authority

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header where it belongs."""
        if origin(request.url or "") == self.origin:
            request.headers["Authorization"] = f"Bearer {self._authority.token()}"
        return request


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: what decides who gets the token."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ("", "", None)
    return (parts.scheme, (parts.hostname or "").lower(), port)


def exchange(
    settings: WebexSettings, form: dict[str, str], clock: Callable[[], float], old: Tokens | None = None
) -> Tokens:
    """Get tokens for a code or a refresh token.

    Raises SourceRefusedError when the service says no, SourceUnavailableError when it does not say; neither,
    nor what they were caused by, carries a token or the client's secret.
    """
    whole = form | {"client_id": settings.client_id, "client_secret": secret_of(settings)}
    url = f"{settings.base_url}/access_token"
    try:
        answer = requests.post(url, data=whole, timeout=settings.request_seconds, allow_redirects=False)
        grant = answer.json() if answer.status_code == 200 else None
    except (requests.RequestException, RecursionError) as error:
        msg = f"cannot reach Webex at {url} for a token ({type(error).__name__})"
        raise SourceUnavailableError(msg) from None
    if isinstance(grant, dict) and isinstance(grant.get("access_token"), str):
        return _tokens(grant, int(clock() * 1000), old or Tokens())
    raise _no(answer.status_code, settings.uid)


def secret_of(settings: WebexSettings) -> str:
    """The integration's secret; SourceRefusedError that says where it should be."""
    try:
        return settings.client_secret.read()
    except ValueError as error:
        msg = f"client_secret of {settings.uid}: {error}"
        raise SourceRefusedError(msg) from error


def _no(status: int, uid: str) -> SourceRefusedError | SourceUnavailableError:
    if status in {400, 401, 403}:
        return SourceRefusedError(
            f"Webex refuses to renew the access (status {status}): the login has expired, was used elsewhere or "
            f"was revoked, or client_id and client_secret are wrong; run `chatledger login {uid}`"
        )
    return SourceUnavailableError(f"Webex gives no token at present (status {status})")


def _tokens(grant: Grant, now_ms: int, old: Tokens) -> Tokens:
    refresh = grant.get("refresh_token")
    return Tokens(
        refresh_token=refresh if isinstance(refresh, str) and refresh else old.refresh_token,
        access_token=str(grant["access_token"]),
        expires_ms=_after(now_ms, grant.get("expires_in")),
        refresh_expires_ms=_after(now_ms, grant.get("refresh_token_expires_in")),
        scope=str(grant.get("scope") or old.scope),
    )


def _after(now_ms: int, seconds: object) -> int:
    return now_ms + int(seconds * 1000) if isinstance(seconds, int | float) else 0
