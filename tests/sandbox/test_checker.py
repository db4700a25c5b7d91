"""The checker finds what is missing, altered or there twice, in archives and ledgers written by hand."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.checked_mail import Parser
from sandbox.checker import CheckerError, Report, check, main
from tests.sandbox.checker_scene import MIA, PDF, Scene, archived, put, scene, served, sha

Change = Callable[[Scene], None]


def checked(made: Scene, folder: Path, parser: Parser = "email") -> Report:
    """The checker's report on the scene."""
    return check([archived(made, folder)], folder / "archive", parser=parser)


@pytest.mark.parametrize("parser", ["email", "mailparser"])
def test_an_archive_that_has_everything_is_clean(tmp_path: Path, parser: Parser) -> None:
    """Every kind of entry is counted and found, by both parsers."""
    report = checked(scene(), tmp_path, parser)
    assert (report.missing, report.doubled) == ([], [])
    assert report.ok
    assert (report.messages, report.edits, report.deletions, report.joins, report.leaves) == (5, 1, 1, 1, 1)
    assert (report.files, report.names, report.mails, report.copies) == (1, 1, 1, 1)
    assert json.loads(report.as_json())["ok"] is True


def _drop_message(made: Scene) -> None:
    del made.events[1], made.lines[1]


def _drop_line(made: Scene) -> None:
    del made.lines[1]


def _other_file(made: Scene) -> None:
    made.files["offer.pdf"] = PDF + b"!"


def _other_time(made: Scene) -> None:
    made.events[1]["at_ms"] += 1


def _other_stored_text(made: Scene) -> None:
    made.events[1]["text"] = "Hi"


def _unserved_person(made: Scene) -> None:
    made.ledger[0] = served("name", "zoe", 0, {"id": "zoe", "name": "Zoë"})


def _later_than_told(made: Scene) -> None:
    # the message was served first, so the archive could have known its text
    made.replace("former text: OK", "former text: not known")


def _only_named_files(made: Scene) -> None:
    made.events[2]["raw"] = '{"data": {"files": ["https://one"]}}'


ALTERED: dict[str, tuple[Change, str]] = {
    "message": (_drop_message, "webex message m1 of conversation room-1: no mail has it"),
    "line": (_drop_line, "8 entries for 9 events"),
    "longer text": (lambda s: s.replace("two ⟦", "twoo ⟦"), "message m1"),
    "text with more behind it": (lambda s: s.replace(": OK\n    after", ": OKAY\n    after"), "edit e1"),
    "text with more before it": (lambda s: s.replace("03] 田中 健: OK", "03] 田中 健: NOT OK"), "message m2"),
    "control character as it came": (lambda s: s.replace("⟦U+202E⟧", "\u202e"), "message m1"),
    "control character swallowed": (lambda s: s.replace("⟦U+0007⟧", ""), "message m1"),
    "sender": (lambda s: s.replace("02] Mia Müller", "02] Mia Mülle"), "does not name its sender 'Mia Müller'"),
    "card": (lambda s: s.replace("A card", "A cart"), "does not show “A card”"),
    "hidden": (lambda s: s.replace(" (internal)", ""), "does not say that it was hidden"),
    "new text": (lambda s: s.replace("OK, go", "OK, no"), "edit e1"),
    "former text of an edit": (lambda s: s.replace("before: OK", "before: Ok"), "does not show the former text"),
    "former text of a deletion": (_later_than_told, "does not show the former text"),
    "deletion": (lambda s: s.replace(" deleted", " had"), "does not say that it was deleted"),
    "join": (lambda s: s.replace("added: Mia Müller", "added: Mia"), "join j1"),
    "leave": (lambda s: s.replace("健 left", "健 came"), "leave l1"),
    "file": (_other_file, "has no part with its bytes"),
    "name of a file": (lambda s: s.replace("file: offer.pdf, attached as offer.pdf", "file"), "'offer.pdf'"),
    "refused file": (lambda s: s.replace("bad.zip", "it"), "file 'bad.zip' (infected) is neither"),
    "file that only the source named": (_only_named_files, "the source named 1 files, the event has 0"),
    "name": (_unserved_person, "shows the name 'Zoë'"),
    "time": (_other_time, "has it at 2001, the source at 2000"),
    "shown time": (lambda s: s.replace("00:00:04", "00:00:05"), "m3 of conversation room-1: _mails/uid-1/ab/abcd.eml shows it"),
    "text in events.json": (_other_stored_text, "events.json has another text"),
}  # fmt: skip


