"""The one-time consent: a browser goes to Webex, comes back to this machine with a code, and that buys tokens."""

import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from producers.source import SourceRefusedError
from producers.webex.auth import exchange
from producers.webex.settings import WebexSettings
from producers.webex.tokens import TokenFile

CONSENT = (
    200,
    "Webex has your consent. Now look at the terminal where the login began: it says whether that was enough.",
)
NO_CONSENT = (
    400,
    "Webex gave no consent, so nothing was stored. The terminal where the login began says more.",
)


class _Listener(ThreadingHTTPServer):
    """Waits for the browser to come back; what it brought with the right state is in `brought`."""

    daemon_threads = True

    def __init__(self, settings: WebexSettings, state: str) -> None:
        wanted = urlsplit(settings.redirect_uri)
        super().__init__((wanted.hostname or "127.0.0.1", wanted.port or 0), _Handler)
        self.state, self.path = state, wanted.path or "/"
        # Port 0 takes a free one, for services that accept any port on a loopback address (RFC 8252, 7.3).
        self.redirect_uri = wanted._replace(netloc=f"{wanted.hostname}:{self.server_port}").geturl()
        self.brought: dict[str, str] = {}
        self.back = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = 10

    def do_GET(self) -> None:
        """Take code and state out of the address; anything with another state is turned away."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        right = secrets.compare_digest(query.get("state", "").encode(), self.server.state.encode())
        if parts.path != self.server.path or not right:
            self._say(400, "This is not the answer that was waited for.")
            return
        self._say(*(CONSENT if query.get("code") else NO_CONSENT))
        self.server.brought = query
        self.server.back.set()

    def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the address holds the code."""

    def _say(self, status: int, sentence: str) -> None:
        body = f"<!doctype html><title>chatledger</title><p>{sentence}".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def login(
    settings: WebexSettings,
    open_browser: Callable[[str], object],
    *,
    timeout_s: float = 300.0,
) -> str:
    """Ask the compliance officer for consent and store the tokens; return the scope that was granted.

    `open_browser` gets the address to show. Raises SourceRefusedError when consent is refused or does not
    come within `timeout_s`, SourceUnavailableError when Webex can't be reached.
    """
    state = secrets.token_urlsafe(32)
    try:
        listener = _Listener(settings, state)
    except OSError as error:
        msg = f"cannot listen at {settings.redirect_uri}: {error.strerror}; is another login running?"
        raise SourceRefusedError(msg) from error
    with listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            open_browser(consent_url(settings, listener.redirect_uri, state))
            code = _code(listener, settings.uid, timeout_s)
        finally:
            listener.shutdown()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": listener.redirect_uri}
    tokens = exchange(settings, form, time.time)
    TokenFile(settings.token_file, settings.uid).save(tokens)
    return tokens.scope


def consent_url(settings: WebexSettings, redirect_uri: str, state: str) -> str:
    """The address at which the officer consents."""
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(settings.scopes),
        "state": state,
    }
    return f"{settings.base_url}/authorize?{urlencode(query)}"


def _code(listener: _Listener, uid: str, timeout_s: float) -> str:
    if not listener.back.wait(timeout_s):
        msg = f"nobody came back from Webex within {timeout_s:.0f} s; run `chatledger login {uid}` again"
        raise SourceRefusedError(msg)
    code = listener.brought.get("code", "")
    if not code:
        msg = f"Webex gave no consent: {listener.brought.get('error', 'no code in its answer')}"
        raise SourceRefusedError(msg)
    return code
