"""Settings of the user mapping."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class MappingSettings(BaseModel):
    """Section [mapping] of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = Field(
        default=None, description="CSV with the headings ExternalUserId,O365UserMailbox; optional"
    )
    domains: list[str] = Field(
        min_length=1, description="The firm's verified e-mail domains; an address elsewhere is external"
    )
    catch_all: str | None = Field(
        default=None, description="Mailbox for employees without a mapping and without an address"
    )
