"""What every client of kafka-python needs, whoever runs it."""

import contextlib
from collections.abc import Callable
from typing import Any

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient


def opened(make: Callable[..., Any], **settings: Any) -> Any:
    """A KafkaConsumer or KafkaProducer; if it can't be made, it leaves nothing behind. KafkaError.

    By itself kafka-python 3.0.12 leaves a thread and its sockets when the broker does not answer in time, so that whoever
    tries again gathers them.
    """
    clients = list[Any]()

    def client(**options: Any) -> Any:
        clients.append(KafkaNetClient(**options))
        return clients[-1]

    try:
        return make(**settings, kafka_client=client)
    except BaseException:
        for each in clients:
            with contextlib.suppress(KafkaError):
                each.close()
        raise


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
