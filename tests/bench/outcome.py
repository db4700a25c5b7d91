"""What a run has written, looked at: every copy by its hash, a sample by its content. Faults are sentences."""

import email
import email.policy
import hashlib
import html
import random
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from consumers.reading import read_all
from schemas import codec
from schemas.broker import KafkaSettings
from schemas.topics import DEAD_LETTERS, DELIVERIES
from tests.bench.corpus import Corpus

SAMPLE = 60  # conversations
Copy = tuple[str, str]
"""(conversation, address)."""


@dataclass(frozen=True)
class Outcome:
    """What was found. `digest` names all copies and their bytes; it is the same in every run for who makes fixed bytes.

    `people_lost`: mails of the sample whose To lacks somebody. The standard library of Python before 3.11.8 makes such mails
    (python/cpython#100884); they count apart, or no program that uses it would end a run without a fault.
    """

    copies: int
    faults: list[str]
    people_lost: int
    digest: str
    store_bytes: int


def of_files(out: Path, corpus: Corpus) -> Outcome:
    """Of a program that writes OUT/<address>/<conversation>.eml."""
    places = {(path.stem, path.parent.name): [path] for path in out.glob("*/*.eml")}
    faults = [*_missing(places, corpus), *_contents(places, corpus)]
    return Outcome(len(places), faults, _people_lost(places, corpus), _digest(places), _bytes_below(out))


def of_ledger(kafka: KafkaSettings, out: Path, corpus: Corpus) -> Outcome:
    """Of chatledger: what its ledger says, and whether that stands in the archive."""
    places, faults = dict[Copy, list[Path]](), list[str]()
    for record in read_all(kafka, DELIVERIES):
        delivery = codec.expect("Delivery", record.value or b"")
        for copy in delivery["copies"]:
            if copy["outcome"] != "ok":
                faults.append(f"{copy['participant']['id']}: {copy['outcome']}, {copy['reason']}")
                continue
            path = out / copy["path"]
            if hashlib.sha256(path.read_bytes()).digest() != delivery["sha256"]:
                faults.append(f"{path}: other bytes than the ledger says")
            places.setdefault((delivery["conversation"], copy["mailbox"]), []).append(path)
    letters = sum(1 for _ in read_all(kafka, DEAD_LETTERS))
    faults += [f"{letters} dead letters"] if letters else []
    lost = _people_lost(places, corpus)
    faults += [f"in {lost} mails To lacks somebody"] if lost else []
    faults += [*_missing(places, corpus), *_contents(places, corpus)]
    return Outcome(len(places), faults, lost, _digest(places), _bytes_below(out))


def _missing(places: dict[Copy, list[Path]], corpus: Corpus) -> Iterator[str]:
    lacking, more = corpus.copies - places.keys(), places.keys() - corpus.copies
    if lacking or more:
        yield f"{len(lacking)} copies are missing, {len(more)} are too many"


def _sample(places: dict[Copy, list[Path]], corpus: Corpus) -> Iterator[tuple[str, list[EmailMessage]]]:
    """Conversation and parts of some mails."""
    names = sorted(corpus.closes)
    for name in random.Random(0).sample(names, min(SAMPLE, len(names))):
        for person in corpus.closes[name]["participants"]:
            if paths := places.get((name, person["email"])):
                yield name, [_parsed(path) for path in sorted(paths)]


def _contents(places: dict[Copy, list[Path]], corpus: Corpus) -> Iterator[str]:
    for name, mails in _sample(places, corpus):
        yield from _wrong(name, mails, corpus)


def _people_lost(places: dict[Copy, list[Path]], corpus: Corpus) -> int:
    return sum(
        bool({person["email"] for person in corpus.closes[name]["participants"]} - _addressed(mail))
        for name, mails in _sample(places, corpus)
        for mail in mails
    )


def _addressed(mail: EmailMessage) -> set[str]:
    return {address.addr_spec for address in mail["To"].addresses}


def _parsed(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def _wrong(name: str, mails: list[EmailMessage], corpus: Corpus) -> Iterator[str]:
    """All messages in order in the text, all in the HTML."""
    text, page = ("\n".join(_body(mail, kind) for mail in mails) for kind in ("plain", "html"))
    at = 0
    for message in corpus.messages[name]:
        found = text.find(message["text"], at)
        if found < 0:
            yield f"{name}: message {message['seq']} is missing or not in its place"
        at = max(at, found + len(message["text"]))
        if not any(html.escape(message["text"], quote=quote) in page for quote in (True, False)):
            yield f"{name}: message {message['seq']} is not in the HTML"


def _body(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    return "" if body is None else str(body.get_content())


def _digest(places: dict[Copy, list[Path]]) -> str:
    running = hashlib.sha256()
    for copy, paths in sorted(places.items()):
        for path in sorted(paths):
            running.update(f"{copy}{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return running.hexdigest()


def _bytes_below(out: Path) -> int:
    """Bytes of all files, each once however many names it has."""
    found = (path.stat() for path in out.rglob("*") if path.is_file())
    return sum({one.st_ino: one.st_size for one in found}.values())
