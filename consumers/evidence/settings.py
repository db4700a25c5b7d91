"""Section [evidence] of the configuration."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class EvidenceSettings(BaseModel):
    """Where the key is that signs; without it no evidence is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_file: Path | None = Field(
        default=None,
        description="Private Ed25519 key (PEM), mode 0600; made by `chatledger evidence key new`",
    )
