"""Which store, and how to reach it: what the configuration may say. Secrets come by reference only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, model_validator

from stores.interface import StoreError
from stores.protection import Protection


class FolderSettings(BaseModel):
    """A folder on this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["folder"] = "folder"
    path: Path = Field(description="where the archive lies; made for its owner alone if it is missing")
    durable: bool = Field(default=True, description="sync every file, so that it survives a power cut")


class AzureSettings(BaseModel):
    """A container of Azure Blob Storage, reached by connection string, SAS or Microsoft Entra ID."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["azure"] = "azure"
    container: str = Field(
        min_length=3,
        max_length=63,
        pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        description="name of the container: a-z, 0-9 and single hyphens",
    )
    create_container: bool = Field(default=True, description="make the container if it is missing")
    connection_string_env: str | None = Field(default=None, description="environment variable that holds it")
    connection_string_file: Path | None = Field(default=None, description="file that holds it")
    account_url: HttpUrl | None = Field(default=None, description="https://ACCOUNT.blob.core.windows.net")
    sas_env: str | None = Field(default=None, description="environment variable with a SAS token or address")
    sas_file: Path | None = Field(default=None, description="file with a SAS token or address")
    api_version: str | None = Field(default=None, description="for a service older than the client")
    protection: Protection | None = Field(default=None, description="write-once protection of every blob")
    protections: dict[str, Protection] = Field(
        default_factory=dict, description="a connector's own, by uid; files go by the strictest of all"
    )

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        strings = [self.connection_string_env, self.connection_string_file]
        tokens = [self.sas_env, self.sas_file]
        if sum(way is not None for way in (*strings, self.account_url)) != 1:
            raise ValueError("give one of connection_string_env, connection_string_file and account_url")
        if sum(token is not None for token in tokens) > (self.account_url is not None):
            raise ValueError("sas_env or sas_file, one of them, goes with account_url")
        return self

    def connection_string(self) -> str | None:
        """Return the connection string from where it is kept, None if there is another way in."""
        return _secret(self.connection_string_env, self.connection_string_file)

    def sas(self) -> str | None:
        """Return the shared access signature from where it is kept, None if there is none."""
        return _secret(self.sas_env, self.sas_file)


StoreSettings = Annotated[FolderSettings | AzureSettings, Field(discriminator="kind")]


def _secret(variable: str | None, file: Path | None) -> str | None:
    """Read a secret; `StoreError` names where it should be, and never what it is."""
    if variable is not None:
        value = os.environ.get(variable, "").strip()
        return value or _fail(f"the environment variable {variable} is not set")
    if file is None:
        return None
    try:
        return file.read_text().strip() or _fail(f"{file} is empty")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        return _fail(f"{file} can't be read: {reason}")


def _fail(message: str) -> str:
    raise StoreError(message)
