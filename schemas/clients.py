"""What every producer of kafka-python needs, whoever runs it."""

import contextlib
from typing import Any

from kafka.errors import KafkaError


def shut(producer: Any, timeout_s: float) -> None:
    """Close a KafkaProducer for good, with its thread, also when a broker that is gone holds records in it.

    Waits `timeout_s` for the records to go out, and after that a second for the thread.
    """
    try:
        producer.close(timeout=timeout_s)
    except KafkaError:
        # close() gives up when its flush times out and leaves the thread running (kafka-python 3.0.12)
        producer._sender.force_close()  # noqa: SLF001 - there is no public way
        with contextlib.suppress(KafkaError):
            producer.close(timeout=1.0)
