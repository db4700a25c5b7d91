"""Deliveries for tests: made from few words, with the fields that nobody counts taken from the published example."""

import json
from contextlib import closing
from pathlib import Path
from typing import cast

from kafka import KafkaProducer

from schemas import codec, ids
from schemas.broker import KafkaSettings
from schemas.records import CopyResult, Delivery, Outcome, Superseded, person
from schemas.topics import DELIVERIES

EXAMPLE = Path(__file__).parents[2] / "schemas" / "examples" / "Delivery.json"


def delivery(
    mail: int, outcomes: dict[str, str], *, connector: str = "lp", conversation: str = "c1", events: int = 1,
    routing: int = 0,
) -> Delivery:  # fmt: skip
    """One delivery: `mail` numbers it, `outcomes` maps user ids to what became of their copies in this routing."""
    base = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    mail_id = ids.digest("mail", connector, str(mail))
    changed = {
        "mail_id": mail_id, "connector_uid": connector, "conversation": conversation, "event_count": events,
        "sha256": bytes(32), "path": f"_mails/{connector}/{mail:04d}.eml", "date_ms": mail,
        "copies": [copy(user, outcome, routing) for user, outcome in outcomes.items()],
    }  # fmt: skip
    return cast("Delivery", base | changed)


def copy(user: str, outcome: str, routing: int = 0) -> CopyResult:
    """One participant's outcome; only ok and partial have a path. After the first routing it supersedes a copy."""
    there, place = outcome in {"ok", "partial"}, f"{user}{routing or ''}"
    former: Superseded = {"mailbox": f"{user}@bank.example", "path": f"{user}/x.eml", "mapping_version": "v"}
    return {
        "participant": person(user, user.title(), None, "member"), "mailbox": f"{place}@bank.example" if there else None,
        "path": f"{place}/x.eml" if there else None, "routing": routing, "supersedes": former if routing else None,
        "outcome": cast("Outcome", outcome),
        "reason": None if there else f"why {outcome}",
    }  # fmt: skip


def write(kafka: KafkaSettings, deliveries: list[tuple[int, Delivery]]) -> None:
    """Put (partition, delivery) into the ledger; all are confirmed on return."""
    topic = kafka.topic(DELIVERIES.name)
    with closing(KafkaProducer(**kafka.client_kwargs(), acks="all")) as producer:
        sent = [
            producer.send(topic, value=codec.encode("Delivery", one), partition=number)
            for number, one in deliveries
        ]
        for future in sent:
            future.get(timeout=20)
