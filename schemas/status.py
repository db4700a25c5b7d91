"""Records of the topic connector-status: JSON, so that any monitoring tool reads them without our code.

Their published form is `connector-status.schema.json`; the latest record of a key is the state of one component.
One writer a key: the collector of a lane, the worker that has a partition, the monitor (rule 26).
"""

import json
import re
from typing import Literal, NotRequired, TypedDict

from schemas.text import well_formed

Component = Literal[
    "collector", "assemble", "archive", "delivery", "import", "reconcile", "evidence", "alarm"
]
State = Literal[
    "starting",
    "reading back",
    "collecting",
    "working",
    "idle",
    "waiting",
    "refused",
    "failed",
    "stopped",
    "paused",
    "deleted",
]

ALL_CONNECTORS = "*"
"""Connector uid of a worker's component that serves all connectors."""
LONGEST_MESSAGE = 2_000

_SECRET = re.compile(
    r"(?i)(?P<name>bearer +|basic +|\b(?:[a-z_]*token|client_secret|secret|password|sig|signature|code|AccountKey)"
    r"[\"']?\s*[=:]\s*[\"']?)(?P<value>[^\s&;,\"']+)"
)


class LastError(TypedDict):
    """The most recent trouble; it stays when it is over, `state` says whether it is."""

    at_ms: int
    message: str


class ConnectorStatus(TypedDict):
    """What one component of one connector does. Times in milliseconds since 1970 UTC."""

    connector_uid: str
    connector: str
    source: str
    component: Component
    partition: int | None
    lane: str | None
    reached: int | None
    state: State
    captured_up_to_ms: int | None
    lag_ms: int | None
    progress: float | None
    last_success_ms: int | None
    last_error: LastError | None
    counters: dict[str, int]
    updated_at_ms: int
    protection: NotRequired[str]


def status_key(status: ConnectorStatus) -> bytes:
    """Return the key: `uid/collector/lane`, `uid/component/partition`, `uid/delivery`, `uid/reconcile` or `*/evidence`."""
    place = status["lane"] if status["component"] == "collector" else status["partition"]
    parts = [status["connector_uid"], status["component"], *([] if place is None else [str(place)])]
    return "/".join(parts).encode()


def encode_status(status: ConnectorStatus) -> bytes:
    """Write one line of ASCII JSON; what looks like a secret in the error's message is left out."""
    error = status["last_error"]
    told = None if error is None else {"at_ms": error["at_ms"], "message": scrubbed(error["message"])}
    return json.dumps({**status, "last_error": told}, ensure_ascii=True, separators=(",", ":")).encode()


def scrubbed(message: str) -> str:
    """Return a message without values that look like secrets, at most LONGEST_MESSAGE characters."""
    return _SECRET.sub(r"\g<name>***", well_formed(message))[:LONGEST_MESSAGE]
