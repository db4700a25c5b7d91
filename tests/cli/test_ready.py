"""What a process makes sure of before it starts, against a real broker."""

import logging
from pathlib import Path

import pytest

from cli.parts.config import Config, load
from cli.parts.ready import ready_or_explain
from consumers.mapping import last_activated
from schemas.broker import KafkaSettings
from schemas.codec import Codec

pytestmark = pytest.mark.kafka


def configured(folder: Path, kafka: KafkaSettings, users: str) -> tuple[Config, Path]:
    """A configuration with this user mapping; every machine has a file of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "users.csv").write_text(f"ExternalUserId,O365UserMailbox\n{users}", encoding="utf-8")
    path = folder / "chatledger.toml"
    path.write_text(
        f"""state_dir = "{folder}"
[kafka]
bootstrap = "{kafka.bootstrap}"
topic_prefix = "{kafka.topic_prefix}"
partitions = {kafka.partitions}
[store]
kind = "folder"
path = "{folder / "archive"}"
[mapping]
file = "users.csv"
domains = ["bank.example"]
[[connector]]
kind = "webex"
uid = "wx"
name = "Webex"
client_id = "none"
client_secret = {{ env = "NOWHERE" }}
token_file = "none"
""",
        encoding="utf-8",
    )
    return load(path), path


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What we ourselves have logged."""
    return [record.getMessage() for record in caplog.records if record.name == "chatledger"]


def test_an_older_mapping_file_on_another_machine_changes_nothing(
    kafka: KafkaSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first process puts one in force; later ones say that theirs differs, or can't be used, and start."""
    codec = Codec()
    caplog.set_level(logging.WARNING, logger="chatledger")
    here, path = configured(tmp_path / "here", kafka, "ana,ana@bank.example\n")
    ready_or_explain(here, codec, path)
    first = last_activated(kafka, codec)
    assert (first is None, told(caplog)) == (False, [])

    there, path = configured(tmp_path / "there", kafka, "")
    ready_or_explain(there, codec, path)
    bad, path = configured(tmp_path / "bad", kafka, "ana,nowhere\n")
    ready_or_explain(bad, codec, path)
    assert last_activated(kafka, codec) == first
    assert "another user mapping is in force" in told(caplog)[0]
    assert f"chatledger mapping apply -c {tmp_path / 'there' / 'chatledger.toml'}" in told(caplog)[0]
    assert "nowhere" in told(caplog)[1]

    there, path = configured(tmp_path / "there", kafka, "")
    ready_or_explain(there, codec, path, create=True)
    assert (
        last_activated(kafka, codec) == first
    )  # nobody is in it: only `mapping apply --no-users` means that
    there, path = configured(tmp_path / "there", kafka, "ben,ben@bank.example\n")
    ready_or_explain(there, codec, path, create=True)
    assert last_activated(kafka, codec) not in {first, None}
