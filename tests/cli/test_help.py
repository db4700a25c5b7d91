"""What a person sees first: help at once, without the libraries that only work needs."""

import re
import subprocess
import sys

import pytest

from cli.main import COMMANDS
from tests.cli.playground import REPOSITORY, chatledger

HEAVY = {
    "aiohttp", "aiokafka", "authlib", "azure", "fastavro", "faust", "jgo", "kafka",
    "mode", "pydantic", "requests", "rich", "stamina",
}  # fmt: skip
AFTER_HELP = """
import sys
from cli.main import main
try:
    main(["--help"])
finally:
    print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_help_loads_nothing_heavy() -> None:
    """No library of Kafka, Azure, Faust or the validation is imported to print a page of text."""
    done = subprocess.run(
        [sys.executable, "-c", AFTER_HELP],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        timeout=60,
    )
    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert "click" in loaded
    assert not loaded & HEAVY


def test_every_module_is_a_command() -> None:
    """`ls cli` shows what can be run: a module for each command, helpers in packages below."""
    modules = {path.stem for path in (REPOSITORY / "cli").glob("*.py")} - {"__init__", "main"}
    assert {name.removesuffix("_") for name in modules} == set(COMMANDS)  # import_: a word of Python


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str) -> None:
    """Each name leads to a command, and its page says what it does."""
    done = chatledger(command, "--help")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"Usage: .*{command}", done.stdout)


def test_an_unknown_command_is_said() -> None:
    """Exit code 2, as every usage error."""
    done = chatledger("archve")
    assert done.returncode == 2
    assert "No such command" in done.stderr
