"""Who does the job: chatledger, two programs of our own that people would write instead, and any others that are named.

All are started with `--bootstrap --topic --group --out --work`, write WORK/first-record on their first record, run until SIGTERM.
"""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from schemas.broker import KafkaSettings
from tests.bench.corpus import Corpus
from tests.bench.load import load
from tests.bench.raw_log import Way
from tests.bench.site import PARTITIONS, Site

OURS = "chatledger"
FAUST_TOPICS = ("-mails", "-copies")  # made beforehand: Faust may overlook one that it has just declared


@dataclass(frozen=True)
class Contender:
    """A program and its command; `ours` reads records of raw-events, others the lines of JSON as they are."""

    name: str
    command: tuple[str, ...]
    ours: bool = False

    @classmethod
    def other(cls, said: str) -> "Contender":
        """From NAME=COMMAND."""
        name, _, command = said.partition("=")
        return cls(name, tuple(shlex.split(command)))


def own_contenders() -> list[Contender]:
    """What every run compares; the two programs are in this folder."""
    start = (sys.executable, "-m")
    return [
        Contender(OURS, (*start, "tests.bench.work"), ours=True),
        Contender("faust", (*start, "tests.bench.faust_program")),
        Contender("script", (*start, "tests.bench.consumer_script")),
    ]


def prepare(
    contender: Contender, corpus: Corpus, way: Way, site: Site, out: Path, *, durable: bool
) -> KafkaSettings:
    """Put the corpus where this contender reads it; confirmed on return. The settings are those of chatledger's topics."""
    if contender.ours:
        return load(site, corpus.path, out, way, durable=durable)
    kafka = KafkaSettings(bootstrap=site.bootstrap, partitions=PARTITIONS, topic_prefix=f"{site.topic}-")
    _load_lines(kafka, site.topic, corpus)
    return kafka


def _load_lines(kafka: KafkaSettings, topic: str, corpus: Corpus) -> None:
    admin = KafkaAdminClient(**kafka.client_kwargs())
    layout = {"num_partitions": PARTITIONS, "replication_factor": 1}
    admin.create_topics({topic + end: layout for end in ("", *FAUST_TOPICS)})
    admin.close()
    with (
        KafkaProducer(**kafka.client_kwargs(), acks="all", enable_idempotence=True, linger_ms=20) as producer,
        corpus.path.open("rb") as file,
    ):
        for line in file:
            value = line.rstrip(b"\n")
            producer.send(topic, key=json.loads(value)["conversation"].encode(), value=value)
        producer.flush(timeout=60)
