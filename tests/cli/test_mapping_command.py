"""`chatledger mapping`: a template, a check that names everything at once, and a bad file that changes nothing."""

from pathlib import Path

from click.testing import CliRunner

from cli.main import main


def test_the_template_passes_the_check(tmp_path: Path) -> None:
    """What is printed is Microsoft's headings, and a valid file of nobody."""
    path = tmp_path / "users.csv"
    shown = CliRunner().invoke(main, ["mapping", "template"])
    path.write_text(shown.output, encoding="utf-8")
    done = CliRunner().invoke(main, ["mapping", "check", str(path)])

    assert shown.output == "ExternalUserId,O365UserMailbox\n"
    assert (done.exit_code, done.output) == (0, f"{path}: 0 lines can be used, no fault found, 0 notes\n")


def test_the_check_prints_every_fault_and_note(tmp_path: Path) -> None:
    """One line for each, as compilers write it; exit code 1 for a fault, 0 for a note."""
    path = tmp_path / "users.csv"
    path.write_text(
        "ExternalUserId,O365UserMailbox\nana,ana\nben,\ncy,c@x.example\ncy,c@x.example\n", encoding="utf-8"
    )
    done = CliRunner().invoke(main, ["mapping", "check", str(path)])
    places = [line.removeprefix(f"{path}:").split(":")[0] for line in done.output.splitlines()]
    assert (done.exit_code, places) == (1, ["2", "3", "5", " 2 lines can be used, 2 faults found, 1 note"])

    path.write_text("ExternalUserId,O365UserMailbox\ncy,c@x.example\ncy,c@x.example\n", encoding="utf-8")
    noted = CliRunner().invoke(main, ["mapping", "check", str(path)])
    assert noted.exit_code == 0
    assert f"{path}:3: cy stands in line 2 already (a note)" in noted.output


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """No traceback, and what to do."""
    done = CliRunner().invoke(main, ["mapping", "check", str(tmp_path / "none.csv")])
    assert done.exit_code == 1
    assert "no such file; `chatledger mapping template >" in done.output
