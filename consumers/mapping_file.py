"""The user mapping as a person writes it: Microsoft's CSV. Every fault with its line, in one go."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import category

from schemas.addresses import comparable, comparable_domain
from schemas.mappings import HEADINGS

SAID = 100  # faults in one error; `mapping check` prints all
NO_USERS = "headings and no user: was the file cut, or exported empty?"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
SAVE_AS = "save it as `CSV UTF-8 (comma delimited)`, as spreadsheets call it"
_LOCAL = re.compile(r'(?=.{1,64}$)[^\s@<>()\[\],;:\\".]+(\.[^\s@<>()\[\],;:\\".]+)*')
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)
"""Letters, marks and signs that are drawn as nothing: Unicode's Default_Ignorable_Code_Point outside category C, and blanks."""


class MappingError(ValueError):
    """The mapping cannot be used; the message has a line for each fault, with file and line."""


@dataclass(frozen=True)
class Row:
    """One line of the file."""

    line: int
    user: str
    mailbox: str


@dataclass(frozen=True)
class Fault:
    """What is wrong and what to do; `line` counts from 1, 0 is the file as a whole."""

    line: int
    text: str

    def told(self, path: Path) -> str:
        """As editors and compilers write it."""
        return f"{path}:{self.line}: {self.text}" if self.line else f"{path}: {self.text}"


@dataclass
class Checked:
    """What a file holds: with a fault it is not used at all, a note is harmless."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)


def read_csv(path: Path) -> list[Row]:
    """All lines; MappingError with every fault."""
    checked = check_csv(path)
    if checked.faults:
        lines = [fault.told(path) for fault in checked.faults[:SAID]]
        more = len(checked.faults) - SAID
        raise MappingError("\n".join([*lines, *([f"and {more:,} more"] if more > 0 else [])]))
    return checked.rows


def check_csv(path: Path) -> Checked:
    """Read the whole file, whatever is wrong with it; raises nothing."""
    found = Checked()
    text = _text(path, found.faults)
    if not found.faults:
        _records(list(_parsed(text, found.faults)), found)
        _compared(found)
        found.faults.sort(key=lambda fault: fault.line)
    return found


def _text(path: Path, faults: list[Fault]) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        faults.append(
            Fault(0, f"no such file; `chatledger mapping template > {path}` writes one to begin with")
        )
        return ""
    except OSError as error:
        faults.append(Fault(0, f"cannot be read: {error.strerror or error}"))
        return ""
    if data.startswith(UTF16) or b"\x00" in data:
        faults.append(Fault(0, f"this is UTF-16 text or no text, UTF-8 is expected; {SAVE_AS}"))
        return ""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        faults.extend(_undecodable(data))
        return ""


def _undecodable(data: bytes) -> Iterator[Fault]:
    """No line feed is part of a longer character in UTF-8, so each line can be tried alone."""
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            yield Fault(number, f"byte {line[error.start]:#04x} is not UTF-8; {SAVE_AS}")


def _parsed(text: str, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """(line, cells); cells without the blanks around them. What is not CSV is noted, and reading goes on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            faults.append(Fault(line, f"not CSV ({error}): is a quotation mark missing, or one too many?"))


def _records(lines: Sequence[tuple[int, list[str]]], found: Checked) -> None:
    first, cells = lines[0] if lines else (1, [])
    found.faults.extend(Fault(first, text) for text in _heading_faults(cells))
    if not set(HEADINGS) <= set(cells):
        return  # nobody knows what the other lines mean
    user, mailbox = (cells.index(name) for name in HEADINGS)
    for line, row in lines[1:]:
        if not any(row):
            continue
        problem = _row_fault(row, len(cells), user, mailbox)
        if problem:
            found.faults.append(Fault(line, problem))
        else:
            found.rows.append(Row(line, row[user], row[mailbox]))


def _heading_faults(cells: list[str]) -> Iterator[str]:
    wanted = f"the headings must be exactly {','.join(HEADINGS)}, with a comma between"
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) < 2 and mark in "".join(cells):
            yield f"{wanted}; here are {name}: {SAVE_AS}, or put a comma for each of them"
            return
    missing = [name for name in HEADINGS if name not in cells]
    if missing:
        unknown = ", ".join(repr(cell[:50]) for cell in cells if cell not in HEADINGS)
        yield f"{wanted}; missing: {', '.join(missing)}{'; unknown: ' * bool(unknown)}{unknown}"
        return
    for number, cell in enumerate(cells, 1):
        if cell not in HEADINGS:
            yield f"unknown column {number}, {cell[:50]!r}: {wanted}"
        elif cells.index(cell) < number - 1:
            yield f"column {cell} is there twice: {wanted}"
    if cells == list(reversed(HEADINGS)):
        yield f"the columns are in the wrong order: {wanted}"


def _row_fault(row: list[str], width: int, user: int, mailbox: int) -> str | None:
    if len(row) != width:
        return f"expected {'two' if width == 2 else width} cells, found {len(row)}: {','.join(row)[:100]!r}"
    if not row[user] or not row[mailbox]:
        return f"expected two cells, {HEADINGS[0] if not row[user] else HEADINGS[1]} is empty"
    if not is_mailbox(row[mailbox]):
        return f"{row[mailbox][:100]!r} is not a mailbox address; expected one like ana@bank.example"
    return None


def is_mailbox(text: str) -> bool:
    """Whether this is one plain address with a domain; an international domain may be in Unicode.

    What nobody sees (control characters, marks of no width or of direction) is no part of one, and no two dots are
    side by side, nor is one at an end of the local part.
    """
    local, _, domain = text.rpartition("@")
    ascii_domain = comparable_domain(domain)
    plain = (
        not any(char.isspace() for char in domain)
        and not any(category(char).startswith("C") for char in text)
        and _UNSEEN.search(text) is None
        and _LOCAL.fullmatch(local) is not None
        and _DOMAIN.fullmatch(ascii_domain) is not None
    )
    return plain and len(local) + 1 + len(ascii_domain) <= 254


def is_domain(text: str) -> bool:
    """Whether this is the name of a mail domain, in Unicode or in ASCII; a subdomain is one of its own."""
    return (
        not any(char.isspace() for char in text.strip())
        and _DOMAIN.fullmatch(comparable_domain(text)) is not None
    )


def _compared(found: Checked) -> None:
    """A user with two mailboxes is a fault; the same line twice, or a mailbox in two spellings, is not."""
    users: dict[str, Row] = {}
    spelt: dict[str, Row] = {}
    for row in found.rows:
        known, box = users.setdefault(comparable(row.user), row), comparable(row.mailbox)
        other = spelt.setdefault(box, row)
        if comparable(known.mailbox) != box:
            text = f"{row.user} has {row.mailbox} here, but {known.mailbox} in line {known.line}; leave one of them"
            found.faults.append(Fault(row.line, text))
        elif known is not row:
            found.notes.append(Fault(row.line, f"{row.user} stands in line {known.line} already"))
        if other.mailbox != row.mailbox:
            text = f"{row.mailbox} is spelt {other.mailbox} in line {other.line}: two folders in the archive"
            found.notes.append(Fault(row.line, text))


def told(faults: Iterable[Fault], path: Path) -> list[str]:
    """One line for each."""
    return [fault.told(path) for fault in faults]
