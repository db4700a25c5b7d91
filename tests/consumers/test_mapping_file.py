"""The mapping file as people write it: every fault with its line, in one go; what spreadsheets do is read or named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.mapping_file import SAID, Checked, MappingError, check_csv, is_mailbox, read_csv
from schemas.mappings import HEADINGS

HEAD = "ExternalUserId,O365UserMailbox\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the CSV of a test lies."""
    return tmp_path / "users.csv"


def checked(path: Path, content: str | bytes) -> Checked:
    """What is found in this content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return check_csv(path)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "headings must be exactly ExternalUserId,O365UserMailbox"),
        ("ExternalUserID,O365UserMailbox\n", 1, "missing: ExternalUserId"),
        ("ana,ana@bank.example\n", 1, "missing: ExternalUserId, O365UserMailbox"),
        ("O365UserMailbox,ExternalUserId\n", 1, "wrong order"),
        ("ExternalUserId,O365UserMailbox,Department\n", 1, "unknown column 3, 'Department'"),
        ("ExternalUserId,O365UserMailbox,ExternalUserId\n", 1, "ExternalUserId is there twice"),
        ("ExternalUserId;O365UserMailbox\nana;ana@bank.example\n", 1, "here are semicolons: save it as `CSV UTF-8 (comma"),
        ("ExternalUserId\tO365UserMailbox\n", 1, "here are tabs"),
        (HEAD + "ana\n", 2, "expected two cells, found 1"),
        (HEAD + "ana,ana@bank.example,extra\n", 2, "expected two cells, found 3"),
        (HEAD + "\nana, \n", 3, "O365UserMailbox is empty"),
        (HEAD + ",ana@bank.example\n", 2, "ExternalUserId is empty"),
        (HEAD + "ana,ana@bank.example\nben,ben\n", 3, "'ben' is not a mailbox address"),
        (HEAD + '"two\nlines",ana@bank.example\nben,x\n', 4, "'x' is not a mailbox address"),
        (HEAD + 'ana,"ana@bank.example\n', 2, "quotation mark"),
        (HEAD + 'ana,"ana"@bank.example\n', 2, "not CSV"),
        (HEAD + "ana,a@bank.example\ncy,c@bank.example\nANA,b@bank.example\n", 4, "a@bank.example in line 2"),
        (HEAD + "é@bücher.example,a@x.example\né@xn--bcher-kva.example,b@x.example\n", 3, "a@x.example in line 2"),
    ],
)  # fmt: skip
def test_every_fault_names_file_and_line(path: Path, text: str, line: int, said: str) -> None:
    """What is wrong, where, and what was expected."""
    (fault,) = checked(path, text).faults
    with pytest.raises(MappingError) as caught:
        read_csv(path)

    assert (fault.line, said in fault.text) == (line, True), fault
    assert str(caught.value) == f"{path}:{line}: {fault.text}"


def test_all_faulty_lines_are_named_at_once(path: Path) -> None:
    """Of every kind, in the file's order, an extra column too; the good lines are still counted."""
    lines = [
        "ExternalUserId,O365UserMailbox,Team",
        "ana,ana@x.example,a",
        "ben,ben,b",
        "cy,c@x.example",
        "ANA,else@x.example,a",
    ]
    found = checked(path, "\n".join(lines))
    assert [fault.line for fault in found.faults] == [1, 3, 4, 5]
    assert [row.user for row in found.rows] == ["ana", "ANA"]


def test_a_flood_of_faults_is_cut_in_the_error(path: Path) -> None:
    """The check prints all of them; an error that stops a worker stays readable."""
    found = checked(path, HEAD + "ben,ben\n" * 1000)
    with pytest.raises(MappingError, match=f"and {1000 - SAID} more") as caught:
        read_csv(path)
    assert len(found.faults) == 1000
    assert len(str(caught.value).splitlines()) == SAID + 1


