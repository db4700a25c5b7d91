"""Libraries that tell every attempt at a broker that is down: one line a minute says as much."""

import logging
import time

log = logging.getLogger("chatledger.kafka")
PAUSE_S = 60.0


class OneLine(logging.Handler):
    """Passes on one record, as a warning of ours, and then nothing for a while."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        super().__init__(logging.ERROR)
        self._pause_s, self._next = pause_s, 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Say it, unless something was said a moment ago."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._pause_s
            log.warning("Kafka does not answer, waiting for it: %s", record.getMessage())


def quieten(library: str) -> None:
    """From now on errors of this library's loggers come as one line a minute."""
    logger = logging.getLogger(library)
    logger.handlers[:] = [OneLine()]
    logger.propagate = False
