"""Kafka settings in the words of aiokafka and Faust."""

import ssl
from typing import Any

import faust

from schemas.broker import KafkaSettings


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """TLS as configured; None for plain text."""
    if "ssl" not in kafka.security:
        return None
    return ssl.create_default_context(cafile=str(kafka.ca_file) if kafka.ca_file else None)


def aiokafka_kwargs(kafka: KafkaSettings) -> dict[str, Any]:
    """Connection arguments of AIOKafka's clients."""
    kwargs = kafka.client_kwargs()
    kwargs.pop("ssl_cafile", None)
    context = ssl_context(kafka)
    return kwargs | ({"ssl_context": context} if context else {})


def faust_credentials(kafka: KafkaSettings) -> Any:
    """Credentials object for Faust; None without security."""
    context = ssl_context(kafka)
    if kafka.sasl_mechanism is not None:
        return faust.SASLCredentials(
            mechanism=kafka.sasl_mechanism, username=kafka.sasl_username,
            password=kafka.sasl_password.read() if kafka.sasl_password else None, ssl_context=context,
        )  # fmt: skip
    return faust.SSLCredentials(context) if context else None
