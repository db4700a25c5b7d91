"""From the source to Kafka, and what it costs to wait: `python -m tests.bench.capture [--rates 10 100 300] [--seconds 40]`.

A simulated LivePerson plays its week in so many seconds, with so many chats that about that number of events a second happens.
The product's own collector captures them live, with 0.3 s between polls (60 by default). Taken is the time from a message's own
time until another process reads it in raw-events, where it stands confirmed. Then everything that `chatledger run` starts is left
alone: nothing happens, and collectors look every minute. Two tables for docs/capacity.md.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import quantiles

import requests
from kafka import KafkaConsumer, TopicPartition

from cli.demonstration.job import END
from cli.demonstration.site import COLLECT, Site, open_site
from cli.parts.common import new_codec
from cli.parts.ready import ready_or_explain
from sandbox.processes import ManagedProcess
from schemas.broker import KafkaSettings
from schemas.codec import decode
from schemas.topics import RAW_EVENTS
from tests.bench import processes
from tests.bench.command import parser, ram_folder, tell

BEGIN = datetime(2026, 3, 2, 6, tzinfo=UTC)
EVENTS_EACH = 23.6  # of a generated conversation, on average
PATIENCE_S = 20.0  # for what is behind when the week is over


class Arrivals:
    """When each record of raw-events could be read, by a thread of its own."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.found: list[tuple[float, bytes]] = []
        self._end = threading.Event()
        topic = kafka.topic(RAW_EVENTS.name)
        self._consumer = KafkaConsumer(**kafka.client_kwargs(), fetch_max_wait_ms=20)
        self._consumer.assign([TopicPartition(topic, number) for number in range(kafka.partitions)])
        self._consumer.seek_to_end()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._end.is_set():
            batches = self._consumer.poll(timeout_ms=50)
            now = time.time()
            self.found += [(now, record.value) for records in batches.values() for record in records]

    def ended(self) -> list[tuple[float, bytes]]:
        """All of them."""
        self._end.set()
        self._thread.join()
        self._consumer.close()
        return self.found


def captured(place: Path, rate: int, seconds: int) -> str:
    """One row."""
    scale = max(1, round(rate * seconds / EVENTS_EACH))
    site = open_site(place, "folder", scale=scale, webex_scale=0, now_iso=BEGIN.isoformat())
    with contextlib.closing(site):
        ready_or_explain(site.config, new_codec(site.config.kafka), site.config_path, create=True)
        source = site.sources[0]
        with processes.start(site.folder, site.config_path, "collect", source.uid) as collector:
            arrivals = Arrivals(site.config.kafka)
            processes.until(lambda: bool(arrivals.found), [collector])  # its first watermark
            before = processes.cpu_seconds(collector.pid)
            speed = (END - BEGIN).total_seconds() / seconds
            clock, began = source.now_ms(), time.time()
            requests.post(f"{source.url}/_sim/clock", json={"rate": speed}, timeout=10).raise_for_status()
            time.sleep(seconds)
            _quiet(arrivals)
            used = processes.cpu_seconds(collector.pid) - before
            found = arrivals.ended()
    waits = sorted(at - began - (own - clock) / 1000 / speed for at, own in _messages(found))
    cuts = [cut * 1000 for cut in quantiles(waits, n=100)]
    return (
        f"| {rate} | {len(waits)} | {cuts[49]:.0f} | {cuts[94]:.0f} | {cuts[98]:.0f} | {waits[-1] * 1000:.0f} "
        f"| {used / (found[-1][0] - began):.0%} |"
    )


def _quiet(arrivals: Arrivals) -> None:
    """Wait until nothing has come for a second."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        seen = len(arrivals.found)
        time.sleep(1)
        if len(arrivals.found) == seen:
            return


def _messages(found: list[tuple[float, bytes]]) -> Iterator[tuple[float, int]]:
    """(arrival, own time in ms) of each message, the first time that it came; times that the source made up are left out."""
    seen = set[bytes]()
    for at, value in found:
        name, record = decode(value)
        for event in record["events"] if name == "RawEvents" else ():
            if event["kind"] == "message" and not event["at_suspect"] and event["id"] not in seen:
                seen.add(event["id"])
                yield at, event["at_ms"]


def idle(place: Path, seconds: int) -> Iterator[str]:
    """The second table: CPU of each process while nothing happens."""
    yield "| idle | share of a core |\n|---|---|"
    site = open_site(place, "folder", scale=0, webex_scale=0, now_iso=END.isoformat())
    with contextlib.closing(site):
        text = site.config_path.read_text(encoding="utf-8")
        slow = COLLECT.replace("poll_seconds = 0.3", "poll_seconds = 60")
        site.config_path.write_text(text.replace(COLLECT, slow), encoding="utf-8")
        with processes.start(site.folder, site.config_path, "run") as run:
            time.sleep(seconds)
            _settled(run)
            before = _shares(site, run)
            time.sleep(seconds)
            after = _shares(site, run)
    for who, used in after.items():
        yield f"| {who} | {(used - before.get(who, 0.0)) / seconds:.1%} |"
    yield f"| together | {(sum(after.values()) - sum(before.values())) / seconds:.1%} |"


def _settled(run: ManagedProcess) -> None:
    """Wait until the back-fill of what little there is is over: five seconds in a row with little to do."""
    used = [sum(_cpu(pid) for pid in processes.family(run.pid))]
    while len(used) < 2 or any(later - before > 1.0 for before, later in pairwise(used[-2:])):
        time.sleep(5)
        used.append(sum(_cpu(pid) for pid in processes.family(run.pid)))


def _shares(site: Site, run: ManagedProcess) -> dict[str, float]:
    used = {"Kafka": _cpu(site.kafka.pid)}
    for pid in processes.family(run.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if "cli.main" in words:
            role = " ".join(word for word in words[words.index("cli.main") + 1 :][:2] if word != "-c")
            used[role] = used.get(role, 0.0) + _cpu(pid)
    return used


def _cpu(pid: int) -> float:
    with contextlib.suppress(FileNotFoundError):
        return processes.cpu_seconds(pid)
    return 0.0


def rows(rates: list[int], seconds: int) -> Iterator[str]:
    """Both tables, a row as soon as it is known."""
    yield "| events/s | messages | p50 ms | p95 | p99 | most | collector's share of a core |\n|---|---|---|---|---|---|---|"
    with ram_folder() as place:
        for rate in rates:
            yield captured(place / f"rate-{rate}", rate, seconds)
        yield ""
        yield from idle(place / "idle", seconds)


def main() -> None:
    """Print the tables."""
    wanted = parser(__doc__)
    wanted.add_argument("--rates", type=int, nargs="*", default=[10, 100, 300])
    wanted.add_argument("--seconds", type=int, default=40)
    found = wanted.parse_args()
    tell(rows(found.rates, found.seconds))


if __name__ == "__main__":
    main()
