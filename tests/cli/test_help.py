"""What a person sees first: help at once, without the libraries that only work needs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import COMMANDS
from tests.cli.playground import REPOSITORY, chatledger

HEAVY = {
    "aiohttp", "aiokafka", "authlib", "azure", "fastavro", "faust", "jgo", "kafka",
    "mode", "pydantic", "requests", "rich", "stamina",
}  # fmt: skip
AFTERWARDS = """
import sys
from cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
"""
HEALTH = (["worker"], ["monitor"], ["collector", "webex-demo"], ["evidence"])
CONFIGURED = """
state_dir = "."
[kafka]
bootstrap = "127.0.0.1:1"
[evidence]
key_file = "key"
[[connector]]
uid = "webex-demo"
"""
"""As much of a configuration as a health check asks for; nothing listens at this port."""


def loaded_by(*arguments: str) -> set[str]:
    """The packages that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", AFTERWARDS, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        timeout=60,
    )
    return set(done.stdout.partition("LOADED")[2].split())


def test_help_loads_nothing_heavy() -> None:
    """No library of Kafka, Azure, Faust or the validation is imported to print a page of text."""
    loaded = loaded_by("--help")
    assert "click" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("words", HEALTH, ids=" ".join)
def test_a_health_check_loads_one_client_of_kafka_and_little_else(words: list[str], tmp_path: Path) -> None:
    """It is asked every few seconds beside each process: what it costs is taken from those whom it watches."""
    path = tmp_path / "c.toml"
    path.write_text(CONFIGURED)
    (tmp_path / "monitor.sqlite").touch()
    loaded = loaded_by("health", *words, "-c", str(path))
    assert {"kafka", "pydantic"} <= loaded
    assert not loaded & (HEAVY - {"kafka", "pydantic"} | {"asyncio"})


def test_a_start_loads_no_tables_for_people() -> None:
    """A worker or collector that finds its topics as they must be prints none."""
    asked = "import sys, cli.parts.ready; print('LOADED', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=REPOSITORY, timeout=60
    )
    assert "rich" not in done.stdout.split()


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
