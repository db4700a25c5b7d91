"""The configuration: one TOML file, validated whole before anything starts, secrets only by reference."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cli.parts.excerpt import ConfigError, read_file, unknown_connector
from cli.parts.sources import Connector, ConnectorSettings
from cli.words.faults import faults
from consumers.evidence.settings import EvidenceSettings
from consumers.importing.settings import ImportSettings
from consumers.mapping_settings import MappingSettings
from schemas.broker import KafkaSettings
from stores.settings import AzureSettings, FolderSettings
from streams.mail.fields import header_problem
from streams.settings import WorkerSettings

__all__ = ["Config", "ConfigError", "load"]


class Config(BaseModel):
    """Everything that `chatledger` needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kafka: KafkaSettings
    store: Annotated[FolderSettings | AzureSettings, Field(discriminator="kind")]
    mapping: MappingSettings
    worker: WorkerSettings = WorkerSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    state_dir: Path = Field(
        description="Folder for collectors' caches and the monitor's counters; none of it is an original"
    )
    import_: ImportSettings | None = Field(
        default=None,
        alias="import",
        description="Section [import]; without it, nothing is put into mailboxes",
    )
    connector: list[Connector] = Field(min_length=1, description="One [[connector]] for each account")

    @model_validator(mode="after")
    def _uids_differ(self) -> "Config":
        uids = [connector.uid for connector in self.connector]
        twice = sorted({uid for uid in uids if uids.count(uid) > 1})
        if twice:
            msg = f"connector uid {twice[0]} is used twice; every connector needs one of its own, for ever"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _protections_are_of_connectors(self) -> "Config":
        wanted = self.store.protections if isinstance(self.store, AzureSettings) else {}
        for uid in sorted(set(wanted) - {connector.uid for connector in self.connector}):
            msg = f"store.protections has {uid}, which is no connector: its mails would go without"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _headers_can_be_written(self) -> "Config":
        for connector in self.connector:
            for name, value in connector.headers.items():
                problem = header_problem({"name": name, "value": value})
                if problem:
                    msg = f"connector {connector.uid}, headers: {problem}"
                    raise ValueError(msg)
        return self

    def named(self, uid: str) -> ConnectorSettings:
        """The connector with this uid; ConfigError that lists the others."""
        for connector in self.connector:
            if connector.uid == uid:
                return connector
        raise unknown_connector(uid, [connector.uid for connector in self.connector])


def load(path: Path) -> Config:
    """Read and validate; relative paths in the file count from its own folder."""
    raw = read_file(path)
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults(Config, error))) from error
