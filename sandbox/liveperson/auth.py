"""Who may come in: OAuth 1.0a signatures verified by recomputing them, OAuth 2 and login tokens, file tokens.

Times are real ones here, not simulated: a clock that jumps a week must not expire every token.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import secrets
import time
import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.faults import Faults


def _made_up(name: str) -> str:
    return f"sim-{name}"


@dataclasses.dataclass(frozen=True)
class Credentials:
    """What the simulated account accepts; all of it is made up and public."""

    client_id: str = _made_up("client-id")
    client_secret: str = _made_up("client-secret")
    app_key: str = _made_up("app-key")
    app_secret: str = _made_up("app-secret")
    access_token: str = _made_up("access-token")
    access_token_secret: str = _made_up("access-token-secret")
    username: str = _made_up("archiver")
    password: str = _made_up("password")
    file_user: str = _made_up("file-user")
    file_key: str = _made_up("file-key")


class AccessError(Exception):
    """The request carries no valid credentials; the text says why."""


class Auth:
    """Issues and checks tokens, and checks signatures; lifetimes are switches, asked at each check."""

    def __init__(self, faults: Faults, credentials: Credentials | None = None) -> None:
        self.credentials = credentials or Credentials()
        self._faults = faults
        self._issued: dict[str, float] = {}
        self._nonces: set[tuple[str, str]] = set()

    def issue(self, kind: str) -> str:
        """Give a new token of a kind (``bearer`` or ``file``)."""
        token = f"{kind}-{secrets.token_hex(24)}"
        self._issued[token] = time.monotonic()
        return token

    def revoke(self, token: str) -> None:
        """Forget a token."""
        self._issued.pop(token, None)

    def check_token(self, token: str, kind: str) -> None:
        """Raise AccessError unless the token was issued as this kind and has not expired."""
        issued = self._issued.get(token)
        if issued is None or not token.startswith(f"{kind}-"):
            raise AccessError("unknown token")
        if time.monotonic() - issued >= self._faults.switches["token_lifetime_s"]:
            raise AccessError("expired token")

    def check_oauth1(self, header: str, method: str, url: str) -> None:
        """Raise AccessError unless the Authorization header signs this request (RFC 5849, HMAC-SHA1)."""
        given = dict(_oauth_parameters(header))
        own = self.credentials
        if (given.get("oauth_consumer_key"), given.get("oauth_token")) != (own.app_key, own.access_token):
            raise AccessError("unknown key or token")
        if given.get("oauth_signature_method") != "HMAC-SHA1":
            raise AccessError("the signature method must be HMAC-SHA1")
        expected = signature(own, method, url, given)
        if not hmac.compare_digest(expected, given.get("oauth_signature", "")):
            raise AccessError("wrong signature")
        self._check_freshness(given)

    def _check_freshness(self, given: Mapping[str, str]) -> None:
        stamp, nonce = given.get("oauth_timestamp", ""), given.get("oauth_nonce", "")
        if not stamp.isdigit() or abs(int(stamp) - time.time()) > self._faults.switches["oauth1_window_s"]:
            raise AccessError("the timestamp is out of range")
        if not nonce or (stamp, nonce) in self._nonces:
            raise AccessError("the nonce was used before")
        self._nonces.add((stamp, nonce))

    def temp_url_signature(self, path: str, expires: int) -> str:
        """Sign a download URL that is valid until ``expires`` (real epoch seconds)."""
        text = f"GET\n{expires}\n{path}".encode()
        return hmac.new(self.credentials.file_key.encode(), text, hashlib.sha1).hexdigest()

    def check_temp_url(self, path: str, given: str, expires: str) -> None:
        """Raise AccessError unless the signature fits the path and has not expired."""
        if not expires.isdigit() or int(expires) < time.time():
            raise AccessError("expired URL")
        if not hmac.compare_digest(self.temp_url_signature(path, int(expires)), given):
            raise AccessError("wrong URL signature")


def signature(keys: Credentials, method: str, url: str, parameters: Mapping[str, str]) -> str:
    """Compute the HMAC-SHA1 signature of RFC 5849 for a URL with its query and the OAuth parameters."""
    parts = urllib.parse.urlsplit(url)
    pairs = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    pairs += [(name, value) for name, value in parameters.items() if name not in {"oauth_signature", "realm"}]
    encoded = "&".join(f"{name}={value}" for name, value in sorted((_quote(n), _quote(v)) for n, v in pairs))
    place = f"{parts.scheme.lower()}://{_host(parts)}{parts.path or '/'}"
    base = "&".join(map(_quote, (method.upper(), place, encoded)))
    key = f"{_quote(keys.app_secret)}&{_quote(keys.access_token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _host(parts: urllib.parse.SplitResult) -> str:
    usual = {"http": 80, "https": 443}.get(parts.scheme.lower())
    return (parts.hostname or "") if parts.port in {None, usual} else f"{parts.hostname}:{parts.port}"


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="-._~")


def _oauth_parameters(header: str) -> Iterable[tuple[str, str]]:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        raise AccessError("not an OAuth header")
    for part in rest.split(","):
        name, _, value = part.strip().partition("=")
        yield urllib.parse.unquote(name), urllib.parse.unquote(value.strip('"'))
