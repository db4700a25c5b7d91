"""The configuration section [import]: into which mailboxes, how to sign in there, what the items look like."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.broker import Secret

EXCHANGE_SCOPE = "https://outlook.office365.com/.default"
"""Scope of app-only tokens for Exchange Online (Microsoft, *Authenticate an IMAP, POP or SMTP connection using OAuth*)."""
ENTRA = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PasswordLogin(_Part):
    """A name and a password for each mailbox, or one password with which a master user opens all of them."""

    method: Literal["password"]
    login: str = Field(
        default="{mailbox}",
        description="Name to sign in with; {mailbox} stands for the address, so `{mailbox}*archive` is Dovecot's master user",
    )
    password: Secret | None = Field(default=None, description="For every mailbox that passwords_file lacks")
    passwords_file: Path | None = Field(
        default=None, description="CSV with the headings mailbox,password; mode 0600"
    )

    @model_validator(mode="after")
    def _some_password(self) -> Self:
        if self.password is None and self.passwords_file is None:
            raise ValueError("give password, passwords_file or both")
        return self


class ClientCredentials(_Part):
    """An application that may open all mailboxes by OAuth 2 (SASL XOAUTH2), as Exchange Online wants it."""

    method: Literal["xoauth2"]
    tenant: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.-]+$", description="Entra tenant id or domain"
    )
    token_url: str | None = Field(
        default=None, pattern=r"^https?://\S+$", description="Token endpoint of another provider than Entra"
    )
    client_id: str = Field(min_length=1, description="Application (client) id")
    client_secret: Secret = Field(description="Its secret, by reference")
    scope: str = Field(default=EXCHANGE_SCOPE, description="What the token is asked for")

    @model_validator(mode="after")
    def _one_provider(self) -> Self:
        if (self.tenant is None) == (self.token_url is None):
            raise ValueError("give tenant (for Exchange Online) or token_url, one of them")
        if (
            self.token_url is not None
            and self.token_url.startswith("http://")
            and not _is_loopback(self.endpoint)
        ):
            raise ValueError("token_url must begin with https://; a secret is sent there")
        return self

    @property
    def endpoint(self) -> str:
        """Where tokens are asked for."""
        return self.token_url or ENTRA.format(tenant=self.tenant)


class ImapSettings(_Part):
    """An IMAP server: Exchange Online, or any other one."""

    kind: Literal["imap"]
    host: str = Field(
        min_length=1, description="Name of the server; outlook.office365.com for Exchange Online"
    )
    port: int | None = Field(
        default=None, ge=1, le=65535, description="By default 993, or 143 for starttls and none"
    )
    tls: Literal["implicit", "starttls", "none"] = Field(
        default="implicit", description="none only on this machine itself"
    )
    ca_file: Path | None = Field(default=None, description="CA certificates (PEM) of a private authority")
    auth: Annotated[PasswordLogin | ClientCredentials, Field(discriminator="method")]
    connections: int = Field(
        default=4, ge=1, le=64, description="Connections to the server at a time, at most"
    )
    timeout_seconds: float = Field(
        default=120.0, gt=0, description="Longest wait for one answer of the server"
    )
    messages_per_second: float | None = Field(
        default=None, gt=0, description="Pace of one connection; 4 is advised for Exchange Online"
    )

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Self:
        if self.tls == "none" and not _is_loopback(f"//{self.host}/"):
            raise ValueError(
                'tls = "none" is for a server on this machine; passwords would be readable on the way'
            )
        return self

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (993 if self.tls == "implicit" else 143)


class MaildirSettings(_Part):
    """A Maildir for each mailbox, below one folder of this machine."""

    kind: Literal["maildir"]
    path: Path = Field(description="Folder that holds a Maildir++ named by each mailbox's address")
    connections: int = Field(default=2, ge=1, le=64, description="Mailboxes that are written at a time")


class EmlSettings(_Part):
    """A folder of .eml files, laid out as the archive is."""

    kind: Literal["folder"]
    path: Path = Field(description="Folder to write to; not the archive itself")
    connections: int = Field(default=2, ge=1, le=64, description="Files that are written at a time")


TargetSettings = ImapSettings | MaildirSettings | EmlSettings


class ImportSettings(_Part):
    """Section [import]; without it nothing is put into mailboxes."""

    target: Annotated[TargetSettings, Field(discriminator="kind")]
    folder: str = Field(
        default="Inbox/{folder}", min_length=1,
        description="Folder of the items, levels parted by /; {folder} is the connector's folder name",
    )  # fmt: skip
    read: bool = Field(default=False, description="Items are marked as read")
    content_class: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9{}][A-Za-z0-9:._{}-]{0,199}$",
        description="Content-Class of the items, {source} is liveperson or webex; the whole then has a header put before it",
    )  # fmt: skip
    max_mail_bytes: int | None = Field(
        default=None,
        ge=10_000,
        description="Larger mails are reduced, also where the server announces no limit",
    )
    retry_seconds: float = Field(
        default=60.0, gt=0, description="First pause of a mailbox that refuses; it doubles"
    )
    longest_retry_seconds: float = Field(
        default=3600.0, gt=0, description="Longest pause of a mailbox that refuses"
    )
    settle_seconds: float = Field(
        default=10.0,
        ge=0,
        description="Pause after a lost connection: the server may still finish what it got",
    )
    patience_seconds: float = Field(
        default=30.0, ge=0, description="What a mailbox refuses for longer than this is recorded as waiting"
    )
    group: str = Field(
        default="import", pattern=r"^[a-zA-Z0-9_-]+$", description="Kafka consumer group of the importers"
    )
    session_seconds: float = Field(
        default=10.0,
        ge=1,
        le=300,
        description="Silence after which Kafka gives a dead importer's partitions to another",
    )


def _is_loopback(url: str) -> bool:
    from urllib.parse import urlsplit  # noqa: PLC0415 - only for such settings

    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
