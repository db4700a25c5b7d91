"""Mails of a format keep their bytes: compared with files in the tree."""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.streams.mail_cases import CASES
from tests.streams.mail_golden import GOLDEN, golden_mails

ROOT = Path(__file__).parents[2]
HASHES = """
import hashlib
from tests.streams.mail_cases import CASES
from tests.streams.mail_golden import golden_mails
for case in CASES:
    for path, data in golden_mails(case).items():
        print(path.name, hashlib.sha256(data).hexdigest())
"""


@pytest.mark.parametrize("case", CASES)
def test_bytes_are_those_of_the_golden_files(case: str) -> None:
    """A change of bytes needs a new format version; see tests/streams/mail_golden.py."""
    for path, data in golden_mails(case).items():
        assert path.exists(), f"{path.name} is missing: python -m tests.streams.mail_golden writes it"
        assert data == path.read_bytes(), f"{path.name}: other bytes under the same format version"


def test_every_golden_file_has_its_case() -> None:
    """A file that no case writes any more would guard nothing."""
    assert {path for case in CASES for path in golden_mails(case)} == set(GOLDEN.glob("*/*.eml"))


def _python(version: str) -> str | None:
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, Path.home().glob(f".pyenv/versions/{version}*/bin/python")),
    ]
    for candidate in filter(None, candidates):
        done = subprocess.run(
            [candidate, "-c", "import sys; print(sys.version)"], capture_output=True, check=False, text=True
        )
        if done.returncode == 0 and done.stdout.startswith(version):
            return candidate
    return None


def _hashes(python: str, **environment: str) -> dict[str, str]:
    spec = find_spec("tzdata")
    assert spec is not None
    path = os.pathsep.join([str(ROOT), str(Path(str(spec.origin)).parents[1])])
    done = subprocess.run(
        [python, "-c", HASHES], env={"PYTHONPATH": path, "PATH": os.environ["PATH"], **environment}, capture_output=True,
        check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pairs = [line.split(" ") for line in done.stdout.splitlines()]
    return dict(pairs)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Kiritimati"},
        {"PYTHONHASHSEED": "1", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "America/St_Johns"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONTZPATH": ""},
    ],
    ids=["seed 0", "far east", "Turkish", "plain C, no system zones"],
)
def test_environment_changes_no_byte(environment: dict[str, str]) -> None:
    """Hash seed, time zone, locale and the system's zone files leave the mails as they are."""
    assert _hashes(sys.executable, **environment) == _expected()


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_python_version_changes_no_byte(version: str) -> None:
    """A newer Python writes the same mails."""
    python = _python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    assert _hashes(python) == _expected()


def _expected() -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in GOLDEN.glob("*/*.eml")}
