"""The topic catalogue: every topic, who writes it, who reads it, how long it keeps. `docs/topics.md` is made from it."""

from dataclasses import dataclass, field
from typing import Literal

KEEP_FOREVER = {"retention.ms": "-1", "retention.bytes": "-1"}
DAY_MS = 86_400_000
MAX_RECORD_BYTES = 1_000_000  # producers, Faust and topics agree on it
MAX_RAW_RECORD_BYTES = 500_000  # rule 5


@dataclass(frozen=True)
class Topic:
    """One topic of the catalogue.

    `partitioned`: has the configured number of partitions, and a record stays in the partition number of the
    record that caused it; otherwise one partition.
    """

    name: str
    purpose: str
    key: str
    records: tuple[str, ...]
    cleanup: Literal["delete", "compact"]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    partitioned: bool = True
    ledger: bool = False
    retention_ms: int = 30 * DAY_MS
    extra: dict[str, str] = field(default_factory=dict)

    def configs(self) -> dict[str, str]:
        """Topic settings as Kafka names them."""
        base = {"cleanup.policy": self.cleanup, "max.message.bytes": str(MAX_RECORD_BYTES + 48_576)}
        if self.ledger:
            base |= KEEP_FOREVER
        elif self.cleanup == "delete":
            base |= {"retention.ms": str(self.retention_ms), "retention.bytes": "-1"}
        return base | self.extra


RAW_EVENTS = Topic(
    "raw-events", "Every event as captured, and the control records of the lanes: the original of everything else",
    "connector uid / conversation; control records have none and go to every partition", ("RawEvents", "Control"),
    "delete", ("producers", "mapping command", "letters command"), ("streams: assemble", "replay", "reconcile"), ledger=True,
)  # fmt: skip
CLOSINGS = Topic(
    "closings", "Which events each closing of a slice took; settings and user mapping as of their position",
    "group | slice key | position", ("Closing", "SettingsInForce", "MappingInForce"),
    "compact", ("streams: assemble",), ("streams: assemble", "replay", "reconcile"), ledger=True,
)  # fmt: skip
CONVERSATIONS = Topic(
    "conversations", "Closed slices: ordered, without duplicates, ready to become mails",
    "connector uid / conversation", ("ClosedSlice",), "delete", ("streams: assemble", "letters command"), ("streams: archive",),
)  # fmt: skip
DELIVERIES = Topic(
    "deliveries", "The ledger of what was stored: mail, copies, hashes, outcomes",
    "connector uid / conversation", ("Delivery",), "delete", ("streams: archive", "replay"),
    ("monitor", "summary", "replay", "import", "connector log", "reconcile"), ledger=True,
)  # fmt: skip
IMPORTS = Topic(
    "imports", "The ledger of what was put into mailboxes: a receipt for each copy",
    "connector uid / conversation", ("Receipt",), "delete", ("import", "replay"),
    ("import", "replay", "connector log", "reconcile"), ledger=True,
)  # fmt: skip
MAPPINGS = Topic(
    "mappings", "User mappings, whole",
    "mapping version", ("Mapping",), "compact", ("mapping command",), ("streams: archive", "replay"), partitioned=False,
    ledger=True,
)  # fmt: skip
CURSORS = Topic(
    "cursors", "How far each lane of a connector is collected and confirmed",
    "connector uid / lane", ("Cursor",), "compact", ("producers",), ("producers", "replay", "reconcile"),
    partitioned=False, ledger=True,
)  # fmt: skip
CONNECTOR_STATUS = Topic(
    "connector-status", "What each component of each connector does, as JSON for any monitoring tool",
    "connector uid / component / partition", ("JSON: connector-status.schema.json",),
    "compact", ("producers", "streams", "monitor", "import", "reconcile"), ("monitoring",), partitioned=False, ledger=True,
    extra={"min.cleanable.dirty.ratio": "0.1", "segment.ms": "3600000"},
)  # fmt: skip
DEAD_LETTERS = Topic(
    "dead-letters", "What could not be processed, with its original bytes",
    "origin", ("DeadLetter",), "delete", ("producers", "streams"),
    ("letters command", "status", "summary", "replay", "reconcile"), partitioned=False, ledger=True,
)  # fmt: skip
AUDIT = Topic(
    "audit", "Orders of administrators that the archive has to account for: dispositions, holds, dead letters, changes of keys",
    "order", ("Audit",), "delete", ("dispose, hold, letters and evidence commands",),
    ("streams", "import", "evidence", "replay", "reconcile", "status", "summary", "dispose, hold and letters commands"),
    partitioned=False, ledger=True,
)  # fmt: skip
EVIDENCE = Topic(
    "evidence", "The root of every manifest of the evidence chain: where the chain must end",
    "number of the manifest", ("EvidenceRoot",), "delete", ("evidence command",), ("evidence command",),
    partitioned=False, ledger=True,
)  # fmt: skip

CATALOGUE = (
    RAW_EVENTS, CLOSINGS, CONVERSATIONS, DELIVERIES, IMPORTS, MAPPINGS, CURSORS, CONNECTOR_STATUS,
    DEAD_LETTERS, AUDIT, EVIDENCE,
)  # fmt: skip
