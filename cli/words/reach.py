"""Why Kafka does not answer, in one sentence: what, where, what to do. Asked only once something has failed."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.broker import KafkaSettings

PROBE_S = 2.0


def kafka_trouble(kafka: "KafkaSettings", error: Exception, config_path: Path) -> str:
    """One sentence on a failed call to Kafka. Tries the addresses again, for PROBE_S seconds each at most."""
    from kafka.errors import KafkaConnectionError, KafkaTimeoutError  # noqa: PLC0415 - heavy, and loaded by now

    where = f"Kafka at {kafka.bootstrap}"
    if not isinstance(error, KafkaTimeoutError | KafkaConnectionError):
        return f"{where} can't be used: {error}; look at [kafka] in {config_path}"
    reasons = [_reason(*place) for place in kafka.places()]
    if all(reasons):
        return (
            f"{where} can't be reached: {reasons[0]}; start it, or correct kafka.bootstrap in {config_path}"
        )
    return (
        f"{where} does not answer in time: something listens there, but is it starting or overloaded,"
        f" does kafka.security = {kafka.security!r} in {config_path} fit it, are its advertised addresses right?"
    )


def _reason(host: str, port: int) -> str:
    """Why no connection can be made; empty if one can."""
    try:
        with socket.create_connection((host, port), timeout=PROBE_S):
            return ""
    except socket.gaierror:
        return f"the name {host} is unknown here"
    except ConnectionRefusedError:
        return "nothing listens there"
    except TimeoutError:
        return f"no answer within {PROBE_S:.0f} s"
    except OSError as error:
        return error.strerror or type(error).__name__
