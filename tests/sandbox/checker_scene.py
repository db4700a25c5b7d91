"""A ledger and an archive by hand that agree, for the tests of the checker."""

import hashlib
import json
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

PDF = b"%PDF-1.4 an offer"
MIA, KEN = {"id": "mia", "name": "Mia Müller"}, {"id": "ken", "name": "田中 健"}
Json = dict[str, Any]


def sha(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def served(kind: str, ident: str, at_ms: int, who: Json, **fields: Any) -> Json:
    """One ledger entry."""
    name = {"sender_name": who["name"]} if kind in {"name", "join"} else {}
    start = {"source": "webex", "conversation": "room-1", "kind": kind, "id": ident, "at_ms": at_ms}
    return {**start, "sender_id": who["id"], **name, **fields}


def event(kind: str, key: str, at_ms: int, who: Json, text: str | None = None, **fields: Any) -> Json:
    """One event as events.json has it."""
    files = fields.pop("attachments", [])
    made: Json = {
        "id": sha(f"{key}{kind}{at_ms}".encode())[:32], "source_key": key, "kind": kind, "at_ms": at_ms, "actor": who,
        "text": text, "target": None, "former_text": None, "people": [], "attachments": files, "raw": "{}",
    }  # fmt: skip
    return {**made, **fields}


def attachment(name: str, data: bytes | None, outcome: str = "stored") -> Json:
    """One file of an event."""
    return {
        "source_key": f"c-{name}",
        "name": name,
        "sha256": sha(data) if data else None,
        "outcome": outcome,
    }


@dataclass
class Scene:
    """A ledger, and one mail that agrees with it until a test changes something."""

    ledger: list[Json]
    events: list[Json]
    lines: list[str]
    files: dict[str, bytes]
    period: str = "Period: that day (UTC)"

    def replace(self, old: str, new: str) -> None:
        """Change the transcript."""
        assert any(old in line for line in self.lines)
        self.lines = [line.replace(old, new) for line in self.lines]

    def mail(self) -> bytes:
        """The mail's bytes."""
        made, document = EmailMessage(policy=policy.SMTP), json.dumps({"events": self.events}).encode()
        values = ("webex", "uid-1", "room-1", sha(document), str(len(self.events)))
        for name, value in zip(
            ("Source", "Connector", "Conversation-Id", "Events-Hash", "Event-Count"), values, strict=True
        ):
            made[f"X-Chatledger-{name}"] = value
        head = (
            f"Deal room\n\n{self.period}\nParticipants (2):\n    Mia Müller <mia@bank.example>\n    田中 健\n"
        )
        made.set_content("\n".join([head + "-" * 72, *self.lines, ""]))
        made.add_alternative("<p>the same</p>", subtype="html")
        for name, data in self.files.items():
            made.add_attachment(data, maintype="application", subtype="pdf", filename=name)
        made.add_attachment(document, maintype="application", subtype="json", filename="events.json")
        return made.as_bytes()


def scene() -> Scene:
    """Everything that a ledger can hold, archived as it should be."""
    offer = attachment("offer.pdf", PDF)
    ledger = [
        served("name", "ken", 0, KEN), served("join", "j1", 1000, MIA),
        served("message", "m1", 2000, MIA, text="Hi Ken,\r\ntwo \u202equestions\x07: \ud83d"),
        served("message", "m2", 3000, KEN, text="OK"), served("message", "m3", 4000, KEN, text="OK"),
        served("edit", "e1", 5000, KEN, text="OK, go", target="m3"),
        served("deletion", "d1", 6000, KEN, target="m2"),
        served("message", "m4", 7000, MIA, text="The offer", texts=["A card"], hidden=True),
        served("file", "c1", 7000, MIA, file_name="offer.pdf", sha256=sha(PDF), size=len(PDF), target="m4"),
        served("message", "m5", 8000, MIA, file_name="bad.zip"), served("leave", "l1", 9000, KEN),
    ]  # fmt: skip
    events = [
        event("joined", "j1", 1000, KEN, people=[MIA]),
        event("message", "m1", 2000, MIA, "Hi Ken,\r\ntwo \u202equestions\x07: \ufffd"),
        event("message", "m2", 3000, KEN, "OK"), event("message", "m3", 4000, KEN, "OK"),
        event("updated", "e1", 5000, KEN, "OK, go", target="m3", former_text="OK"),
        event("deleted", "d1", 6000, KEN, target="m2", former_text="OK"),
        event("message", "m4", 7000, MIA, "The offer\nA card", attachments=[offer]),
        event("message", "m5", 8000, MIA, attachments=[attachment("bad.zip", None, "infected")]),
        event("left", "l1", 9000, KEN, people=[KEN]),
    ]  # fmt: skip
    lines = [
        "[1970-01-01 00:00:01] 田中 健 added: Mia Müller",
        "[1970-01-01 00:00:02] Mia Müller: Hi Ken,\n    two ⟦U+202E⟧questions⟦U+0007⟧: \ufffd",
        "[1970-01-01 00:00:03] 田中 健: OK", "[1970-01-01 00:00:04] 田中 健: OK",
        "[1970-01-01 00:00:05] 田中 健 edited the message of 田中 健\n    before: OK\n    after: OK, go",
        "[1970-01-01 00:00:06] 田中 健 deleted the message of 田中 健\n    former text: OK",
        "[1970-01-01 00:00:07] Mia Müller (internal): The offer\n    A card\n    file: offer.pdf, attached as offer.pdf",
        "[1970-01-01 00:00:08] Mia Müller sent a file\n    file: bad.zip, not attached: malware",
        "[1970-01-01 00:00:09] 田中 健 left",
    ]  # fmt: skip
    return Scene(ledger, events, lines, {"offer.pdf": PDF})


def put(path: Path, data: bytes) -> None:
    """Write a file below folders that may not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def archived(made: Scene, folder: Path) -> Path:
    """The scene as a ledger file and an archive folder; returns the ledger."""
    ledger = folder / "ledger.jsonl"
    ledger.write_text("".join(json.dumps(entry) + "\n" for entry in made.ledger))
    mail = made.mail()  # once: its boundaries are drawn anew each time
    put(folder / "archive/_mails/uid-1/ab/abcd.eml", mail)
    put(folder / "archive/mia@bank.example/Webex Teams/2026/03/02/uid-1-x-r0.eml", mail)
    return ledger
