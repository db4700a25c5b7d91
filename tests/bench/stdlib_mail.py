"""What both programs that chatledger is compared with share: the mail by the standard library, the file, the measured start."""

import argparse
import html
import json
import time
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any


def options() -> argparse.Namespace:
    """How the bench starts a program."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "topic", "group"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("out", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()


def mark_first(work: Path) -> None:
    """To be called with every record; the first begins the measurement."""
    mark = work / "first-record"
    if not mark.exists():
        mark.write_text(json.dumps({"time": time.time(), "cpu": time.process_time()}), encoding="ascii")


def mail_of(name: str, topic: str, people: list[dict[str, Any]], messages: list[dict[str, Any]]) -> bytes:
    """One conversation as a mail with a text and an HTML transcript."""
    mail, addresses = EmailMessage(policy=SMTP), [Address(p["name"], addr_spec=p["email"]) for p in people]
    mail["From"], mail["To"] = addresses[0], addresses
    mail["Date"] = _moment(messages[-1])
    mail["Subject"] = f"{topic}: conversation {name}"
    mail["Message-ID"] = f"<{name}@bench.example>"
    mail["X-Participants"] = ", ".join(p["id"] for p in people)
    mail.set_content("".join(f"[{_shown(m)}] {m['sender_name']}: {m['text']}\n" for m in messages))
    rows = "\n".join(map(_row, messages))
    mail.add_alternative(f"<html><body><table>\n{rows}\n</table></body></html>\n", subtype="html")
    return mail.as_bytes()


def write(out: Path, address: str, name: str, mail: bytes) -> None:
    """One participant's copy."""
    folder = out / address
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.eml").write_bytes(mail)


def _row(message: dict[str, Any]) -> str:
    cells = (_shown(message), html.escape(message["sender_name"]), html.escape(message["text"]))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _moment(message: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(message["sent_at"] / 1000, UTC)


def _shown(message: dict[str, Any]) -> str:
    return f"{_moment(message):%Y-%m-%d %H:%M:%S}"
