"""Who changes the bytes of a released mail format is caught, also when golden files and sums are written anew."""

from pathlib import Path

import pytest

from streams.mail.render import RENDERERS
from tests.streams.frozen import CHANGELOG, SUMS, faults, freeze
from tests.streams.mail_golden import GOLDEN

UNRELEASED = "# Changelog\n\n## [Unreleased]\n\n{new}\n"
RELEASE = "\n## [0.1.0] - 2027-01-01\n\n- {line}.\n"


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """Golden files of one format."""
    folder = tmp_path / "1"
    folder.mkdir()
    for name in ("chat-1", "chat-2"):
        (folder / f"{name}.eml").write_bytes(f"Subject: {name}\r\n".encode())
    return tmp_path


def changelog(line: str, new: str = "") -> str:
    """One with a release."""
    return UNRELEASED.format(new=new) + RELEASE.format(line=line)


def test_released_formats_are_as_they_were_frozen() -> None:
    """The formats of this version."""
    assert list(faults(CHANGELOG.read_text(encoding="utf-8"), GOLDEN, RENDERERS)) == []


def test_before_the_first_release_everything_may_change(golden: Path) -> None:
    """The golden files alone stand guard."""
    assert list(faults(UNRELEASED.format(new=""), golden, [1])) == []


def test_a_release_needs_frozen_formats(golden: Path) -> None:
    """One that forgot it is told how; a format that is new since needs to be named only."""
    line = freeze(golden / "1")

    assert list(faults(changelog("Nothing"), golden, [1]))
    assert list(faults(changelog(line), golden, [1])) == []
    assert list(faults(changelog(line), golden, [1, 2]))
    assert list(faults(changelog(line, new="- Mail format 2: colours."), golden, [1, 2])) == []


def test_golden_files_that_were_written_anew_are_caught(golden: Path) -> None:
    """Other bytes, a file that is gone, sums that were written anew too; a new case is welcome."""
    text = changelog(freeze(golden / "1"))
    (golden / "1" / "new-1.eml").write_bytes(b"x")
    assert list(faults(text, golden, [1])) == []

    (golden / "1" / "chat-1.eml").write_bytes(b"Subject: other\r\n")
    (golden / "1" / "chat-2.eml").unlink()
    assert len(list(faults(text, golden, [1]))) == 2
    freeze(golden / "1")
    assert len(list(faults(text, golden, [1]))) == 1
    (golden / "1" / SUMS).unlink()
    assert len(list(faults(text, golden, [1]))) == 1


def test_a_released_format_cannot_be_dropped(golden: Path) -> None:
    """Mails of old formats are rendered as ever (semantics 21): the renderers hold every frozen one."""
    assert set(faults(changelog(freeze(golden / "1")), golden, [])) == {
        "format 1 was released and this version can't write it any more"
    }
