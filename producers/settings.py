"""Settings that every connector has, whatever its source."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.zones import load_zone


class CollectSettings(BaseModel):
    """When and how much to collect; times in seconds unless the name says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: date | None = Field(
        default=None,
        description="Collect from the beginning of this day on (a back-fill lane); without it from now on",
    )
    poll_seconds: float = Field(default=60.0, gt=0, description="Pause between two polls")
    overlap_seconds: float = Field(
        default=900.0, ge=0, description="How far each poll reaches behind the last watermark"
    )
    window_hours: float = Field(default=24.0, gt=0, description="Length of one back-fill window")
    settle_seconds: float | None = Field(
        default=None,
        ge=0,
        description="How long the source may hide a new event; by default what the source is known for",
    )
    tolerance_seconds: float = Field(
        default=300.0,
        ge=0,
        description="How far ahead of capture an event's own time may lie before it is marked",
    )
    memory_mb: int = Field(
        default=256, ge=32, description="Ceiling of events that wait for Kafka's confirmation"
    )


class ConnectorBase(BaseModel):
    """What every connector section of the configuration has; each source adds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uid: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,39}$",
        description="Immutable id: in every key, path and Message-ID; never reuse one",
    )
    name: str = Field(min_length=1, max_length=200, description="Display name")
    folder: str | None = Field(
        default=None, description="Folder below the mailbox; by default the product's fixed name"
    )
    zone: str = Field(
        default="UTC", description="IANA time zone of day slices and of the times shown in mails"
    )
    grace_minutes: float = Field(
        default=10.0, ge=0, description="How long after its close event a LivePerson conversation stays open"
    )
    stall_hours: float = Field(
        default=48.0, gt=0, description="How far past a slice's end another lane's watermark closes it"
    )
    max_mail_mb: float = Field(default=150.0, gt=0, description="Ceiling of a whole mail, 10^6 bytes")
    part_events: int = Field(default=5000, ge=1, description="Most events in one mail")
    part_mb: float = Field(default=8.0, gt=0, description="Most text in one mail, 10^6 bytes")
    headers: dict[str, str] = Field(default_factory=dict, description="Extra headers of every mail")
    collect: CollectSettings = CollectSettings()
    retention_days: int | None = Field(
        default=None,
        ge=1,
        description="Days after which `chatledger dispose due` disposes of conversations; without it they are kept",
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            load_zone(zone or "?")  # without a name is UTC, but nobody means that
        except KeyError as error:
            msg = f"{zone!r} is no IANA time zone; write it like Europe/Berlin or UTC"
            raise ValueError(msg) from error
        return zone