@pytest.mark.parametrize("parser", ["email", "mailparser"])
@pytest.mark.parametrize("what", ALTERED)
def test_what_is_missing_or_altered_is_told(tmp_path: Path, what: str, parser: Parser) -> None:
    """Each loss or change, one at a time, makes a sentence that says what it is."""
    made, (change, sentence) = scene(), ALTERED[what]
    if what == "name":
        made.ledger.append(
            served("message", "m3", 4000, {"id": "zoe", "name": "Zoë"}, text="OK", sender_name="")
        )
    change(made)
    report = checked(made, tmp_path, parser)
    assert any(sentence in one for one in report.missing), report


def test_a_message_of_a_conversation_without_mail_is_missing(tmp_path: Path) -> None:
    """An entry is looked for in its own conversation only."""
    made = scene()
    made.ledger[2]["conversation"] = "room-2"
    assert any(
        "m1" in one and "no mail of its conversation" in one for one in checked(made, tmp_path).missing
    )


def test_a_message_in_two_mails_is_doubled(tmp_path: Path) -> None:
    """The same event in another mail of the connector is told, by its id and by the lines of the transcript."""
    ledger, again = archived(scene(), tmp_path), scene()
    again.events, again.lines = again.events[1:2], again.lines[1:2]
    put(tmp_path / "archive/_mails/uid-1/cd/cdef.eml", again.mail())
    doubled = check([ledger], tmp_path / "archive").doubled
    assert any(
        "message m1 is in _mails/uid-1/ab/abcd.eml and again in _mails/uid-1/cd/cdef.eml" in one
        for one in doubled
    )
    assert any("is shown 2 times, served 1 times" in one for one in doubled)


def test_the_same_content_under_another_id_or_only_as_a_line_is_doubled(tmp_path: Path) -> None:
    """Another event id does not hide a repetition, nor does an entry that events.json does not have."""
    made = scene()
    made.events.append({**made.events[1], "id": "f" * 32})
    made.lines.append(made.lines[1].replace("00:00:02", "01:00:02"))
    assert len(checked(made, tmp_path).doubled) == 2
    made = scene()
    made.lines.append("[1970-01-01 12:00:00] 田中 健: OK")
    assert any("has 10 entries for 9 events" in one for one in checked(made, tmp_path).doubled)


def test_two_connectors_may_have_the_same_conversation(tmp_path: Path) -> None:
    """What another connector archived is neither doubled nor needed twice."""
    ledger, other = archived(scene(), tmp_path), scene()
    put(tmp_path / "archive/_mails/uid-2/cd/cdef.eml", other.mail().replace(b"uid-1", b"uid-2"))
    assert check([ledger], tmp_path / "archive").ok


def test_a_file_too_large_for_its_mail_may_lie_in_the_content_store(tmp_path: Path) -> None:
    """It counts as found when the mail says so and the bytes under its hash are the ones that were served."""
    made = scene()
    made.files.clear()
    made.replace("offer.pdf, attached as offer.pdf", "offer.pdf, not attached: too large")
    assert len(checked(made, tmp_path).missing) == 1
    kept = tmp_path / "archive" / "_content" / sha(PDF)[:2] / sha(PDF)
    put(kept, PDF)
    assert checked(made, tmp_path).ok
    put(kept, PDF + b"!")
    assert not checked(made, tmp_path).ok


def test_former_text_told_too_late_may_be_unknown(tmp_path: Path) -> None:
    """Where the source served the message only after its edit, the mail may say that it was not known."""
    made = scene()
    made.ledger.append(made.ledger.pop(4))
    made.replace("before: OK", "before: not known")
    assert checked(made, tmp_path).ok
    made.replace("before: not known", "before:")
    assert not checked(made, tmp_path).ok


