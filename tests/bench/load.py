"""`python -m tests.bench.load`: writes a job into raw-events as a collector would, and puts its user mapping in force.

The first of two commands for a referee who has a job and a Kafka of their own. It makes chatledger's topics, all with names that
begin with TOPIC, writes a configuration into WORK and the events into raw-events, and ends when all is confirmed. Then
`python -m tests.bench.work` does the job. Both are started from the root of the repository.

    python -m tests.bench.load [--records live|back-fill] [--out OUT] [--durable]
        --bootstrap HOST:PORT --topic TOPIC --work WORK --events FILE
"""

from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from kafka import KafkaProducer

from consumers.mapping import activate
from consumers.mapping import load as load_mapping
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import RAW_EVENTS
from stores.factory import open_store
from tests.bench import command
from tests.bench.corpus import Job, lines
from tests.bench.raw_log import Way, raw_log
from tests.bench.site import Site

AT_ONCE = 5_000  # records on their way


def load(site: Site, events: Path, out: Path, way: Way, *, durable: bool = False) -> KafkaSettings:
    """Everything up to the last watermark, confirmed on return."""
    kafka = prepared(site, events, out, durable=durable)
    send(kafka, events, way)
    return kafka


def prepared(site: Site, events: Path, out: Path, *, durable: bool = False) -> KafkaSettings:
    """Topics, configuration and the mapping of these events' people, in force; raw-events has nothing else."""
    config = site.write(out, _people(lines(events)), durable=durable)
    create_topics(config.kafka)
    activate(config.kafka, Codec(), load_mapping(config.mapping), lambda: open_store(config.store))
    return config.kafka


def send(kafka: KafkaSettings, events: Path, way: Way) -> None:
    """The events of this file as records of raw-events."""
    name, waiting = kafka.topic(RAW_EVENTS.name), []
    # Idempotent, since a retry may otherwise put records of one conversation in another order.
    with KafkaProducer(
        **kafka.client_kwargs(), acks="all", enable_idempotence=True, linger_ms=20
    ) as producer:
        for key, value in raw_log(lines(events), way):
            places = [None] if key is not None else range(kafka.partitions)
            waiting += [producer.send(name, key=key, value=value, partition=place) for place in places]
            if len(waiting) > AT_ONCE:
                _confirm(waiting)
                waiting = []
        _confirm(waiting)


def _confirm(waiting: list[object]) -> None:
    for future in waiting:
        future.get(timeout=60)  # type: ignore[attr-defined]  # kafka-python publishes no types


def _people(events: Iterable[Job]) -> list[tuple[str, str]]:
    closes = (job for job in events if job["type"] == "close")
    return sorted({(person["id"], person["email"]) for close in closes for person in close["participants"]})


def main() -> None:
    """Load one job."""
    parser = command.parser(__doc__)
    parser.add_argument("--records", choices=get_args(Way), default="live", help="how a collector packs them")
    parser.add_argument("--out", type=Path, help="the archive's folder (default: WORK without its suffix)")
    parser.add_argument(
        "--durable", action="store_true", help="sync every file, as a production archive does"
    )
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--events", type=Path, required=True)
    wanted = parser.parse_args()
    out = wanted.out or wanted.work.with_suffix("")
    load(
        Site(wanted.bootstrap, wanted.topic, wanted.work),
        wanted.events,
        out,
        wanted.records,
        durable=wanted.durable,
    )


if __name__ == "__main__":
    main()
