"""The Faust app: the one place where stages, Kafka and store meet. `run_worker` is what `chatledger work` calls."""

import gc
import logging
import tempfile
from pathlib import Path
from typing import Any

import mode.loop

from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import AUDIT, CLOSINGS, MAPPINGS, MAX_RECORD_BYTES
from stores.interface import Safeguarded, Store
from streams.agents import declare_agents
from streams.archive import ArchiveStage
from streams.assemble import AssembleStage
from streams.connection import faust_credentials
from streams.contents import Contents
from streams.departed import Departed
from streams.holdback import HoldbackApp
from streams.memory import Memory
from streams.outbox import Outbox
from streams.positions import Positions, Stand, TopicPartition
from streams.readback import read_records
from streams.refusals import RefusalLimit
from streams.reporting import report_status
from streams.scratch import Scratch
from streams.settings import WorkerSettings
from streams.stage import Stage, Tools
from streams.stopping import StoppingWorker

METADATA_SECONDS = 10
GC_THRESHOLDS = 50_000, 10, 10
"""Objects between two looks for cycles. A decoded slice is thousands of objects without a cycle: Python's own 700 look at each
of them several times, for nothing."""
log = logging.getLogger(__name__)


class Worker:
    """Stages wired to an app; one per process."""

    def __init__(self, kafka: KafkaSettings, settings: WorkerSettings, store: Store, codec: Codec) -> None:
        self.app, self.store = new_app(kafka, settings), store
        self.positions = self.app.positions
        folder = settings.state_dir or Path(tempfile.gettempdir())
        self.tools = Tools(
            kafka, codec, Contents(store), self.positions, lambda: Outbox(self.app.producer, kafka, codec),
            RefusalLimit(settings.refusal_window, kept=settings.state_dir),
        )  # fmt: skip
        self.unproved = store if isinstance(store, Safeguarded) else None
        scratch, memory = Scratch(folder), Memory(folder)
        self.assemble = AssembleStage(
            self.tools, memory, scratch, lambda number, seen: read_records(kafka, CLOSINGS, number, seen)
        )
        archive = ArchiveStage(
            self.tools,
            lambda: read_records(kafka, MAPPINGS, 0),
            store,
            concurrency=settings.store_concurrency,
            # After a longer silence it has lost its partitions, so an order may have been carried out without it.
            departed=Departed(
                lambda start: read_records(kafka, AUDIT, 0, start=start), codec, settings.session_seconds
            ),
        )
        stages: tuple[Stage, ...] = (self.assemble, archive)
        self.stages = {kafka.topic(stage.source.name): stage for stage in stages}
        self.app.take_over, self.app.let_go = self._take_over, self._let_go
        declare_agents(self.app, self.assemble, archive)
        self.app.on_partitions_revoked.connect(self._revoked)
        report_status(self, settings)

    def _take_over(self, tp: TopicPartition, stand: Stand) -> None:
        self.stages[tp[0]].take_over(tp, stand)
        self.positions.start(tp, stand)
        log.info("owns %s/%d from %d, reached %d", *tp, stand.needed, stand.reached)

    def _let_go(self, tp: TopicPartition) -> None:
        self.positions.forget(tp)
        self.stages[tp[0]].let_go(tp)

    async def _revoked(self, _app: Any, revoked: Any, **_: Any) -> None:
        # Sent when the agents have finished their batches: the state stays until we know who commits next.
        self.positions.revoke((tp.topic, tp.partition) for tp in revoked)


def new_app(kafka: KafkaSettings, settings: WorkerSettings) -> HoldbackApp:
    """A Faust app with the settings that keep the promises, and nothing of Faust's web or tables."""
    options: dict[str, Any] = {
        "broker": [f"kafka://{host}" for host in kafka.bootstrap.split(",")],
        "broker_commit_interval": settings.commit_seconds,
        "broker_session_timeout": settings.session_seconds,
        "broker_heartbeat_interval": min(3.0, settings.session_seconds / 3),
        "broker_request_timeout": max(settings.request_seconds, settings.session_seconds + 1),
        "broker_rebalance_timeout": 60.0,
        "consumer_auto_offset_reset": "earliest",
        # A leader that joins at a broker which has just come back may know of no partitions yet and then gives out none
        # (measured); it looks again only this often, and Faust's default is five minutes.
        "consumer_metadata_max_age_ms": METADATA_SECONDS * 1000,
        "producer_request_timeout": settings.outage_seconds,
        "producer_max_request_size": MAX_RECORD_BYTES + 48_576,
        "producer_compression_type": "zstd",
        "producer_linger": 0.005,
        # Bytes of a batch before compression. Faust's own 16 KiB hold one mail, which made a request for every mail.
        "producer_max_batch_size": 262_144,
        "stream_wait_empty": True,
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
        "datadir": str(
            (settings.state_dir or Path(tempfile.gettempdir())) / "faust"
        ),  # else it makes one where we stand
        "store": "memory://",
    }
    credentials = faust_credentials(kafka)
    if credentials is not None:
        options["broker_credentials"] = credentials
    app = HoldbackApp(kafka.topic_prefix + settings.group, **options)
    app.positions, app.kafka = Positions(), kafka
    return app


def run_worker(
    kafka: KafkaSettings, settings: WorkerSettings, store: Store, codec: Codec, *, loglevel: str
) -> int:
    """Work until SIGTERM (exit code 0) or until something is wrong (not 0: let a supervisor start us again).

    A stop that takes longer than `settings.stop_seconds` ends the process with 1.
    """
    worker = Worker(kafka, settings, store, codec)
    return run_services(worker.app, loglevel, settings.stop_seconds)


def run_services(app: HoldbackApp, loglevel: str, stop_s: float) -> int:
    """Run Faust's worker in this process and return its exit code; `stop_s`: see `StoppingWorker`."""
    mode.loop.use("uvloop")  # a tenth less CPU than asyncio's own loop
    gc.freeze()  # modules, schemas and the app stay
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        StoppingWorker(
            app, grace_s=stop_s, loglevel=loglevel, redirect_stdouts=False, console_port=None
        ).execute_from_commandline()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