def test_who_was_erased_at_the_source_may_be_called_by_id(tmp_path: Path) -> None:
    """The filler that stands for the name is nobody's name; with a name, the id alone is not enough."""
    for name, ok in (("** LP deleted data **", True), ("Mia Müller", False)):
        made, folder = scene(), tmp_path / str(ok)
        folder.mkdir()
        for entry in made.ledger:
            if entry.get("sender_name") == "Mia Müller":
                entry["sender_name"] = name
        made.replace("Mia Müller", "mia")
        report = check([archived(made, folder)], folder / "archive")
        assert report.ok is ok, report.missing


def test_times_may_be_in_another_zone(tmp_path: Path) -> None:
    """A mail that does not say UTC may be hours and quarters ahead, but not seconds."""
    made = scene()
    made.replace("00:00:0", "05:45:0")
    assert not checked(made, tmp_path).ok
    made.period = "Period: that day (Asia/Kathmandu)"
    assert checked(made, tmp_path).ok
    made.replace("05:45:0", "05:46:0")
    assert not checked(made, tmp_path).ok


def test_copies_are_mails_once_in_a_mailbox(tmp_path: Path) -> None:
    """A copy that differs by a byte, is there twice, or lies in no mailbox's folder is told."""
    ledger = archived(scene(), tmp_path)
    archive = tmp_path / "archive"
    first = next((archive / "mia@bank.example").rglob("*.eml"))
    os.link(first, first.with_name("again.eml"))
    put(archive / "ken@bank.example/Webex Teams/2026/03/02/x.eml", first.read_bytes() + b" ")
    shutil.copy(first, archive / "ken@bank.example" / "x.eml")
    report = check([ledger], archive)
    assert report.copies == 4
    assert [one.partition(" ")[2][:18] for one in report.doubled] == ["Teams/2026/03/02/u"]
    assert any("is none of the mails" in one for one in report.missing)
    assert any("ken@bank.example/x.eml lies in no mailbox's folder" in one for one in report.missing)


def test_ledgers_that_overlap_count_once(tmp_path: Path) -> None:
    """A source started again repeats itself; a later text of a message is an edit, and is looked for."""
    made = scene()
    ledger, later = archived(made, tmp_path), tmp_path / "later.jsonl"
    later.write_text(json.dumps({**made.ledger[4], "text": "OK, go", "served_at_ms": 9}) + "\n")
    assert check([later, ledger], tmp_path / "archive").messages == 5
    assert check([later, ledger], tmp_path / "archive").ok
    later.write_text(json.dumps({**made.ledger[4], "text": "Never archived", "served_at_ms": 9}) + "\n")
    assert not check([later, ledger], tmp_path / "archive").ok


def test_what_came_after_the_cut_is_not_asked_for(tmp_path: Path) -> None:
    """A conversation that is still open at the end of a run need not be in the archive."""
    made = scene()
    made.ledger.append(served("message", "m9", 99_000, MIA, text="still open"))
    ledger = archived(made, tmp_path)
    assert not check([ledger], tmp_path / "archive").ok
    assert check([ledger], tmp_path / "archive", before_ms=99_000).ok


def test_the_command_says_by_its_exit_code_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 for clean, 1 for something missing or nothing checked, 2 for a ledger that can't be read."""
    made = scene()
    archive = str(tmp_path / "archive")
    ledger = str(archived(made, tmp_path))
    assert main(["--ledger", ledger, archive]) == 0
    assert "5 messages" in capsys.readouterr().out
    _drop_message(made)
    archived(made, tmp_path)
    assert main(["--ledger", ledger, "--json", archive]) == 1
    assert json.loads(capsys.readouterr().out)["missing"]
    (tmp_path / "empty").touch()
    assert main(["--ledger", str(tmp_path / "empty"), archive]) == 1
    (tmp_path / "empty").write_text("no JSON")
    assert main(["--ledger", str(tmp_path / "empty"), archive]) == 2
    with pytest.raises(CheckerError, match="is not a folder"):
        check([Path(ledger)], tmp_path / "nowhere")
