"""A mail format that was released is frozen: its golden files by their hashes, and the hashes by the changelog.

Until a release a golden file may be written anew. With the release, `python -m tests.streams.frozen` writes
`golden/N/SHA256SUMS` (as `sha256sum -c` reads it) and prints a line for the release's section of CHANGELOG.md. From
then on other bytes under the same format fail against the sums, and other sums fail against the changelog, whose
released sections nobody edits unnoticed. Files of new cases may be added; the next release can freeze them too.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from streams.mail.render import RENDERERS
from tests.streams.mail_golden import GOLDEN

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
SUMS = "SHA256SUMS"
_LINE = re.compile(r"Mail format (\d+) is frozen: `([0-9a-f]{64})`")
_RELEASE = re.compile(r"^## \[(?=\d)", re.MULTILINE)


def faults(changelog: str, golden: Path, formats: Collection[int]) -> Iterator[str]:
    """A sentence for each format of a release that is not as it was frozen; nothing while nothing is released."""
    unreleased, *released = _RELEASE.split(changelog)
    if not released:
        return
    frozen = {int(number): digest for number, digest in _LINE.findall("".join(released))}
    for number in sorted({*formats, *frozen}):
        if number not in formats:
            yield f"format {number} was released and this version can't write it any more"
        elif number in frozen:
            yield from _changes(golden / str(number), frozen[number])
        elif f"Mail format {number}" not in unreleased:
            yield f"format {number} is in a release and not frozen: python -m tests.streams.frozen says how"


def _changes(folder: Path, digest: str) -> Iterator[str]:
    sums = folder / SUMS
    if not sums.exists() or hashlib.sha256(sums.read_bytes()).hexdigest() != digest:
        yield f"{folder.name}/{SUMS} is not the one that CHANGELOG.md names: a released format keeps its bytes"
        return
    for line in sums.read_text(encoding="ascii").splitlines():
        want, _, name = line.partition("  ")
        file = folder / name
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != want:
            yield f"{folder.name}/{name} has other bytes than were released: add a format version instead"


def freeze(folder: Path) -> str:
    """Write the sums of a format's golden files; the line for the changelog."""
    files = sorted(folder.glob("*.eml"))
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / SUMS).write_text("".join(lines), encoding="ascii")
    digest = hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()
    return f"Mail format {folder.name} is frozen: `{digest}`"


def main() -> None:
    """Freeze the newest format."""
    print(f"For the release's section of {CHANGELOG.name}: {freeze(GOLDEN / str(max(RENDERERS)))}")


if __name__ == "__main__":
    main()
