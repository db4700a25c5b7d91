"""Signing in to an IMAP server: passwords by SASL PLAIN or LOGIN, OAuth 2 by SASL XOAUTH2."""

import threading
import time
from collections.abc import Callable
from typing import Any

from consumers.importing.answers import refusal, told
from consumers.importing.folders import quoted
from consumers.importing.passwords import PasswordsFile
from consumers.importing.settings import ClientCredentials, PasswordLogin
from consumers.importing.troubles import HostError, MailboxError
from consumers.importing.wire import Wire
from schemas.addresses import comparable

DOUBT_S = 60.0  # a token younger than this is not replaced because a mailbox refuses it
EARLY_S = 300.0  # a token is renewed so long before it ends


class Passwords:
    """The passwords of mailboxes."""

    def __init__(self, settings: PasswordLogin) -> None:
        """ValueError when one can't be read."""
        self._settings = settings
        self._one = settings.password.read() if settings.password else None
        self._many = PasswordsFile(settings.passwords_file) if settings.passwords_file else None

    def sign_in(self, wire: Wire, mailbox: str) -> None:
        """Sign in; MailboxError when that is refused, or there is no password."""
        known = self._many.passwords() if self._many else {}
        password = known.get(comparable(mailbox), self._one)
        if password is None:
            raise MailboxError("no password", f"passwords_file has no line for {mailbox}")
        name = self._settings.login.replace("{mailbox}", mailbox)
        if "AUTH=PLAIN" in wire.capabilities:
            answer = f"\0{name}\0{password}".encode()
            _authenticate(wire, "PLAIN", lambda _: answer)
        else:
            _checked(wire, lambda: wire.login(quoted(name), password))


class Tokens:
    """App-only access tokens by client credentials (RFC 6749, 4.4), one for all mailboxes, renewed before they end."""

    def __init__(self, settings: ClientCredentials, timeout_s: float) -> None:
        """ValueError when the secret can't be read."""
        self._settings, self._timeout_s = settings, timeout_s
        self._secret = settings.client_secret.read()
        self._lock = threading.Lock()
        self._token, self._until, self._since = "", 0.0, 0.0

    def sign_in(self, wire: Wire, mailbox: str) -> None:
        """SASL XOAUTH2: `user=` mailbox, `auth=Bearer ` token. MailboxError when refused, HostError without a token."""
        answers = iter([f"user={mailbox}\1auth=Bearer {self.get()}\1\1".encode()])
        try:
            # After a refusal the server says why and waits for an empty line before its NO.
            _authenticate(wire, "XOAUTH2", lambda _: next(answers, b""))
        except MailboxError:
            self._doubt()
            raise

    def _doubt(self) -> None:
        """A token that a mailbox refuses may have been revoked: another one is asked for, but not for each refusal."""
        with self._lock:
            if time.monotonic() - self._since > DOUBT_S:
                self._until = 0.0

    def get(self) -> str:
        """A token that is good for some minutes."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._token, seconds = self._ask()
                self._since = time.monotonic()
                self._until = time.monotonic() + max(0.0, seconds - EARLY_S)
            return self._token

    def _ask(self) -> tuple[str, float]:
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - heavy, and only for such settings
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415 - as above
        from requests import RequestException  # noqa: PLC0415 - as above

        settings = self._settings
        # Entra and most others take the secret in the body; Basic authentication would need it encoded first.
        style = {"token_endpoint_auth_method": "client_secret_post"}
        try:
            with OAuth2Session(settings.client_id, self._secret, **style) as http:
                token = http.fetch_token(
                    settings.endpoint,
                    grant_type="client_credentials",
                    scope=settings.scope,
                    timeout=self._timeout_s,
                )
            return str(token["access_token"]), float(token.get("expires_in", 3600))
        except (AuthlibBaseError, RequestException, KeyError, ValueError) as error:
            raise HostError(
                "no access token", f"{settings.endpoint}: {told(str(error) or type(error).__name__)}"
            ) from error


def _authenticate(wire: Wire, mechanism: str, answer: Callable[[bytes], bytes]) -> None:
    _checked(wire, lambda: wire.authenticate(mechanism, answer))


def _checked(wire: Wire, call: Callable[[], Any]) -> None:
    try:
        call()
    except wire.abort:
        raise
    except wire.error as error:
        text = error.args[0] if error.args else ""
        raise refusal("sign-in", text) from error
