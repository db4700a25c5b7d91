"""OAuth: codes, access tokens and refresh tokens, and which are still good. Moments are ms of the clock."""

from dataclasses import dataclass, field

from sandbox.webex.ids import uuid_for

CLIENT_ID = "C0000000000000000000000000000000000000000000000000000000000000001"
CLIENT_SECRET = "not-a-secret-of-anything"  # noqa: S105 - of the simulation, printed in its help
OFFICER_TOKEN = "officer"  # noqa: S105 - a personal token for tests, always good
FIRST_REFRESH_TOKEN = "first-refresh"  # noqa: S105 - good once, so that nobody must log in for a demo
CODE_LIFE_MS = 600_000
READ_SCOPES = (
    "spark:kms spark:people_read spark-compliance:events_read spark-compliance:messages_read"
    " spark-compliance:rooms_read spark-compliance:memberships_read spark-compliance:teams_read"
)


class GrantError(ValueError):
    """The token request is refused; the text is the message of the answer."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A pair of tokens and how long they are good, in seconds."""

    access: str
    access_s: int
    refresh: str
    refresh_s: int
    scope: str


@dataclass(slots=True)
class Tokens:
    """What has been given out so far. `lives` are the two lives in seconds, access and refresh."""

    issued: int = 0
    codes: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    access: dict[str, int] = field(default_factory=dict)
    refresh: dict[str, tuple[str, int]] = field(default_factory=dict)
    first_refresh_left: bool = True

    def code(self, redirect_uri: str, scope: str, now: int) -> str:
        """Return an authorization code, good for ten minutes, once, with the same redirect URI."""
        code = self._new("code")
        self.codes[code] = (redirect_uri, scope, now + CODE_LIFE_MS)
        return code

    def good(self, access: str, now: int) -> bool:
        """Say whether an access token is good."""
        return access == OFFICER_TOKEN or now < self.access.get(access, 0)

    def by_code(self, code: str, redirect_uri: str, now: int, lives: tuple[float, float]) -> Grant:
        """Return tokens for a code. Raises GrantError."""
        uri, scope, until = self.codes.pop(code, ("", "", 0))
        if now >= until or uri != redirect_uri:
            raise GrantError(
                "The authorization code is not valid, has expired or belongs to another redirect URI."
            )
        return self._grant(self._new("refresh"), scope, now, lives)

    def by_refresh(self, refresh: str, now: int, lives: tuple[float, float], *, rotate: bool) -> Grant:
        """Return tokens for a refresh token, which is dead afterwards if `rotate`. Raises GrantError."""
        scope, until = self._known(refresh, now)
        if now >= until:
            raise GrantError("The refresh token is not valid or has expired.")
        if rotate:
            self.revoke(refresh)
        return self._grant(self._new("refresh") if rotate else refresh, scope, now, lives)

    def revoke(self, refresh: str) -> None:
        """Make a refresh token dead."""
        self.refresh.pop(refresh, None)
        self.first_refresh_left = self.first_refresh_left and refresh != FIRST_REFRESH_TOKEN

    def _known(self, refresh: str, now: int) -> tuple[str, int]:
        if refresh == FIRST_REFRESH_TOKEN and self.first_refresh_left:
            return READ_SCOPES, now + 1
        return self.refresh.get(refresh, ("", 0))

    def _grant(self, refresh: str, scope: str, now: int, lives: tuple[float, float]) -> Grant:
        access = self._new("access")
        self.access[access] = now + int(lives[0] * 1000)
        self.refresh[refresh] = (scope, now + int(lives[1] * 1000))
        return Grant(access, int(lives[0]), refresh, int(lives[1]), scope)

    def _new(self, kind: str) -> str:
        self.issued += 1
        return uuid_for("token", kind, self.issued).replace("-", "")
