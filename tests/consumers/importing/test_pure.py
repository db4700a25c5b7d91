"""The pure parts of the import: names of folders, refusals, what is appended, how far a partition is done."""

import io
import itertools
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consumers.importing.answers import refusal
from consumers.importing.folders import imap_name, levels, maildir_name, separator
from consumers.importing.settings import ImportSettings
from consumers.importing.shape import Original, TooSmallError, shaped
from consumers.importing.troubles import ItemError, MailboxError, TooLargeError
from consumers.importing.window import WIDTH, Window
from tests.consumers.importing.office import mail_bytes

FILES = st.lists(st.tuples(st.sampled_from(["a.pdf", "b ü.pdf", "c.pdf"]), st.integers(0, 5_000)), max_size=5)


def original(data: bytes) -> Original:
    """A copy with these bytes."""
    return Original(io.BytesIO(data), len(data), b"\x07" * 32, "ana@bank.example/Webex Teams/x.eml")


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        (b'(\\Noselect) "." ""', "."),
        (b'(\\Noselect) "/" ""', "/"),
        (b'() "\\\\" ""', "\\"),
        (b'() NIL ""', None),
    ],
)
def test_the_separator_is_read(line: bytes, mark: str | None) -> None:
    """A dot, a slash, a quoted backslash, none at all."""
    assert separator(line) == mark


@pytest.mark.parametrize(
    ("folder", "mark", "name"),
    [
        ("Webex Teams", ".", '"INBOX.Webex Teams"'), ("v1.2 R&D", ".", '"INBOX.v1_2 R&-D"'),
        ("a/b", "/", '"INBOX/a_b"'), ("Büro 日本", "/", '"INBOX/B&APw-ro &ZeVnLA-"'), ('q"\\', "/", '"INBOX/q\\"\\\\"'),
        ("x\r\ny\0", "/", '"INBOX/x__y_"'), ("flat", None, '"flat"'), ("~💬", "/", '"INBOX/~&2D3crA-"'),
    ],
)  # fmt: skip
def test_folders_have_names_that_servers_take(folder: str, mark: str | None, name: str) -> None:
    """Modified UTF-7, quoted; what would part levels or end a line is an underscore."""
    assert imap_name(levels("Inbox/{folder}", folder), mark) == name


def test_maildir_folders() -> None:
    """Maildir++: a dot before each level below the inbox."""
    assert maildir_name(levels("inbox/Archive/{folder}", "Webex v1.2/x")) == ".Archive.Webex v1_2_x"
    assert maildir_name(levels("Inbox", "x")) == ""


@pytest.mark.parametrize(
    ("text", "kind", "seconds"),
    [
        (b"Request is throttled. Suggested Backoff Time: 299609 milliseconds", "throttled", 299.609),
        (b"[THROTTLED] slow down", "throttled", None), (b"[UNAVAILABLE] later", "unavailable for now", 0),
        (b"[INUSE] locked", "in use", 0), (b"[OVERQUOTA] full", "mailbox full", None),
        (b"Mailbox is full", "mailbox full", None), (b"[NOPERM] no", "no permission", None),
    ],
)  # fmt: skip
def test_refusals_of_a_mailbox(text: bytes, kind: str, seconds: float | None) -> None:
    """By code, or by Exchange Online's own words; how long it wants to be left alone is read."""
    trouble = refusal("append", text)
    assert isinstance(trouble, MailboxError)
    assert (trouble.kind, trouble.retry_s) == (kind, seconds)


def test_refusals_of_a_mail() -> None:
    """Too large is told from what is refused for good, and from what may be taken another time."""
    for text in (
        b"[TOOBIG] x",
        b"Maximum size of appendable message has been exceeded",
        b"[LIMIT] message too large",
    ):
        assert isinstance(refusal("append", text), TooLargeError)
    finals = {text: refusal("append", text) for text in (b"[CANNOT] header is broken", b"no reason given")}
    assert [isinstance(one, ItemError) and one.final for one in finals.values()] == [True, False]
    assert isinstance(refusal("sign-in", b"AUTHENTICATE failed."), MailboxError)


