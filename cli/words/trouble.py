"""What a long run has done and waits for, said where people look."""

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cli.parts.config import Config
    from schemas.status import ConnectorStatus

LOOK_SECONDS = 2.0


class Trouble:
    """Says, once for each reason, what a run waits for: nobody looks into logs while something hangs."""

    def __init__(self, config: "Config") -> None:
        self._config = config
        self._said: set[str] = set()
        self._due = time.monotonic() + LOOK_SECONDS
        self._since_ms = int(time.time() * 1000)
        self._progress: dict[str, float] = {}

    def tell(self) -> None:
        """Look at the status topic now and then, and echo what is new."""
        if time.monotonic() < self._due:
            return
        for sentence in self._found():
            if sentence not in self._said:
                self._said.add(sentence)
                click.echo(sentence, err=True)
        self._due = time.monotonic() + LOOK_SECONDS

    def progress(self, uid: str) -> float:
        """How much of a connector's back-fill is collected, 0 to 1, as of the last look."""
        return self._progress.get(uid, 0.0)

    def _found(self) -> list[str]:
        from kafka.errors import KafkaError  # noqa: PLC0415 - see cli.main

        from consumers.status import BAD_STATES, read_status  # noqa: PLC0415

        try:
            records = read_status(self._config.kafka)
        except KafkaError:
            return [f"Kafka at {self._config.kafka.bootstrap} does not answer; waiting for it"]
        fresh = [one for one in records if one["updated_at_ms"] >= self._since_ms]
        self._progress |= {
            one["connector_uid"]: one["progress"] for one in fresh if one["progress"] is not None
        }
        return [_told(one) for one in fresh if one["state"] in BAD_STATES and one["last_error"]]


def _told(one: "ConnectorStatus") -> str:
    who = one["connector_uid"] if one["component"] == "collector" else one["component"]
    return f"{who} {one['state']}: {one['last_error']['message'] if one['last_error'] else ''}"
