"""The configuration section of a Webex connector."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from producers.settings import ConnectorBase
from schemas.broker import Secret

READ_SCOPES = (
    "spark-compliance:events_read",
    "spark-compliance:messages_read",
    "spark-compliance:rooms_read",
    "spark-compliance:memberships_read",
    "spark-compliance:teams_read",
    "spark-compliance:team_memberships_read",
    "spark:people_read",
    "spark:kms",
)
"""Everything that collecting needs, and no right to write."""

NO_CHAT = (
    "meetings",
    "meetingTranscripts",
    "convergedRecordings",
    "call_records",
    "files",
    "file_transcodings",
)


def _http(url: str) -> str:
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise ValueError("base_url must be like https://webexapis.com/v1")
    return url.rstrip("/")


def _loopback(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise ValueError("redirect_uri must be on this machine, like http://127.0.0.1:8484/callback")
    return url


class SpaceFilter(BaseModel):
    """Which spaces to collect. Empty lists say nothing; a space that can't be looked up is collected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spaces: tuple[str, ...] = Field(default=(), description="Ids of spaces")
    teams: tuple[str, ...] = Field(default=(), description="Ids of teams: all of their spaces")
    people: tuple[str, ...] = Field(default=(), description="E-mail addresses or ids of people")

    @property
    def empty(self) -> bool:
        """True if it says nothing."""
        return not (self.spaces or self.teams or self.people)


class WebexSettings(ConnectorBase):
    """What a Webex connector needs to know; times in seconds unless the name says otherwise."""

    kind: Literal["webex"]
    base_url: Annotated[str, AfterValidator(_http)] = Field(
        default="https://webexapis.com/v1", description="Only its host is sent the token"
    )
    client_id: str = Field(description="Of the integration made at developer.webex.com")
    client_secret: Secret = Field(description="Of the same integration")
    redirect_uri: Annotated[str, AfterValidator(_loopback)] = Field(
        default="http://127.0.0.1:8484/callback",
        description="As registered; a loopback address, where `chatledger login` listens",
    )
    token_file: Path = Field(description="Holds the tokens, mode 0600; must survive restarts")
    scopes: tuple[str, ...] = Field(default=READ_SCOPES, description="Rights to ask for at login")
    include: SpaceFilter = Field(
        default=SpaceFilter(),
        description="Collect only these spaces: named, of a named team, or with a named person as a member",
    )
    exclude: SpaceFilter = Field(
        default=SpaceFilter(),
        description="Leave out: named spaces, those of named teams, those whose members are all named here",
    )
    feeds: tuple[str, ...] = Field(
        default=("", "messages/updated", "messages/deleted", "memberships/deleted"),
        min_length=1,
        description="Queries of the feed, each resource/type; empty = all. Overlaps do no harm: whether the "
        "query for all brings edits and deletions too is not documented",
    )
    ignore: tuple[str, ...] = Field(
        default=NO_CHAT, description="Resources that are no chat: dropped where they belong to no space"
    )
    threads: Literal["fetch", "event"] = Field(
        default="fetch",
        description="fetch: one request a message for its place in a thread; event: only what the feed tells",
    )
    unscannable: Literal["fetch", "withhold"] = Field(
        default="withhold", description="What to do with files that Webex could not scan for malware"
    )
    max_file_mb: float = Field(default=2048.0, gt=0, description="Ceiling of one file, 10^6 bytes")
    file_seconds: float = Field(default=900.0, gt=0, description="Longest time for one file, scan included")
    late_file_days: float = Field(
        default=7.0,
        ge=0,
        description="How long files that could not be had (scan, ceilings) are asked for again; 0 = never",
    )
    retry_seconds: float = Field(default=300.0, ge=0, description="Longest time for one request with retries")
    request_seconds: float = Field(default=60.0, gt=0, description="Longest silence of the service")
    parallel: int = Field(default=4, ge=1, le=16, description="Messages that are fetched at a time")
    page_size: int = Field(default=1000, ge=1, le=1000, description="Events a page")
    settle_default_seconds: float = Field(
        default=600.0,
        ge=0,
        description="How long Webex may hide an event, where collect.settle_seconds is not set",
    )
    look_back_days: float = Field(
        default=89.0, gt=0, description="How far back Webex answers: 90 days, without limit under Pro Pack"
    )
