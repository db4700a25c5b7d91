"""What a LivePerson connector needs to know."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from producers.settings import ConnectorBase
from schemas.broker import Secret


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OAuth2Keys(_Part):
    """OAuth 2 client credentials, which LivePerson advises."""

    method: Literal["oauth2"] = "oauth2"
    client_id: str = Field(min_length=1, description="Client id of the OAuth 2 application")
    client_secret: Secret = Field(description="Its secret, by reference")


class OAuth1Keys(_Part):
    """An OAuth 1.0a application key: four values, each by reference."""

    method: Literal["oauth1"]
    app_key: Secret
    app_secret: Secret
    access_token: Secret
    access_token_secret: Secret


class FileKeys(_Part):
    """Credentials of the file storage, which LivePerson's account team hands out."""

    user: str = Field(min_length=1, description="X-Auth-User of the file storage")
    key: Secret = Field(description="X-Auth-Key of the file storage, by reference")


class FilterSettings(_Part):
    """Which conversations to collect, by the ids of skills and agent groups.

    With an include list, a conversation counts when any of its skills (groups) is listed. An exclude list
    drops a conversation only when all of its skills (groups) are listed, so that one which moved is kept.
    """

    include_skills: frozenset[str] = frozenset()
    exclude_skills: frozenset[str] = frozenset()
    include_groups: frozenset[str] = frozenset()
    exclude_groups: frozenset[str] = frozenset()


class FileLimits(_Part):
    """Ceilings of one attached file."""

    max_file_mb: float = Field(default=150.0, gt=0, description="Larger files are not fetched, 10^6 bytes")
    max_file_seconds: float = Field(default=300.0, gt=0, description="Longest transfer of one file, seconds")


class CallLimits(_Part):
    """Patience of one call to LivePerson; when it ends, the runner waits and polls the window again."""

    timeout_seconds: float = Field(default=60.0, gt=0, description="Longest silence of the other side")
    retry_seconds: float = Field(default=30.0, ge=0, description="Budget of all tries of one call")
    first_wait_seconds: float = Field(default=1.0, ge=0, description="Pause before the second try; doubles")
    longest_wait_seconds: float = Field(default=5.0, gt=0, description="Longest pause between two tries")
    max_page_mb: float = Field(
        default=64.0, gt=0, description="Larger answers are asked for again in smaller pages, 10^6 bytes"
    )


class LivePersonSettings(ConnectorBase):
    """A connector that collects one LivePerson account."""

    kind: Literal["liveperson"]
    account_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="LivePerson account (site) id")
    domain_url: str = Field(
        default="https://api.liveperson.net",
        pattern=r"^https?://[A-Za-z0-9.\-:\[\]]+/?$",
        description="Where the domain lookup answers; http:// only for a simulated source",
    )
    auth: Annotated[OAuth2Keys | OAuth1Keys, Field(discriminator="method")]
    source_label: str = Field(
        default="chatledger",
        min_length=1,
        max_length=20,
        description="The `source` parameter of every history call, by which LivePerson throttles",
    )
    filters: FilterSettings = FilterSettings()
    files: FileKeys | None = Field(default=None, description="Without it, files are named but not fetched")
    file_limits: FileLimits = FileLimits()
    late_file_days: float = Field(
        default=7.0,
        ge=0,
        description="How long files that could not be had (held back, ceilings) are asked for again; 0 = never",
    )
    calls: CallLimits = CallLimits()
    look_back_days: float = Field(
        default=396.0,
        gt=0,
        description="How far back conversations may have begun; LivePerson keeps 13 months",
    )
    users_seconds: float = Field(default=900.0, ge=0, description="How long the list of agents is trusted")

    @property
    def scheme(self) -> str:
        """Scheme of the hosts that the domain lookup names: https, unless the lookup itself is plain http."""
        return "http" if self.domain_url.startswith("http://") else "https"
