"""What a long run waits for, said where people look."""

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cli.config import Config

LOOK_SECONDS = 5.0


class Trouble:
    """Says, once for each reason, what a run waits for: nobody looks into logs while something hangs."""

    def __init__(self, config: "Config") -> None:
        self._config = config
        self._said: set[str] = set()
        self._due = time.monotonic() + LOOK_SECONDS
        self._since_ms = int(time.time() * 1000)

    def tell(self) -> None:
        """Look at the status topic now and then, and echo what is new."""
        if time.monotonic() < self._due:
            return
        for sentence in self._found():
            if sentence not in self._said:
                self._said.add(sentence)
                click.echo(sentence, err=True)
        self._due = time.monotonic() + LOOK_SECONDS

    def _found(self) -> list[str]:
        from kafka.errors import KafkaError  # noqa: PLC0415 - see cli.main

        from consumers.status import BAD_STATES, read_status  # noqa: PLC0415

        try:
            records = read_status(self._config.kafka)
        except KafkaError:
            return [f"Kafka at {self._config.kafka.bootstrap} does not answer; waiting for it"]
        return [
            f"{one['connector_uid'] if one['component'] == 'collector' else one['component']} {one['state']}:"
            f" {one['last_error']['message']}"
            for one in records
            if one["state"] in BAD_STATES and one["updated_at_ms"] >= self._since_ms and one["last_error"]
        ]
