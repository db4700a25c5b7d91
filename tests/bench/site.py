"""An installation of chatledger for one run of the bench: its configuration, with defaults as in production."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cli.parts.config import Config, load
from schemas.mappings import HEADINGS
from tests.bench.raw_log import UID

PARTITIONS = 4


@dataclass(frozen=True)
class Site:
    """`topic` is the run's name: all topics and groups begin with it."""

    bootstrap: str
    topic: str
    work: Path

    @property
    def config_path(self) -> Path:
        """Where the configuration lies."""
        return self.work / "chatledger.toml"

    def write(self, out: Path, people: Iterable[tuple[str, str]], *, durable: bool) -> Config:
        """Write configuration and user mapping; `people` are (id at the source, mailbox)."""
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / "users.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(HEADINGS)
            rows.writerows(people)
        self.config_path.write_text(self._text(out, durable=durable), encoding="utf-8")
        return self.config()

    def config(self) -> Config:
        """The configuration that was written."""
        return load(self.config_path)

    def _text(self, out: Path, *, durable: bool) -> str:
        return f"""state_dir = "state"
[kafka]
bootstrap = {json.dumps(self.bootstrap)}
topic_prefix = {json.dumps(self.topic + "-")}
partitions = {PARTITIONS}
[store]
kind = "folder"
path = {json.dumps(str(out.absolute()))}
durable = {json.dumps(durable)}
[mapping]
file = "users.csv"
domains = ["bank.example"]
[[connector]]
kind = "liveperson"
uid = "{UID}"
name = "LivePerson"
account_id = "none"
auth = {{ method = "oauth2", client_id = "none", client_secret = {{ env = "NOWHERE" }} }}
"""
