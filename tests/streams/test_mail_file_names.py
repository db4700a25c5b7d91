"""Names of files from strangers, as three readers find them: the standard library, mail-parser, and RFC 2231 by its grammar."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import pytest

from schemas.records import Attachment, Event
from streams.mail.clean import visible
from streams.mail.render import render
from tests.streams.mail_cases import AGENT, BY_HASH, closed, mail_bytes, said
from tests.streams.mail_readers import read, read_otherwise

HOSTILE = [
    "../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "C:\\windows\\win.ini", "a\x00b.txt", "\x00",
    'say "hi".pdf', "it's; filename=evil.exe", "x\r\nBcc: everybody@bank.example", "x\r\n\r\n<script>", "\x1b[31mred.txt",
    "bell\x07.txt", "c1\x85\x9b.txt", "line\u2028sep\u2029.txt", "\u202egnp.exe", "\u2066iso\u2069.doc", "mark\u200f.pdf",
    "\ufefffirst.txt",
    "lone \ud83d half.png", "%2e%2e%2fescaped", "=?utf-8?B?ZXZpbA==?=.txt", "tab\there.txt", "", " ", ".", "..",
    "...", "CON", "nul.txt", "com1.tar.gz", "trailing. ", "\uffff.bin", "a" * 4000, "a" * 300 + ".pdf", "." + "b" * 300,
    "x." + "y" * 300, "日" * 300 + ".xlsx", "👨‍👩‍👧‍👦" * 100 + ".png", "e\u0301" * 200,
]  # fmt: skip
HONEST = [
    "offer.pdf", "Angebot (Entwurf) 2026.docx", "Größe ändern.txt", "Überblick €.xlsx", "日本語の資料.pptx", "дoговор № 5.pdf",
    "خطاب.pdf", "מכתב.pdf", "100% sure.txt", "a=b, c & d's.txt", "archive.tar.gz", "no extension", ".profile", "🎉 party.png",
    "émile.odt", "e\u0301mile.odt",
]  # fmt: skip
TWICE = [
    "report.pdf",
    "report.pdf",
    "REPORT.pdf",
    "report (2).pdf",
    "events.json",
    "straße.txt",
    "STRASSE.txt",
]
_SEGMENT = re.compile(rb'filename(?:\*(\d+))?(\*)?=(?:"([^"]*)"|([^;\s]+))')
_DISPOSITION = re.compile(rb"^Content-Disposition: attachment((?:[^\r\n]*\r\n )*[^\r\n]*)\r\n", re.MULTILINE)


def files_named(names: list[str]) -> Event:
    """A message with a file for each name, all with contents of their own."""
    return said(0, AGENT, "see", attachments=[_file(number, name) for number, name in enumerate(names)])


def _file(number: int, name: str) -> Attachment:
    data = f"content {number}".encode()
    digest = hashlib.sha256(data).digest()
    BY_HASH[digest] = data
    return {
        "source_key": f"f{number}", "name": name, "content_type": "application/pdf",
        "content": {"sha256": digest, "size": len(data)}, "outcome": "stored", "reason": None,
    }  # fmt: skip


def by_grammar(data: bytes) -> Iterator[str]:
    """The names as RFC 2231 says: numbered pieces joined, then percent decoded in the charset of the first."""
    for found in _DISPOSITION.finditer(data):
        pieces = sorted(
            (int(number or 0), bool(star), quoted or plain)
            for number, star, quoted, plain in _SEGMENT.findall(found[1])
        )
        assert [number for number, _, _ in pieces] == list(range(len(pieces)))
        whole = b"".join(piece for _, _, piece in pieces)
        if pieces[0][1]:
            charset, _language, whole = whole.split(b"'", 2)
            yield unquote_to_bytes(whole).decode(charset.decode())
        else:
            yield whole.decode("ascii")


def composed(name: str) -> str:
    """As mail-parser gives every text."""
    return unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("names", [HOSTILE, HONEST, TWICE], ids=["hostile", "honest", "equal"])
def test_three_readers_find_the_same_names_and_the_right_bytes(names: list[str]) -> None:
    """Each file once, under a name of its own whatever the case, behind which its own bytes are."""
    (mail,) = render(closed([files_named(names)]))
    data = mail_bytes(mail)
    ours, theirs = read(data), read_otherwise(data)
    found = [name for name, _ in ours.files]
    assert list(by_grammar(data)) == found
    assert [one["filename"] for one in theirs.attachments] == [composed(name) for name in found]
    assert len({name.casefold() for name in found}) == len(found) == len(names) + 1
    assert [body for _, body in ours.files[:-1]] == [
        f"content {number}".encode() for number in range(len(names))
    ]
    assert found[-1] == "events.json"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_a_path_a_command_or_a_disguise(name: str) -> None:
    """What a reader saves under is a plain name that any file system takes; what the sender wrote stands in the text."""
    (mail,) = render(closed([files_named([name])]))
    message = read(mail_bytes(mail))
    saved = message.files[0][0]
    assert saved == saved.strip(" ")
    assert 0 < len(saved.encode()) <= 255
    assert not set(saved) & set('/\\:*?"<>|;')
    assert saved.strip(".")
    assert all(
        unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp", "Cn"} and char not in BIDI
        for char in saved
    )
    assert saved.partition(".")[0].upper() not in {"CON", "NUL", "COM1"}
    (event,) = message.events()
    assert event["attachments"][0]["name"] == name.encode("utf-8", "replace").decode() or "\ud83d" in name
    shown = visible(name).replace("\n", "⟦U+000A⟧").replace("\t", "⟦U+0009⟧")
    assert "".join(shown.split()) in "".join(message.text.split())
    assert "Bcc" not in message.headers


BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\ufeff")


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_name_stays_as_it_is(name: str) -> None:
    """In every script, composed or not; only what Windows forbids would be replaced."""
    (mail,) = render(closed([files_named([name])]))
    assert read(mail_bytes(mail)).files[0][0] == name.strip(" .") or name.startswith(".")
