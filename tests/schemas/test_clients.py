"""Clients of kafka-python that can't be made."""

import gc
import socket
import threading
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaTimeoutError

from schemas.clients import opened


@pytest.mark.parametrize("make", [KafkaConsumer, KafkaProducer])
def test_what_can_not_be_made_leaves_nothing_behind(make: Any) -> None:
    """A broker that takes connections and never answers: no thread stays, and no socket is left to the collector of garbage."""
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(KafkaTimeoutError):
            opened(make, bootstrap_servers=address, bootstrap_timeout_ms=300)
        assert set(threading.enumerate()) <= before
        gc.collect()  # an unclosed socket is an error here
