"""How long a closed conversation waits: `python -m tests.bench.latency [--rates 10 100 1000] [--seconds 60]`.

Events come into raw-events at a steady rate, each second's as one poll with its watermark, and a minute of the log's time passes
in a second. Taken is the time from handing Kafka the watermark that closes a conversation until its last copy stands in the
archive (the change time of the file). A table for docs/capacity.md: p50, p95, p99 and the most, in milliseconds, and the share
of a core that the worker used.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

from kafka import KafkaProducer

from schemas.codec import decode
from schemas.topics import RAW_EVENTS
from streams.defaults import default_settings
from tests.bench import command, corpus, dialogs, processes, rig
from tests.bench.corpus import BEGIN_MS, Shape
from tests.bench.raw_log import POLL_MS, SOURCE, UID, raw_log
from tests.bench.rig import Rig
from tests.streams.worker_rig import deliveries

EVENTS_EACH = 4.76  # of a conversation, on average
GRACE_MS = default_settings(UID, SOURCE)["grace_ms"]


def steady(place: Path, rate: int, seconds: int) -> Path:
    """A job in which so many events fall into each minute."""
    shape = Shape(max(2, round(rate * seconds / EVENTS_EACH)))
    corpus.write(place / "chance.jsonl", shape, dialogs.dialogs()[1])
    with (path := place / f"rate-{rate}.jsonl").open("w", encoding="utf-8") as file:
        for number, job in enumerate(corpus.lines(place / "chance.jsonl")):
            file.write(json.dumps({**job, "sent_at": BEGIN_MS + number * POLL_MS // rate}) + "\n")
    return path


def told(one: Rig) -> Iterator[tuple[int, float]]:
    """Write the job, a poll a second; (watermark in ms, when it was handed over) of each."""
    name, waiting, due = one.kafka.topic(RAW_EVENTS.name), [], time.monotonic()
    with KafkaProducer(**one.kafka.client_kwargs(), acks="all", enable_idempotence=True) as producer:
        for key, value in raw_log(corpus.lines(one.job.path), "live"):
            if key is not None:
                waiting.append(producer.send(name, key=key, value=value))
                continue
            for sent in waiting:  # a collector says how far it is when all before is confirmed
                sent.get(timeout=60)
            waiting, control = [], decode(value).value
            yield control["watermark_ms"] or 0, time.time()
            for partition in range(one.kafka.partitions):
                producer.send(name, value=value, partition=partition)
            producer.flush(timeout=60)
            due += 1
            time.sleep(max(0.0, due - time.monotonic()))


def waits(one: Rig, watermarks: list[tuple[int, float]]) -> Iterator[float]:
    """Seconds that each conversation has waited."""
    for delivery in deliveries(one.kafka):
        closed = one.job.closes[delivery["conversation"]]["sent_at"] + GRACE_MS
        began = next(at for watermark, at in watermarks if watermark >= closed)
        stored = (
            (one.out / copy["path"]).stat().st_ctime
            for copy in delivery["copies"]
            if copy["path"] is not None
        )
        yield max(stored) - began


def rows(rates: list[int], seconds: int) -> Iterator[str]:
    """The table, a row as soon as it is known."""
    yield "| events/s | conversations | p50 ms | p95 | p99 | most | worker's share of a core |\n|---|---|---|---|---|---|---|"
    with rig.broker() as (server, place):
        for rate in rates:
            one = rig.empty(server, place, f"rate-{rate}", corpus.read(steady(place, rate, seconds)))
            with one.start("work") as worker:
                (before,), began = rig.settled([worker]), time.monotonic()
                watermarks: list[tuple[int, float]] = [*told(one)]
                processes.until(one.drained, [worker])
                share = (processes.cpu_seconds(worker.pid) - before) / (time.monotonic() - began)
            yield _row(rate, sorted(waits(one, watermarks)), share)


def _row(rate: int, waited: list[float], share: float) -> str:
    cuts = [cut * 1000 for cut in quantiles(waited, n=100)]
    return (
        f"| {rate} | {len(waited)} | {cuts[49]:.0f} | {cuts[94]:.0f} | {cuts[98]:.0f} | {waited[-1] * 1000:.0f} "
        f"| {share:.0%} |"
    )


def main() -> None:
    """Print the table."""
    parser = command.parser(__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--seconds", type=int, default=60)
    wanted = parser.parse_args()
    command.tell(rows(wanted.rates, wanted.seconds))


if __name__ == "__main__":
    main()
