"""How we prove who we are: OAuth 2 client credentials, or an OAuth 1.0a key (HMAC-SHA1)."""

import json
import time
from typing import cast

import requests
from requests.auth import AuthBase

from producers.liveperson.calls import AnsweredError, Auth, Call
from producers.liveperson.domains import TOKENS, Domains
from producers.liveperson.http import Http
from producers.liveperson.settings import LivePersonSettings, OAuth1Keys, OAuth2Keys
from producers.liveperson.values import mapped, number, words
from producers.source import SourceRefusedError, SourceUnavailableError
from schemas.broker import Secret

EARLY_SECONDS = 60.0
"""How long before its end a token is replaced, as LivePerson's own code does."""


class Bearer(AuthBase):
    """A bearer token in the `Authorization` header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class OAuth2:
    """Client credentials; LivePerson's OAuth 2.0 page: token endpoint v2 of the service `sentinel`."""

    def __init__(
        self,
        keys: OAuth2Keys,
        account: str,
        http: Http,
        domains: Domains,
    ) -> None:
        self._keys, self._account, self._http, self._domains = keys, account, http, domains
        self._token: str | None = None
        self._ends = 0.0

    def signer(self) -> AuthBase:
        """A bearer token that is good for a while."""
        if self._token is None or time.monotonic() >= self._ends:
            self._token, seconds = self._fetch()
            self._ends = time.monotonic() + max(seconds - EARLY_SECONDS, seconds / 2)
        return Bearer(self._token)

    def renew(self) -> bool:
        """Forget the token, so that the next call gets a new one."""
        self._token = None
        return True

    def _fetch(self) -> tuple[str, float]:
        path = f"/sentinel/api/v2/account/{self._account}/app/token"
        form = {
            "client_id": self._keys.client_id,
            "client_secret": read_secret(self._keys.client_secret),
            "grant_type": "client_credentials",
        }
        call = Call("token", "POST", self._domains.url(TOKENS, path), {"v": "2.0"}, form=form)
        try:
            return _token(self._http.fetch(call).body, call.where)
        except AnsweredError as error:
            if error.status not in (400, 401, 403):
                raise
            msg = (
                f"LivePerson refused the OAuth 2 client ({call.where} answered {error.status}); check client_id "
                "and client_secret, and that the application is installed and enabled for this account"
            )
            raise SourceRefusedError(msg) from None


def _token(body: bytes, where: str) -> tuple[str, float]:
    try:
        answer = mapped(json.loads(body))
    except (ValueError, RecursionError):
        answer = {}
    token = words(answer.get("access_token"))
    if not token:
        msg = f"LivePerson token: {where} answered without a token; it will be tried again"
        raise SourceUnavailableError(msg)
    return token, float(number(answer.get("expires_in")) or 600)


class OAuth1:
    """An application key; each request is signed, the JSON body is no part of the signature (RFC 5849, 3.4.1.3.1)."""

    def __init__(self, keys: OAuth1Keys) -> None:
        self._keys = keys

    def signer(self) -> AuthBase:
        """What signs one request."""
        from authlib.integrations.requests_client import OAuth1Auth  # noqa: PLC0415 - heavy, and rarely needed

        key, secret, token, token_secret = (
            read_secret(each)
            for each in (
                self._keys.app_key, self._keys.app_secret, self._keys.access_token, self._keys.access_token_secret,
            )
        )  # fmt: skip
        return cast("AuthBase", OAuth1Auth(key, secret, token=token, token_secret=token_secret))

    def renew(self) -> bool:
        """Nothing else can be tried."""
        return False


def read_secret(secret: Secret) -> str:
    """The secret; SourceRefusedError that says which one is missing."""
    try:
        return secret.read()
    except ValueError as error:
        raise SourceRefusedError(str(error)) from None


def auth_of(settings: LivePersonSettings, http: Http, domains: Domains) -> Auth:
    """The way of proving that the settings ask for."""
    if isinstance(settings.auth, OAuth2Keys):
        return OAuth2(settings.auth, settings.account_id, http, domains)
    return OAuth1(settings.auth)
