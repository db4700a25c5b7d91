"""The parts of the mail writer, each by example."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import pytest

from schemas.ids import digest
from schemas.records import ContentRef, Segment, person
from streams.mail import events_json
from streams.mail.assemble import ContentError, mail_chunks, mail_size
from streams.mail.clean import one_line, visible
from streams.mail.encode import base64_lines, base64_size, quoted_printable
from streams.mail.fields import header_problem
from streams.mail.filenames import safe_name, unique_name
from streams.mail.headers import encoded_words
from streams.mail.participants import cast_of, header_address, safe_id
from streams.mail.times import clock
from tests.streams.mail_cases import (
    AGENT,
    BOT,
    CONSUMER,
    KEN,
    joined,
    said,
    stored,
)  # fmt: skip


def _streamed(data: bytes, chunk: int, size: int | None = None) -> bytes:
    async def opened(ref: ContentRef) -> AsyncIterator[bytes]:
        for at in range(0, len(data), chunk):
            yield data[at : at + chunk]

    async def collect() -> bytes:
        return b"".join([one async for one in mail_chunks([segment], opened)])

    length = len(data) if size is None else size
    segment: Segment = {
        "data": b"",
        "content": {"sha256": hashlib.sha256(data).digest(), "size": length},
        "encoding": "base64",
    }
    found = asyncio.run(collect())
    assert len(found) == mail_size([segment])
    return found


@pytest.mark.parametrize("chunk", [1, 56, 57, 58, 1000])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 1000])
def test_base64_is_right_across_chunk_borders(size: int, chunk: int) -> None:
    """However the store cuts a file, its lines in the mail are the same."""
    data = bytes(n % 251 for n in range(size))
    found = _streamed(data, chunk)
    assert found == base64_lines(data)
    assert base64.b64decode(found) == data
    assert len(found) == base64_size(size)
    assert max(map(len, found.split(b"\r\n"))) <= 76


@pytest.mark.parametrize("size", [99, 101])
def test_content_of_another_size_is_refused(size: int) -> None:
    """A file that is cut short, or longer than announced, never passes for the whole."""
    with pytest.raises(ContentError, match=f"100 bytes instead of {size}"):
        _streamed(b"x" * 100, 7, size)


def test_content_that_was_altered_is_refused() -> None:
    """Bytes of the right length and of another hash are in no mail."""
    segments: list[Segment] = [
        {
            "data": b"",
            "content": {"sha256": hashlib.sha256(b"1,000").digest(), "size": 5},
            "encoding": "base64",
        }
    ]

    async def altered() -> AsyncIterator[bytes]:
        yield b"9,000"

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in mail_chunks(segments, lambda _: altered())])

    with pytest.raises(ContentError, match="another SHA-256"):
        asyncio.run(collect())


def test_verbatim_content_is_streamed_as_it_is() -> None:
    """A claim check for the mail's own bytes comes back unencoded."""
    segments: list[Segment] = [
        {"data": b"a", "content": None, "encoding": "verbatim"},
        {"data": b"", "content": stored("photo.png")["content"], "encoding": "verbatim"},
    ]
    assert joined(segments) == b"a" + b"The content of photo.png.\n" * 3
    assert mail_size(segments) == 79


@pytest.mark.parametrize("length", range(70, 84))
def test_soft_breaks_keep_escapes_whole(length: int) -> None:
    """An escape at the edge of a line moves to the next as a whole."""
    coded = quoted_printable(b"x" * length + b"===" + b"y" * 80)
    lines = coded.split(b"=\r\n")
    assert max(len(line) + 1 for line in lines[:-1]) <= 76
    assert all(line[-2:].count(b"=") == 0 for line in lines[:-1])
    assert b"".join(lines) == b"x" * length + b"=3D" * 3 + b"y" * 80


@pytest.mark.parametrize("lines", [0, 1, 63, 64, 65, 128, 200])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_base64_lines_are_those_of_the_standard_library(lines: int, more: int) -> None:
    """At every edge of a line, and of the lines that are cut at a time."""
    data = bytes(range(256)) * 50
    data = data[: max(0, lines * 57 + more)]
    assert base64_lines(data) == base64.encodebytes(data).strip().replace(b"\n", b"\r\n")


def test_long_lines_break_softly_at_75_characters() -> None:
    """Whether something in them is escaped or not."""
    for line in (b"x" * 160, b"x" * 149 + b"=3D" + b"x" * 8):
        coded = quoted_printable(line.replace(b"=3D", b"=")).split(b"\r\n")
        assert b"".join(part.removesuffix(b"=") for part in coded[:-1]) + coded[-1] == line
        assert [len(part) for part in coded[:2]] == [76, 75 if b"=" in line[149:] else 76]


def test_blanks_are_one_blank_whatever_they_are() -> None:
    """Also in text that needs nothing else; other scripts' blanks stay, and go at the ends."""
    assert one_line("a  b") == one_line(" a\tb ") == one_line("a \n b") == "a b"
    assert one_line("\u3000a\u3000\u3000b \u3000") == "a\u3000\u3000b"


def test_encoded_words_hold_whole_characters() -> None:
    """No word is over 75 characters or cuts a character in two."""
    words = encoded_words("ä田👩" * 40, 9).split("\r\n ")
    assert max(map(len, words)) <= 75
    for word in words:
        base64.b64decode(word.removeprefix("=?utf-8?b?").removesuffix("?=")).decode()


