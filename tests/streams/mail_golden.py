"""Writes golden mails that are missing: `python -m tests.streams.mail_golden`.

It never overwrites. A mail of a format that was released must keep its bytes; who changes them adds a format
version to `streams.mail.render.RENDERERS` and a folder here. Before a release, delete the file first; with one,
formats are frozen (tests/streams/frozen.py).
"""

from pathlib import Path

from streams.mail.render import render
from tests.streams.mail_cases import CASES, mail_bytes

GOLDEN = Path(__file__).parent / "golden"


def golden_mails(case: str) -> dict[Path, bytes]:
    """The mails of a case as they are written now, by the file that holds them."""
    closed = CASES[case]()
    folder = GOLDEN / str(closed["settings"]["format"])
    return {folder / f"{case}-{mail['part']}.eml": mail_bytes(mail) for mail in render(closed)}


def main() -> None:
    """Write what is missing, and say so."""
    for case in CASES:
        for path, data in golden_mails(case).items():
            if not path.exists():
                path.write_bytes(data)
                print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