@given(FILES, st.integers(400, 12_000))
def test_reducing_is_a_function_of_copy_and_limit(files: list[tuple[str, int]], limit: int) -> None:
    """It fits, is the same every time, says what is left out, keeps the rest byte by byte, and is a mail that can be read."""
    data = mail_bytes(1, *files)
    try:
        mail = shaped(original(data), None, limit)
    except TooSmallError:
        assert limit < 3_500
        return
    whole = b"".join(mail.chunks())
    assert len(whole) == len(mail) <= limit
    assert whole == b"".join(shaped(original(data), None, limit).chunks())
    if len(data) <= limit:
        assert whole == data
        return
    assert mail.left_out
    read = message_from_bytes(whole, policy=default)
    assert read.is_multipart()
    parts = list(read.iter_parts())
    assert len(parts) == len(files) + 1
    notes = [part.get_payload(decode=True) for part in parts if part.get_content_type() == "text/plain"]
    assert len(notes) == len(mail.left_out)
    assert all(b"SHA-256 0707" in note for note in notes if isinstance(note, bytes))


def test_the_text_is_the_last_to_go() -> None:
    """Files give way before what was said, the largest first."""
    data = mail_bytes(1, ("small.pdf", 900), ("big.pdf", 2_000), text="said " * 400)
    assert shaped(original(data), None, 4_500).left_out == ("big.pdf",)
    assert shaped(original(data), None, 3_900).left_out == ("small.pdf", "big.pdf")
    assert b"said said" in b"".join(shaped(original(data), None, 3_900).chunks())


@given(st.lists(st.integers(0, 3), max_size=30), st.randoms(use_true_random=False))
def test_what_can_be_committed_has_nothing_open_below(counts: list[int], chance: object) -> None:
    """Whatever is finished first: the commit never passes a record with an open item, and ends behind the last."""
    window = Window(100)
    tasks = []
    for offset, count in enumerate(counts, 100):
        assert window.takes(offset)
        window.begin(offset, count)
        tasks += [offset] * count
    left = list(tasks)
    chance.shuffle(tasks)  # type: ignore[attr-defined]  # hypothesis gives a Random
    for offset in tasks:
        assert window.reached <= min(left)
        window.done(offset)
        left.remove(offset)
    assert window.reached == 100 + len(counts)


def test_no_more_is_begun_than_the_next_importer_looks_for() -> None:
    """The width counts from what is committed, and not from what is done."""
    window = Window(0)
    taken = list(itertools.takewhile(window.takes, range(2 * WIDTH)))
    assert taken[-1] == WIDTH - 1
    for offset in taken:
        window.begin(offset, 0)
    assert not window.takes(WIDTH)
    window.committed = 1
    assert window.takes(WIDTH)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"kind": "imap", "host": "mail.example", "tls": "none"}, "a server on this machine"),
        ({"kind": "imap", "host": "m", "auth": {"method": "password"}}, "give password"),
        (
            {"kind": "imap", "host": "m", "auth": {
                "method": "xoauth2", "client_id": "c", "client_secret": {"env": "X"}, "token_url": "http://idp.example/token"
            }},
            "must begin with https://",
        ),
        (
            {"kind": "imap", "host": "m", "auth": {"method": "xoauth2", "client_id": "c", "client_secret": {"env": "X"}}},
            "give tenant",
        ),
    ],
)  # fmt: skip
def test_nothing_secret_goes_in_clear(target: dict[str, object], said: str) -> None:
    """Passwords and secrets need TLS but on this machine, and somewhere to come from."""
    auth = {"auth": {"method": "password", "password": {"env": "X"}}}
    with pytest.raises(ValidationError, match=said):
        ImportSettings.model_validate({"target": auth | target})
