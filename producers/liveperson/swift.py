"""How we prove who we are to the file storage: Swift v1 authentication (`/auth/v1.0`)."""

import requests
from requests.auth import AuthBase

from producers.liveperson.auth import read_secret
from producers.liveperson.calls import AnsweredError, Call
from producers.liveperson.domains import FILES, Domains
from producers.liveperson.http import Http
from producers.liveperson.settings import FileKeys
from producers.source import SourceRefusedError, SourceUnavailableError


class SwiftAuth:
    """A token of the file storage."""

    def __init__(self, keys: FileKeys, http: Http, domains: Domains) -> None:
        self._keys, self._http, self._domains = keys, http, domains
        self._token: str | None = None

    def signer(self) -> AuthBase:
        """The token's header; fetches a token first if there is none."""
        if self._token is None:
            self._token = self._fetch()
        return _Header("X-Auth-Token", self._token)

    def renew(self) -> bool:
        """Forget the token."""
        self._token = None
        return True

    def _fetch(self) -> str:
        headers = {"X-Auth-User": self._keys.user, "X-Auth-Key": read_secret(self._keys.key)}
        call = Call(
            "file storage", "GET", self._domains.url(FILES, "/auth/v1.0"), headers=headers, tells_time=False
        )
        try:
            token = self._http.fetch(call).headers.get("X-Auth-Token")
        except AnsweredError as error:
            msg = f"LivePerson's file storage ({call.where}) answered {error.status}; check files.user and files.key"
            raise SourceRefusedError(msg) from None
        if not token:
            msg = f"LivePerson file storage: {call.where} answered without a token; it will be tried again"
            raise SourceUnavailableError(msg)
        return str(token)


class _Header(AuthBase):
    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._name] = self._value
        return request
