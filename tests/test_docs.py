"""The documents say what is so: commands, keys, sentences, tests and absences that they name are there."""

import ast
import re
import types
import typing
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from cli.main import COMMANDS, main
from cli.parts.config import Config, load
from stores.interface import Store

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
SOURCES = ("liveperson", "webex")
GROUPS = {"config", "dispose", "evidence", "health", "hold", "letters", "mapping", "sandbox", "topics"}
PURE = (
    "mail",
    "accepting.py",
    "assembly.py",
    "events.py",
    "in_force.py",
    "memory.py",
    "proof.py",
    "routing.py",
    "positions.py",
    "refusals.py",
    "defaults.py",
)
SERVERS = {"faust", "mode", "kafka", "aiokafka", "azure", "requests", "aiohttp", "socket", "urllib"}


def text_of(*pages: Path) -> str:
    """These pages, or all of them, as one text."""
    return "\n".join(page.read_text(encoding="utf-8") for page in pages or PAGES)


def name_of(page: Path) -> str:
    """How a page is called in a test's id."""
    return str(page.relative_to(ROOT))


def code(*places: str) -> list[Path]:
    """The Python files at these places, folders with all that is below them."""
    paths = [ROOT / place for place in places]
    return sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py")))


def nodes(*places: str) -> Iterator[tuple[Path, ast.AST]]:
    """Every syntax node of these files."""
    for path in code(*places):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, node


def imported(*places: str) -> set[str]:
    """Full names of all modules that these files import, also inside functions."""
    found = set()
    for _, node in nodes(*places):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def roots(*places: str) -> set[str]:
    """First parts of all imported names."""
    return {name.partition(".")[0] for name in imported(*places)}


def models(kind: Any) -> Iterator[type[BaseModel]]:
    """The models in a type: in unions, lists and annotations too."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif isinstance(kind, types.UnionType) or typing.get_origin(kind) is not None:
        for part in typing.get_args(kind):
            yield from models(part)


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key that an administrator can set, as the file's dotted names, secrets as one."""
    for name, field in model.model_fields.items():
        inner = [one for one in models(field.annotation) if one.__name__ != "Secret"]
        if not inner:
            yield f"{prefix}{name}"
        for one in inner:
            yield from keys(one, f"{prefix}{name}.")


