"""A collector as a process of its own, to be killed: BOOTSTRAP PREFIX ORIGIN SPEED UNTIL_MS FOLDER MODE."""

import signal
import sys
import threading
import time
from datetime import date
from pathlib import Path
from types import FrameType

from producers import sink
from producers.contents import StoreContents
from producers.runner import Runner
from producers.settings import CollectSettings, ConnectorBase
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from stores.folder import FolderStore
from tests.producers.small_source import BASE_MS, DAY_MS, UID, SmallSource

STEP_MS = 300_000
SINCE_DAYS = 4
BEGIN_MS = BASE_MS + SINCE_DAYS * DAY_MS
LARGE = 97


class FastSource(SmallSource):
    """Its clock stands still until there is a file that says how it runs; then it runs on from process to process."""

    def __init__(self, origin: Path, speed: float, until_ms: int) -> None:
        times = list(range(BASE_MS, until_ms, STEP_MS))
        sizes = dict.fromkeys(range(0, len(times), LARGE), 600000)
        super().__init__(times, 0, sizes)
        self._origin = origin
        self._speed = speed

    def now_ms(self) -> int:
        """SINCE_DAYS after the first event at first, then `speed` times as fast as ours, up to where the file says."""
        if not self._origin.exists():
            return BEGIN_MS
        began, from_ms, to_ms = map(int, self._origin.read_text().split())
        return min(to_ms, from_ms + int((time.time_ns() // 1_000_000 - began) * self._speed))


def main() -> None:
    """Collect until stopped, or (once, impatient) up to UNTIL_MS."""
    bootstrap, prefix, origin, speed, until, folder, mode = sys.argv[1:]
    if mode == "impatient":  # kafka-python gives up on a record soon
        sink.DELIVERY_S = 3.0
    stop = threading.Event()

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    collect = CollectSettings(since=date(2026, 3, 1), poll_seconds=0.05, window_hours=6, overlap_seconds=900)
    connector = ConnectorBase(uid=UID, name="Small", collect=collect)
    waiting = Waiting(stop)
    contents = StoreContents(lambda: FolderStore(Path(folder)), waiting)
    source = FastSource(Path(origin), float(speed), int(until))
    kafka = KafkaSettings(bootstrap=bootstrap, partitions=3, topic_prefix=prefix)
    runner = Runner(source, connector, kafka, contents, waiting)
    if mode in ("once", "impatient"):
        runner.once(int(until))
    else:
        runner.run()
    contents.close()


if __name__ == "__main__":
    main()
