"""How to reach Kafka: the settings, and their translation for the two client libraries that we use."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PLACE = r"(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+):\d{1,5}"


class Secret(BaseModel):
    """A secret, only ever by reference: the name of an environment variable or the path of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    env: str | None = Field(default=None, description="Environment variable that holds the secret")
    file: Path | None = Field(default=None, description="File that holds the secret, on its first line")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is given as { env = NAME } or { file = PATH }, one of them")
        return self

    def read(self) -> str:
        """The secret itself; ValueError that says what is missing, never the secret."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
            if not value:
                msg = f"environment variable {self.env} is not set; put the secret there"
                raise ValueError(msg)
            return value
        if self.file is None:
            raise ValueError("a secret needs env = NAME or file = PATH")
        try:
            return self.file.read_text(encoding="utf-8").splitlines()[0].strip()
        except (OSError, IndexError) as error:
            msg = f"cannot read a secret from {self.file}: {error}"
            raise ValueError(msg) from error


class KafkaSettings(BaseModel):
    """Where Kafka is and how topics are laid out there."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    bootstrap: str = Field(
        pattern=rf"^{PLACE}(,{PLACE})*$", description="host:port or [IPv6]:port, several separated by commas"
    )
    partitions: int = Field(
        default=4, ge=1, le=1000, description="Partitions of each partitioned topic; fixed at creation"
    )
    replication: int = Field(default=1, ge=1, le=10, description="Replication factor of each topic")
    topic_prefix: str = Field(
        default="", pattern=r"^[a-zA-Z0-9_-]*$", description="Put before every topic and group name"
    )
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: Secret | None = None
    ca_file: Path | None = Field(default=None, description="CA certificates (PEM) for ssl")
    schema_registry_url: str | None = Field(
        default=None, description="Confluent-compatible registry; without it, Avro single-object encoding"
    )

    @model_validator(mode="after")
    def _credentials_fit(self) -> Self:
        given = [self.sasl_mechanism, self.sasl_username, self.sasl_password]
        if self.security.startswith("sasl") and None in given:
            raise ValueError(
                f"security = {self.security!r} needs sasl_mechanism, sasl_username and sasl_password"
            )
        if not self.security.startswith("sasl") and any(one is not None for one in given):
            raise ValueError(
                "sasl_mechanism, sasl_username and sasl_password need security = 'sasl_ssl' or 'sasl_plaintext'"
            )
        return self

    def places(self) -> list[tuple[str, int]]:
        """(host, port) of each bootstrap address, IPv6 without its brackets."""
        parts = (place.rpartition(":") for place in self.bootstrap.split(","))
        return [(host.strip("[]"), int(port)) for host, _, port in parts]

    def topic(self, name: str) -> str:
        """The topic's name on this cluster."""
        return self.topic_prefix + name

    def client_kwargs(self) -> dict[str, Any]:
        """Connection arguments of kafka-python's clients; AIOKafka's too, but for the SSL context."""
        kwargs: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.security.upper(),
        }
        if self.sasl_mechanism is not None:
            kwargs |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.read() if self.sasl_password else None,
            }
        if self.ca_file is not None:
            kwargs["ssl_cafile"] = str(self.ca_file)
        return kwargs
