"""`chatledger mapping`: a template, a check that names everything at once, and a bad file that changes nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from consumers.mapping import last_activated
from consumers.mapping_file import NO_USERS
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from tests.cli.test_ready import configured


def test_the_template_is_faulted_until_somebody_is_in_it(tmp_path: Path) -> None:
    """What is printed is Microsoft's headings; a file of nobody is a fault, one line more is none."""
    path = tmp_path / "users.csv"
    shown = CliRunner().invoke(main, ["mapping", "template"])
    path.write_text(shown.output, encoding="utf-8")
    done = CliRunner().invoke(main, ["mapping", "check", str(path)])

    assert shown.output == "ExternalUserId,O365UserMailbox\n"
    assert (done.exit_code, done.output.splitlines()) == (
        1, [f"{path}: {NO_USERS}", f"{path}: 0 lines can be used, 1 fault found, 0 notes"]
    )  # fmt: skip
    path.write_text(f"{shown.output}ana,ana@bank.example\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["mapping", "check", str(path)]).exit_code == 0


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


def test_check_and_apply_take_the_same_file(tmp_path: Path) -> None:
    """By default that of the configuration; `apply` refuses another one, which the next start would replace."""
    nowhere = KafkaSettings(bootstrap="127.0.0.1:1")
    _, config = configured(tmp_path, nowhere, "ana,ana\n")
    by_default = CliRunner().invoke(main, ["mapping", "check", "-c", str(config)])
    assert (by_default.exit_code, f"{tmp_path / 'users.csv'}:2: 'ana' is not" in by_default.output) == (
        1,
        True,
    )

    other = tmp_path / "other.csv"
    other.write_text("ExternalUserId,O365UserMailbox\nana,ana@bank.example\n", encoding="utf-8")
    refused = CliRunner().invoke(main, ["mapping", "apply", str(other), "-c", str(config)])
    assert refused.exit_code == 1
    assert f"other.csv is not mapping.file of {config}" in refused.output
    same = CliRunner().invoke(main, ["mapping", "apply", str(tmp_path / "users.csv"), "-c", str(config)])
    assert "users.csv:2: 'ana' is not a mailbox address" in same.output

    config.write_text(
        config.read_text(encoding="utf-8").replace('file = "users.csv"\n', ""), encoding="utf-8"
    )
    none = CliRunner().invoke(main, ["mapping", "check", "-c", str(config)])
    assert (none.exit_code, "has no mapping.file" in none.output) == (1, True)


@pytest.mark.kafka
def test_a_bad_file_never_replaces_a_good_one(kafka: KafkaSettings, tmp_path: Path) -> None:
    """The command names every faulty line and ends with 1; what was in force stays, and a good file comes in force again."""
    _, config = configured(tmp_path, kafka, "ana,ana@elsewhere.example\n")
    create_topics(kafka)
    done = CliRunner().invoke(main, ["mapping", "apply", "-c", str(config)])
    assert done.exit_code == 0, done.output
    assert "1 mailbox outside of mapping.domains (ana@elsewhere.example)" in done.output
    first = last_activated(kafka, Codec())
    assert first is not None

    configured(tmp_path, kafka, "ana,ana\nben,ben@bank.example\nben,b@bank.example\n")
    done = CliRunner().invoke(main, ["mapping", "apply", "-c", str(config)])
    assert done.exit_code == 1
    assert ".csv:2: 'ana' is not a mailbox address" in done.output
    assert ".csv:4: ben has b@bank.example here, but ben@bank.example in line 3" in done.output
    assert last_activated(kafka, Codec()) == first

    configured(tmp_path, kafka, "")
    done = CliRunner().invoke(main, ["mapping", "apply", "-c", str(config)])
    assert (done.exit_code, NO_USERS in done.output) == (1, True)
    assert last_activated(kafka, Codec()) == first
    assert CliRunner().invoke(main, ["mapping", "apply", "--no-users", "-c", str(config)]).exit_code == 0
    first = last_activated(kafka, Codec())

    configured(tmp_path, kafka, "ben,ben@bank.example\n")
    assert CliRunner().invoke(main, ["mapping", "apply", "-c", str(config)]).exit_code == 0
    assert last_activated(kafka, Codec()) not in {first, None}
