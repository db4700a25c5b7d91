"""Status records against their published JSON Schema."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import schemas
from producers.lanes import Lane, back_fill
from producers.settings import ConnectorBase
from producers.status import LaneStatus
from schemas.status import ConnectorStatus, encode_status, scrubbed, status_key

SCHEMA = json.loads(
    (Path(schemas.__file__).parent / "connector-status.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = Draft202012Validator(SCHEMA)


def a_status(**changes: Any) -> ConnectorStatus:
    """A stage's status with these fields changed."""
    status: Any = {
        "connector_uid": "*", "connector": "", "source": "", "component": "assemble", "partition": 2, "lane": None,
        "reached": 17, "state": "working", "captured_up_to_ms": None, "lag_ms": None, "progress": None,
        "last_success_ms": 5, "last_error": None, "counters": {"slices": 3}, "updated_at_ms": 6,
    }  # fmt: skip
    status |= changes
    return cast(ConnectorStatus, status)


DELIVERY = dict.fromkeys(
    ["conversations", "events", "available_from_source", "available_for_import", "ok", "partial", "skipped",
     "failed", "external", "unrouted", "mails", "completed_at_ms"], 1
)  # fmt: skip


def lane_status(lane: Lane) -> list[ConnectorStatus]:
    """All that a collector writes for a lane in trouble."""
    written: list[ConnectorStatus] = []
    connector = ConnectorBase(uid="acme-1", name="Acme 💬")
    status = LaneStatus(connector, "webex", lane.name, written.append, lambda: 1_000)
    status.show("starting")
    status.place(lane, {"events": 3})
    status.source_now_ms = 900
    status.trouble("refused", "the token is no good")
    status.success()
    status.show("stopped")
    return written


EXAMPLES = [
    a_status(),
    a_status(component="delivery", partition=None, reached=None, connector_uid="acme-1", counters=DELIVERY),
    a_status(component="import", connector_uid="acme-1", counters={"ok": 3, "waiting": 1}),
    *lane_status(Lane("live", 0, None, 800)),
    *lane_status(back_fill(0, 1_000).moved(250)),
    a_status(component="archive", protection="not enforced: m.eml: no immutability policy"),
    a_status(component="alarm", state="refused", last_error={"at_ms": 1, "message": "m"}),
]


def test_the_schema_is_one() -> None:
    """A JSON Schema of 2020-12, with a description of every property."""
    Draft202012Validator.check_schema(SCHEMA)
    assert all(prop["description"] for prop in SCHEMA["properties"].values())
    assert sorted(SCHEMA["properties"]) == sorted(ConnectorStatus.__annotations__)
    assert sorted(SCHEMA["required"]) == sorted(ConnectorStatus.__required_keys__)


@pytest.mark.parametrize("status", EXAMPLES, ids=range(len(EXAMPLES)))
def test_what_is_written_is_valid(status: ConnectorStatus) -> None:
    """Collector, stage and monitor alike."""
    VALIDATOR.validate(json.loads(encode_status(status)))


@pytest.mark.parametrize(
    "wrong",
    [
        a_status(component="collector"),
        a_status(partition=None),
        a_status(component="delivery", partition=None, counters={}),
        a_status(state="broken"),
        a_status(progress=1.5),
        a_status(protection="immutable"),
        a_status(counters={"events": -1}),
        a_status(last_error={"at_ms": 1, "message": "m", "token": "t"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(wrong: ConnectorStatus) -> None:
    """The schema is not so loose that everything passes."""
    assert not VALIDATOR.is_valid(json.loads(json.dumps(wrong)))


def test_keys_say_who_writes() -> None:
    """One key for each lane, stage and partition."""
    keys = sorted({status_key(status) for status in EXAMPLES})
    assert keys[:3] == [b"*/alarm/2", b"*/archive/2", b"*/assemble/2"]
    assert b"acme-1/delivery" in keys
    assert b"acme-1/collector/live" in keys


@given(message=st.text(st.characters(exclude_categories=())), at=st.integers(0, 2**53))
def test_any_message_can_be_written(message: str, at: int) -> None:
    """Whatever a source answers, lone surrogates and length included."""
    VALIDATOR.validate(json.loads(encode_status(a_status(last_error={"at_ms": at, "message": message}))))


@pytest.mark.parametrize(
    "message",
    [
        "401 for Authorization: Bearer SECRET1234",
        "GET https://h/path?access_token=SECRET1234&x=1 failed",
        "https://blob/x?sv=1&sig=SECRET1234",
        'answer {"client_secret": "SECRET1234"}',
        "AccountKey=SECRET1234;EndpointSuffix",
        "password: SECRET1234",
    ],
)
def test_secrets_are_left_out(message: str) -> None:
    """The usual places in which libraries quote them."""
    assert "SECRET" not in scrubbed(message)
    assert "***" in scrubbed(message)


def test_harmless_messages_stay() -> None:
    """Words are no secrets."""
    message = "the token lacks the right spark-compliance:events_read; a code of 403 came back"
    assert scrubbed(message) == message
