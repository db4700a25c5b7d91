"""`python -m tests.bench.work`: chatledger's worker and monitor on a job that `tests.bench.load` has written.

The second of the two commands for a referee. It runs what `chatledger work` runs, in this process, and `chatledger monitor` as
its child; on the first record it writes WORK/first-record, `{"time", "cpu", "by"}`: seconds since 1970, CPU seconds of both until
then, and the same by process. It runs until SIGTERM.

    python -m tests.bench.work [--no-monitor] --bootstrap HOST:PORT --topic TOPIC --group ANY --out OUT --work WORK
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faust

from cli.parts.common import log_to_stderr
from cli.parts.config import Config
from cli.parts.ready import ready_or_explain
from consumers.reading import Reader
from schemas.codec import Codec
from schemas.topics import CONNECTOR_STATUS
from stores.factory import open_store
from streams.app import Worker, run_services
from tests.bench import command
from tests.bench.processes import cpu_seconds
from tests.bench.site import Site

PATIENCE_S = 60.0
LEVEL = "info"


class FirstRecord(faust.Sensor):  # type: ignore[misc]  # faust publishes no types
    """Writes the mark when Faust hands over the first record, and takes itself away."""

    def __init__(self, mark: Path, monitor: int | None, delegate: Any) -> None:
        super().__init__()
        self._mark, self._monitor, self._delegate = mark, monitor, delegate

    def on_message_in(self, *_: Any) -> None:
        """The first record of any stage is one of raw-events: the others are empty until then."""
        if self._mark.exists():
            return
        by = {"worker": time.process_time()}
        if self._monitor is not None:
            by["monitor"] = cpu_seconds(self._monitor)
        said = {"time": time.time(), "cpu": sum(by.values()), "by": by}
        self._mark.write_text(json.dumps(said), encoding="ascii")
        asyncio.get_running_loop().call_soon(self._delegate.remove, self)


@contextlib.contextmanager
def monitor_of(site: Site, config: Config) -> Iterator[int]:
    """Process id of a monitor that has started up; it ends with this process."""
    command = [
        sys.executable, "-m", "cli.main", "monitor", "--with-parent", "--config", str(site.config_path),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            _wait_published(config)
            yield process.pid
        finally:
            process.terminate()


def _wait_published(config: Config) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.closing(Reader(config.kafka, CONNECTOR_STATUS)) as reader:
            if reader.count():
                return
        time.sleep(0.2)
    raise SystemExit("the monitor has published nothing")


def main() -> int:
    """Work until SIGTERM."""
    parser = command.parser(__doc__)
    parser.add_argument("--no-monitor", action="store_true", help="the worker alone")
    for name in ("bootstrap", "topic", "group"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("out", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    wanted = parser.parse_args()
    site = Site(wanted.bootstrap, wanted.topic, wanted.work)
    config, codec = site.config(), Codec()
    log_to_stderr(LEVEL)
    with contextlib.ExitStack() as up:
        pid = None if wanted.no_monitor else up.enter_context(monitor_of(site, config))
        ready_or_explain(config, codec, site.config_path)
        settings = config.worker.model_copy(update={"state_dir": config.state_dir / "worker"})
        worker = Worker(config.kafka, settings, open_store(config.store), codec)
        sensors = worker.app.sensors
        sensors.add(FirstRecord(wanted.work / "first-record", pid, sensors))
        return run_services(worker.app, LEVEL, settings.stop_seconds)


if __name__ == "__main__":
    sys.exit(main())
