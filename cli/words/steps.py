"""Progress for people on standard error: bars on a terminal, one line a step elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import click

LINE_SECONDS = 10.0


class Steps:
    """Tells what goes on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Something of unknown length."""
        began = time.monotonic()
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 - only where there is a terminal

            with Console(stderr=True).status(title):
                yield
        else:
            yield
        click.echo(f"✓ {title} ({time.monotonic() - began:.1f} s)", err=True)

    @contextmanager
    def bar(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """Something that says (done, total); where there is no terminal, a line now and then if it takes long."""
        began = time.monotonic()
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415
            from rich.progress import Progress  # noqa: PLC0415 - as above

            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(title, total=None)
                yield lambda done, total: progress.update(task, completed=done, total=total)
        else:
            yield Lines(title).tell
        click.echo(f"✓ {title} ({time.monotonic() - began:.1f} s)", err=True)


class Lines:
    """Progress of a long step as lines, for logs."""

    def __init__(self, title: str, every_s: float = LINE_SECONDS) -> None:
        self._title, self._every_s = title, every_s
        self._due = time.monotonic() + every_s

    def tell(self, done: int, total: int) -> None:
        """A line, unless one was written a moment ago."""
        now = time.monotonic()
        if total and now >= self._due:
            self._due = now + self._every_s
            click.echo(f"  {self._title}: {done:,} of {total:,}", err=True)
