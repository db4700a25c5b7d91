"""`chatledger topics`: create, check for drift, read; and who refuses to start where something has drifted."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from cli.demonstration.site import Site
from schemas.topics import CATALOGUE
from tests.cli.playground import Installation, Result, install

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    ("topic", "setting", "value"),
    [("raw-events", "retention.ms", "86400000"), ("connector-status", "cleanup.policy", "delete")],
)
def test_drift_is_found_and_nobody_works_on_it(
    site: Site, tmp_path: Path, topic: str, setting: str, value: str
) -> None:
    """A ledger with retention, a status topic that is not compacted: advice, exit code 1, no worker, no collector."""
    made = install(site, tmp_path / f"drift{len(topic)}")
    created = made.chatledger("topics", "create")
    assert created.stdout.count("created drift") == len(CATALOGUE)
    assert made.chatledger("topics", "check").returncode == 0

    alter(made, topic, setting, value)
    for command in (["topics", "check"], ["work"], ["collect", "webex"]):
        done = made.chatledger(*command)
        assert done.returncode == 1, command
        said = done.stdout + done.stderr
        assert f"{made.folder.name}-{topic}: {setting} is {value}, expected " in said
        assert f"--entity-name {made.folder.name}-{topic} --alter --add-config {setting}=" in said
        assert "Traceback" not in said


def alter(made: Installation, topic: str, setting: str, value: str) -> None:
    """Change a topic's setting behind the product's back."""
    kafka = made.config.kafka
    resource = ConfigResource(ConfigResourceType.TOPIC, kafka.topic(topic), configs={setting: value})
    with closing(KafkaAdminClient(**kafka.client_kwargs())) as admin:
        admin.alter_configs([resource])


def cat(made: Installation, topic: str) -> list[Any]:
    """Every line that `topics cat` prints."""
    done = made.chatledger("topics", "cat", topic)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.split("\n")[:-1]]


@pytest.mark.slow
def test_cat_prints_every_topic_as_json_lines(once: tuple[Installation, Result]) -> None:
    """After a whole job each topic can be read without our code: one object a line, the record's name and its fields."""
    lines = {topic.name: cat(once[0], topic.name) for topic in CATALOGUE}
    assert {name for name, rows in lines.items() if not rows} == {
        "dead-letters",
        "imports",
        "audit",
    }
    for rows in lines.values():
        assert all({"partition", "offset", "at_ms", "key", "record", "value"} <= set(row) for row in rows)
        assert not any("error" in row for row in rows)
    records = {name: {row["record"] for row in rows} for name, rows in lines.items()}
    assert records["raw-events"] == {"RawEvents", "Control"}
    assert records["conversations"] == {"ClosedSlice"}
    assert records["connector-status"] == {"JSON"}
    texts = [
        event["text"]
        for row in lines["raw-events"]
        if row["record"] == "RawEvents"
        for event in row["value"]["events"]
    ]
    assert any(text and not text.isascii() for text in texts)
    mail_ids = {row["value"]["mail_id"] for row in lines["deliveries"]}
    assert {len(one) for one in mail_ids} == {32}


def test_an_unknown_topic_is_answered_with_the_list(fresh: Installation) -> None:
    """And with exit code 1."""
    done = fresh.chatledger("topics", "cat", "emails")
    assert done.returncode == 1
    assert "no topic emails; there are raw-events, closings" in done.stderr


def test_a_topic_that_is_missing_is_said_with_the_way_out(site: Site, tmp_path: Path) -> None:
    """Reading commands on a cluster without topics: one sentence, what to run."""
    made = install(site, tmp_path / "bare")
    for command in (["topics", "cat", "conversations"], ["mapping", "apply", "--no-users"]):
        done = made.chatledger(*command)
        assert done.returncode == 1
        assert f"does not exist; run `chatledger topics create -c {made.path}`" in done.stderr
        assert "Traceback" not in done.stderr
    assert f"{len(CATALOGUE)} topics are missing" in made.chatledger("check").stdout