def test_hidden_characters_become_visible() -> None:
    """Controls, separators, bidirectional overrides and half pairs show as tokens; whole pairs are joined."""
    assert visible("a\r\nb\rc\x00\u202e\u2028\ud800") == "a\nb\nc⟦U+0000⟧⟦U+202E⟧⟦U+2028⟧⟦U+D800⟧"
    assert visible("\ud83d\ude00") == "😀"
    assert one_line(" a\n\t b  ", 3) == "a b"
    assert one_line("abcdef", 3) == "ab…"


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("a.b+c@bank.example", "a.b+c@bank.example"), ("a@BÜCHER.example", "a@xn--bcher-kva.example"), ("ü@bank.example", None),
        ("a@b@c.example", None), ("a..b@c.example", None), ("a@b.example\r\nBcc: x@y", None), ("", None), (None, None),
        ("a" * 65 + "@b.example", None), ("no address", None), ("<a@b.example>", None), (" a@b.example ", "a@b.example"),
    ],
)  # fmt: skip
def test_only_addresses_become_addresses(address: str | None, wanted: str | None) -> None:
    """What a header can't carry is no address; domains are written in ASCII."""
    assert header_address(address) == wanted


def test_people_are_found_once_and_in_a_stable_order() -> None:
    """Staff first, then consumers, then bots; the same id or address is one person; the mentioned don't count."""
    later = person(AGENT["id"], "Renamed", AGENT["email"], "agent")
    twin = person("other-id", "Twin", "J.Mueller@Bank.example", "agent")
    events = [
        said(0, BOT, "hi"), said(1, CONSUMER, "hello", people=[KEN]), said(2, AGENT, "x"),
        said(3, later, "y"), said(4, twin, "z"), said(5, person("sys", None, None, "system"), None, "closed"),
    ]  # fmt: skip
    cast = cast_of(events)
    assert cast.people == [AGENT, CONSUMER, BOT]
    assert cast.email == ["j.mueller@bank.example"]
    assert cast.unaddressed == [CONSUMER, BOT]
    assert cast.people[cast.initiator] == BOT


def test_what_is_learnt_later_is_filled_in() -> None:
    """A person first seen without name and address gets them from a later event, and meets their twin by address."""
    bare = person("ken")
    twin = person("k2", "Ken", "KEN@bank.example", "member")
    cast = cast_of([said(0, bare, "x"), said(1, twin, "y"), said(2, KEN, "z")])
    assert cast.people == [KEN]
    assert cast.email == ["ken@bank.example"]


def test_long_ids_become_distinct_safe_addresses() -> None:
    """Ids that differ only where they were cut stay different."""
    first, second = safe_id("Y2lz/" * 30 + "a"), safe_id("Y2lz/" * 30 + "b")
    assert first != second
    assert len(first) <= 64
    assert safe_id("agent-7") == "agent-7"
    assert safe_id("") == digest("person", "").hex()[:16]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("../../etc/passwd", "_._etc_passwd"), ("..", "file-3"), ("", "file-3"), (None, "file-3"), ("CON.txt", "_CON.txt"),
        ("a\u202egpj.exe", "a_gpj.exe"), ("x" * 300 + ".pdf", "x" * 196 + ".pdf"), ("tab\tand\nline", "tab and_line"),
        ("田" * 90 + ".pdf", "田" * 65 + ".pdf"),
        ("C:\\temp\\a.txt", "C__temp_a.txt"), (" .hidden. ", "hidden"),
    ],
)  # fmt: skip
def test_file_names_are_made_safe(name: str | None, wanted: str) -> None:
    """No path, no device, no direction trick; the extension survives."""
    assert safe_name(name, 3) == wanted


def test_equal_names_are_numbered() -> None:
    """Names that differ only in case are equal on some file systems."""
    taken = {"events.json"}
    assert [unique_name(one, taken) for one in ("a.b", "A.B", "a.b", "Events.json")] == [
        "a.b", "A (2).B", "a (3).b", "Events (2).json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["Subject", "to", "X-Chatledger-Status", "Bcc", "a b", "x:", "", "Ü", "Content-Type", "Email"]
)
def test_reserved_and_broken_headers_are_named(name: str) -> None:
    """A user-defined header can't be one of ours, nor anything but a name."""
    assert header_problem({"name": name, "value": "v"}) is not None


def test_good_headers_pass_and_two_lines_do_not() -> None:
    """Content-Class is the user's to set; a value is one line."""
    assert header_problem({"name": "Content-Class", "value": "urn:content-class:custom.webex"}) is None
    assert header_problem({"name": "X-A", "value": "a\nb"}) is not None
    assert header_problem({"name": "X-A", "value": " "}) is not None


def test_times_name_their_zone_and_changing_offset() -> None:
    """Local times carry their offset only where it changes inside the slice."""
    summer, winter = 1_792_888_000_000, 1_792_890_000_000
    assert clock("Europe/Berlin", summer, summer).show(summer) == "2026-10-25 02:26:40"
    assert clock("Europe/Berlin", summer, winter).show(winter) == "2026-10-25 02:00:00+01:00"
    assert clock("Asia/Kolkata", summer, winter).zone == "Asia/Kolkata, UTC+05:30"


def test_events_json_is_the_same_by_both_writers() -> None:
    """Which of the two a Python has changes no byte: every character, every kind of value."""
    letters = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    document = {
        "text": letters,
        letters[:400]: None,
        "at_ms": -(2**63),
        "to": 2**63 - 1,
        "is": [True, False, {}, []],
    }
    assert events_json.fast is not events_json.slow
    assert events_json.fast(document) == events_json.slow(document)


def test_the_fast_writer_leaves_lone_surrogates_to_the_other() -> None:
    """They are U+FFFD in events.json; the fast one must not write anything else in their place."""
    with pytest.raises(TypeError):
        events_json.fast({"text": "a\ud800b"})
    assert events_json.slow({"text": "a\ud800b"}) == '{"text":"a\ufffdb"}'.encode()
