"""The user mapping: every fault of the CSV with its line, versions that follow the content, and how it comes in force."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.mapping import HEADINGS, MappingError, MappingSettings, activate, load, read_csv
from consumers.reading import read_all
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.ids import mapping_version
from schemas.topics import MAPPINGS, RAW_EVENTS

HEAD = "ExternalUserId,O365UserMailbox\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the CSV of a test lies."""
    return tmp_path / "users.csv"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "headings must be exactly ExternalUserId,O365UserMailbox"),
        ("ExternalUserID,O365UserMailbox\n", 1, "headings must be exactly"),
        ("ExternalUserId;O365UserMailbox\nana;ana@bank.example\n", 1, "with a comma between"),
        (HEAD + "ana\n", 2, "expected two cells"),
        (HEAD + "ana,ana@bank.example,extra\n", 2, "expected two cells"),
        (HEAD + "\nana, \n", 3, "expected two cells"),
        (HEAD + "ana,ana@bank.example\nben,ben\n", 3, "'ben' is not a mailbox address"),
        (HEAD + "ben,ben@localhost\n", 2, "is not a mailbox address"),
        (HEAD + "ben,ben smith@bank.example\n", 2, "is not a mailbox address"),
        (HEAD + '"two\nlines",ana@bank.example\nben,x\n', 4, "'x' is not a mailbox address"),
        (HEAD + 'ana,"ana@bank.example\n', 2, "not CSV"),
        (HEAD + "ana,a@bank.example\ncy,c@bank.example\nANA,b@bank.example\n", 4, "a@bank.example in line 2"),
    ],
)  # fmt: skip
def test_every_fault_names_file_and_line(path: Path, text: str, line: int, said: str) -> None:
    """What is wrong, where, and what was expected."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)


def test_what_is_no_text_and_what_is_missing_is_said(path: Path) -> None:
    """A spreadsheet saved as UTF-16, and no file at all."""
    with pytest.raises(MappingError, match="cannot be read"):
        read_csv(path)
    path.write_text(HEAD, encoding="utf-16")
    with pytest.raises(MappingError, match="UTF-8"):
        read_csv(path)


def test_what_spreadsheets_write_is_read(path: Path) -> None:
    """A byte order mark, quotes, blanks around cells, empty lines, CRLF, and the same line twice."""
    lines = [
        ",".join(HEADINGS), '"Ruiz, Ana",ana@bank.example', "", '" ben ", ben@bank.example ', ",", "ben,BEN@bank.example",
    ]  # fmt: skip
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert [(row.line, row.user, row.mailbox) for row in read_csv(path)] == [
        (2, "Ruiz, Ana", "ana@bank.example"), (4, "ben", "ben@bank.example"), (6, "ben", "BEN@bank.example"),
    ]  # fmt: skip


@given(order=st.permutations(["ana", "ben", "cy", "dee", "ana"]))
def test_the_version_follows_the_content_and_not_the_order(
    order: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file that was sorted or holds a line twice is the same mapping; another mailbox makes another one."""
    path = tmp_path_factory.getbasetemp() / "ordered.csv"
    path.write_text(HEAD + "".join(f"{user},{user}@bank.example\n" for user in order), encoding="utf-8")
    settings = MappingSettings(file=path, domains=["Bank.example", "b.example"])
    pairs = [(user, f"{user}@bank.example") for user in ("ana", "ben", "cy", "dee")]
    found = load(settings)
    assert found["version"] == mapping_version(pairs, ["b.example", "bank.example"], None)
    assert len(found["rows"]) == 4
    assert load(settings.model_copy(update={"catch_all": "all@bank.example"}))["version"] != found["version"]
    assert load(settings.model_copy(update={"domains": ["bank.example"]}))["version"] != found["version"]


@pytest.mark.kafka
def test_activation_is_written_after_the_mapping_and_once(kafka: KafkaSettings) -> None:
    """The mapping stands in its topic before any partition of `raw-events` names it; the second call writes nothing."""
    codec = Codec()
    first = load(MappingSettings(domains=["bank.example"]))
    assert activate(kafka, codec, first)
    activations = list(read_all(kafka, RAW_EVENTS))
    mappings = list(read_all(kafka, MAPPINGS))
    assert [record.partition for record in activations] == list(range(kafka.partitions))
    for record in activations:
        name, value = codec.decode(record.value or b"")
        assert (name, value["kind"]) == ("Control", "mapping")
        assert value["details"] == {"version": first["version"]}
    assert mappings[0].key == first["version"].encode()
    assert mappings[0].at_ms <= min(record.at_ms for record in activations)
    assert codec.decode(mappings[0].value or b"").value == first

    assert not activate(kafka, codec, first)
    assert (list(read_all(kafka, RAW_EVENTS)), list(read_all(kafka, MAPPINGS))) == (activations, mappings)

    second = load(MappingSettings(domains=["bank.example"], catch_all="all@bank.example"))
    assert activate(kafka, codec, second)
    assert activate(kafka, codec, first)  # back to the former one: that is news too
    assert len(list(read_all(kafka, RAW_EVENTS))) == 3 * kafka.partitions