def constants(*places: str) -> str:
    """All texts in these files, one a line."""
    found = (node.value for _, node in nodes(*places) if isinstance(node, ast.Constant))
    return "\n".join(value for value in found if isinstance(value, str)).replace("`", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_told_of(command: str) -> None:
    """Each command stands in the README or the docs as it is typed."""
    assert f"chatledger {command}" in text_of()


def test_every_command_that_is_told_of_is_there() -> None:
    """Each `chatledger …` in the pages can be asked for its help."""
    told = re.findall(r"`chatledger ([a-z]+(?: [a-z]+)?)", text_of())
    assert len(told) > 20
    for words in {tuple(each.split()) for each in told}:
        group = COMMANDS[words[0]][0] if words[0] in COMMANDS else None
        assert group, f"there is no chatledger {words[0]}"
        asked = words if words[0] in GROUPS else words[:1]
        assert CliRunner().invoke(main, [*asked, "--help"]).exit_code == 0, words


def test_every_test_that_is_named_exists() -> None:
    """Architecture and decisions name tests by their functions."""
    there = {
        node.name for _, node in nodes("tests") if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    named = set(re.findall(r"`(test_\w+)`", text_of()))
    assert len(named) > 30
    assert not named - there


def test_every_promise_and_invariant_has_its_tests() -> None:
    """The seven promises in order, and no row of promises or invariants without a test."""
    page = text_of(ROOT / "docs/architecture.md").partition("## Invariants")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if re.match(r"\| [^-]", line)]
    promises = [row[0][0] for row in rows if re.match(r"\d\. ", row[0])]

    assert promises == list("1234567")
    assert [row for row in rows if not re.fullmatch(r"tests?|(`test_\w+`(, )?)+", row[1])] == []


def test_every_place_on_the_map_is_there() -> None:
    """A row of the code map names a place, then others beside it."""
    map_ = text_of(ROOT / "docs" / "architecture.md").partition("## Code map")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \|", map_, re.MULTILINE)
    assert len(rows) > 20
    for row in rows:
        first, *others = re.findall(r"`([^`]+)`", row)
        beside = (ROOT / first).parent
        assert (ROOT / first).exists(), first
        assert all((ROOT / other).exists() or (beside / other).exists() for other in others), row


def test_every_configuration_key_is_explained() -> None:
    """Each key stands in the example or, in backticks, in the docs."""
    example = (ROOT / "cli/example.toml").read_text(encoding="utf-8")
    known = set(re.findall(r"`([a-z0-9_.]+)`", text_of())) | set(re.findall(r"\b([a-z0-9_]+) *=", example))
    missing = [key for key in keys(Config) if not {key, *_tails(key)} & known and not _in_table(key)]
    assert not missing


def _tails(key: str) -> set[str]:
    """`a.b.c`, `b.c` and `c`."""
    parts = key.split(".")
    return {".".join(parts[at:]) for at in range(len(parts))}


def _in_table(key: str) -> bool:
    """Whether the last part is a word of an inline table such as `auth = { method, app_key }`."""
    shown = " ".join(re.findall(r"`[a-z]+ = \{([^`]*)\}`", text_of()))
    return key.rpartition(".")[2] in re.findall(r"[a-z0-9_]+", shown)


def test_the_example_is_valid_without_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `config example` prints loads as it is; secrets are read later, by who needs them."""
    shown = CliRunner().invoke(main, ["config", "example"])
    for variable in re.findall(r'env = "(\w+)"', shown.output):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "chatledger.toml"
    path.write_text(shown.output, encoding="utf-8")
    assert {connector.kind for connector in load(path).connector} == set(SOURCES)


@pytest.mark.parametrize("options", [[], ["--sandbox"]])
def test_the_evidence_section_of_the_examples_can_be_taken_as_it_stands(
    options: list[str], tmp_path: Path
) -> None:
    """Its marks taken away, the file is valid and names a key."""
    shown = CliRunner().invoke(main, ["config", "example", *options]).output
    path = tmp_path / "chatledger.toml"
    path.write_text(re.sub(r"^# (?=\[evidence\]|key_file)", "", shown, flags=re.MULTILINE), encoding="utf-8")
    assert load(path).evidence.key_file is not None


def test_every_command_has_its_exit_codes() -> None:
    """The table of operations has a row that names it."""
    page = (
        text_of(ROOT / "docs/operations.md")
        .partition("## Stopping, starting, exit codes")[2]
        .partition("\n## ")[0]
    )
    rows = re.findall(r"^\| (`.+?) \|", page, re.MULTILINE)
    named = {words.split()[0] for row in rows for words in re.findall(r"`([^`]+)`", row)}
    assert set(COMMANDS) - named == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the repository finds it, and its heading."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        place, _, anchor = target.partition("#")
        found = (page.parent / place).resolve() if place else page
        assert found.is_file(), f"{target} leads nowhere"
        headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    """Paths of our own code in backticks are there."""
    rooms = r"(?:schemas|stores|producers|streams|consumers|sandbox|cli|tests|docs)"
    for place in re.findall(rf"`({rooms}/[\w./-]*)`", page.read_text(encoding="utf-8")):
        assert "KIND" in place or (ROOT / place).exists(), place  # KIND: a source that does not exist yet


@pytest.mark.parametrize("source", SOURCES)
def test_sentences_are_those_of_the_code(source: str) -> None:
    """What the pages on sources quote as an error can be found in the code, piece by piece."""
    page = (ROOT / f"docs/sources/{source}.md").read_text(encoding="utf-8")
    said = constants(f"producers/{source}", "schemas/broker.py")
    quoted = re.findall(
        r"^\| (?:mails say )?[`*](.+?)[`*](?=,| \(log\)| \|)", page.partition("is wrong")[2], re.MULTILINE
    )
    assert len(quoted) > 8
    for sentence in quoted:
        for piece in re.split(r"[…;()]|\d+", sentence):
            assert piece.strip(" .,:") in said, piece


def test_sentences_of_the_page_on_trouble_are_those_of_the_code() -> None:
    """What docs/trouble.md quotes as seen can be found in the code, piece by piece."""
    before, section, after = of_libraries((ROOT / "docs/trouble.md").read_text(encoding="utf-8"))
    page = before + after if section else ""
    said = constants("cli", "consumers", "producers", "schemas", "stores", "streams")
    seen = "\n".join(re.findall(r"^\| (.+?) \|", page.partition("## Dead letters")[0], re.MULTILINE))
    quoted = [one for one in re.findall(r"`([^`]+)`", seen) if "…" in one]
    assert len(quoted) > 20
    for sentence in quoted:
        for piece in sentence.split("…"):
            assert piece.strip(" .,:;") in said, piece


def of_libraries(page: str) -> tuple[str, str, str]:
    """What stands before the lines that are not ours, those, and what stands behind them."""
    before, _, rest = page.partition("**Lines of its libraries**")
    section, _, after = rest.partition("\n## ")
    return before, section, after


def test_lines_of_libraries_are_those_of_the_installed_ones() -> None:
    """What docs/trouble.md quotes of them stands in their code, piece by piece; asyncio has one of them."""
    _, section, _ = of_libraries((ROOT / "docs/trouble.md").read_text(encoding="utf-8"))
    rows = "\n".join(re.findall(r"^\| (.+? \| .+?) \|", section, re.MULTILINE))
    # of the path, not of what is loaded: Faust puts a module without a spec in its own place
    found = [PathFinder.find_spec(name) for name in ("aiokafka", "asyncio", "faust", "mode")]
    assert None not in found
    homes = [Path(str(one.origin)).parent for one in found if one is not None]
    texts = [one.read_text(encoding="utf-8") for home in homes for one in home.rglob("*.py")]
    said = "\n".join([*texts, constants("cli", "streams")])
    quoted = [one for one in re.findall(r"`([^`]+)`", rows) if "worker." not in one and ".ms" not in one]
    assert len(quoted) > 20
    for sentence in quoted:
        for piece in sentence.split("…"):
            assert piece.strip(" .,:;") in said, piece


def test_pure_parts_know_no_server() -> None:
    """What decides is pure: it imports no client of anything, so it looks nothing up."""
    assert not SERVERS & roots(*(f"streams/{place}" for place in PURE))


def test_sources_never_write_to_kafka() -> None:
    """A source yields and the runner confirms: no source knows Kafka or the way to it."""
    found = imported(*(f"producers/{source}" for source in SOURCES))
    assert "kafka" not in {name.partition(".")[0] for name in found}
    assert not found & {f"producers.{name}" for name in ("sink", "desk", "rounds", "runner", "cursor")}


def test_stores_can_only_create_and_read() -> None:
    """The interface offers no way to overwrite or to delete."""
    offered = {name for name in vars(Store) if not name.startswith("_")}
    assert offered == {"create", "read", "stream", "stat", "exists", "copy", "list", "check", "close"}


def test_only_the_dispose_command_can_remove() -> None:
    """The way to remove files is opened in one place, and neither producers nor streams nor the other consumers know it."""
    ways = {"stores.disposal", "stores.azure_disposal"}
    rooms = ("cli", "consumers", "producers", "sandbox", "schemas", "streams")
    knowing = {
        str(path.relative_to(ROOT)) for path in code(*rooms) if ways & imported(str(path.relative_to(ROOT)))
    }
    assert knowing == {
        "cli/parts/disposing.py", "consumers/disposition/job.py", "consumers/disposition/removing.py",
        "consumers/disposition/contents.py",
    }  # fmt: skip