def test_reading_goes_on_after_what_is_no_csv(path: Path) -> None:
    """One stray quotation mark doesn't hide the faults behind it."""
    found = checked(path, HEAD + 'ana,"a"b@x.example\nben,ben\ncy,cy@x.example\n')
    assert [fault.line for fault in found.faults] == [2, 3]
    assert [row.user for row in found.rows] == ["cy"]


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (HEAD.encode("utf-16"), 0, "UTF-16"),
        (HEAD.encode("utf-16-be"), 0, "UTF-16"),
        (HEAD.encode() + b"\x00\x01\x02", 0, "no text"),
        (HEAD.encode() + "zoë,z@x.example\n".encode("cp1252"), 2, "byte 0xeb is not UTF-8; save it as"),
    ],
    ids=["UTF-16", "UTF-16 without a mark", "binary", "a Windows code page"],
)
def test_other_encodings_are_named(path: Path, content: bytes, line: int, said: str) -> None:
    """With what to do; a code page with the lines that it spoils."""
    (fault,) = checked(path, content).faults
    assert fault.line == line
    assert said in fault.text


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    """And how to begin one; a folder is named as what it is."""
    (fault,) = check_csv(tmp_path / "none.csv").faults
    assert fault.told(tmp_path / "none.csv").endswith(
        f"mapping template > {tmp_path / 'none.csv'}` writes one to begin with"
    )
    assert "directory" in check_csv(tmp_path).faults[0].text


def test_what_spreadsheets_write_is_read(path: Path) -> None:
    """A byte order mark, quotes, blanks around cells, empty lines, and Windows line ends."""
    lines = [",".join(HEADINGS), '"Ruiz, Ana",ana@bank.example', "", '" ben ", ben@bank.example ', ","]
    found = checked(path, b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert [(row.line, row.user, row.mailbox) for row in found.rows] == [
        (2, "Ruiz, Ana", "ana@bank.example"), (4, "ben", "ben@bank.example"),
    ]  # fmt: skip
    assert (found.faults, found.notes) == ([], [])


def test_harmless_repeats_are_notes(path: Path) -> None:
    """The same line twice, and a mailbox in two spellings, which makes two folders: the file is used all the same."""
    found = checked(path, HEAD + "ana,desk@x.example\nANA,desk@x.example\nben,Desk@x.example\n")
    assert [(note.line, "line 2" in note.text) for note in found.notes] == [(3, True), (4, True)]
    assert len(read_csv(path)) == 3


@pytest.mark.parametrize(
    "good",
    [
        "a@b.example",
        "x" * 64 + "@b.example",
        "Ana.Ruiz+chat@mail.bank.example",
        "é@bücher.example",
        "o'neil@x.co",
    ],
)
def test_mailboxes(good: str) -> None:
    """Plain addresses, an international domain either way."""
    assert is_mailbox(good)


@pytest.mark.parametrize(
    "bad",
    [
        "", "ben", "ben@localhost", "ben smith@bank.example", "a@b@c.example", "Ana <ana@bank.example>", "@bank.example", "ana@",
        "ana@bank..example", "ana@.example", "ana@-x.example", "a@b.example;c@d.example", "x" * 65 + "@bank.example",
        "a@" + "b." * 130 + "example", "ana@bank.example\n", "ana@bank_x.example",
        "..@bank.example", ".ana@bank.example", "ana.@bank.example", "a..b@bank.example",
        "a\x01b@bank.example", "a\x7f@bank.example",
        "a\u200bna@bank.example", "\u202eana@bank.example", "ana@bank\u00ad.example", "ana@ba\u200dnk.example",
        "\ufeffana@bank.example", "an\u3164a@bank.example", "ana\ufe0f@bank.example",
        "a\u034fna@bank.example", "\u2800a@bank.example",
    ],
)  # fmt: skip
def test_what_is_no_mailbox(bad: str) -> None:
    """What no mail system delivers to, and lists of addresses."""
    assert not is_mailbox(bad)


@given(content=st.one_of(st.binary(), st.text().map(lambda text: (HEAD + text).encode("utf-8", "replace"))))
def test_no_file_breaks_the_check(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Anything at all: faults or rows come out, never an error; what has no fault is read."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    found = checked(path, content)
    if not found.faults:
        assert read_csv(path) == found.rows
