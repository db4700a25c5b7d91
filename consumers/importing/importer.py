"""The importer: reads topic deliveries, has each copy put into its mailbox, and commits what has a confirmed receipt.

Order of effects: the item in its mailbox, its receipt confirmed in topic imports, the offset in the group. A kill between the
first two is why a mailbox is searched before what may have been begun is put there.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from kafka.errors import KafkaError

from consumers.importing.boxes import Pauses
from consumers.importing.desk import Desk
from consumers.importing.disposed import Disposed
from consumers.importing.items import Item, Landed
from consumers.importing.life import Life
from consumers.importing.settings import ImportSettings
from consumers.importing.target import Session, Target
from consumers.importing.telling import Teller
from consumers.reading import NoTopicError
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec

log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 30.0


class Importer:
    """One process; several share the partitions of topic deliveries as one consumer group."""

    def __init__(
        self,
        kafka: KafkaSettings,
        codec: Codec,
        settings: ImportSettings,
        target: Target,
        attempt: Callable[[Session, Item], Landed],
        folder: Path,
        names: Mapping[str, tuple[str, str]],
        explain: Callable[[Exception], str] = repr,
    ) -> None:
        """`folder`: caches; `names`: connector uid -> (name, source), for people; `explain`: why Kafka can't be used."""
        self._kafka, self._codec, self._settings, self._target = kafka, codec, settings, target
        self._attempt, self._folder, self._explain = attempt, folder, explain
        self._teller = Teller(kafka, names)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def run(self, stop: threading.Event) -> None:
        """Import until stopped, and say what was done; Kafka that is down is waited for, and said once."""
        log.info("puts copies into %s; joins group %s", self._target.name, self._settings.group)
        with closing(Disposed(self._kafka, self._codec)) as disposed:
            self._run(stop, disposed)
        self._teller.progress.end()

    def _run(self, stop: threading.Event, disposed: Disposed) -> None:
        failures = 0
        while not stop.is_set():
            life: Life | None = None
            try:
                with new_producer(self._kafka) as producer, self._desk() as desk:
                    life = Life(
                        self._kafka, self._codec, self._settings, desk, producer, self._folder,
                        self._target.name, self._teller, disposed,
                    )  # fmt: skip
                    life.run(stop)
            except (KafkaError, NoTopicError) as error:
                # A life that was assigned partitions was well once: what ends it is news, with a short pause.
                failures = 1 if life is not None and life.was_assigned else failures + 1
                if failures == 1:
                    log.warning("%s; waiting for it", self._explain(error))
                stop.wait(min(LONGEST_PAUSE_S, 2.0 ** min(failures - 1, 10)))

    def _desk(self) -> Desk:
        return Desk(
            self._target,
            self._attempt,
            threads=self._settings.target.connections,
            pauses=pauses(self._settings),
        )


def pauses(settings: ImportSettings) -> Pauses:
    """How long refusals are waited out."""
    return Pauses(
        settings.retry_seconds,
        settings.longest_retry_seconds,
        settings.settle_seconds,
        settings.patience_seconds,
    )
