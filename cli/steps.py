"""Progress for people on standard error: bars on a terminal, one line a step elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import click


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
        """Something that says (done, total)."""
        began = time.monotonic()
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415
            from rich.progress import Progress  # noqa: PLC0415 - as above

            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(title, total=None)
                yield lambda done, total: progress.update(task, completed=done, total=total)
        else:
            yield lambda _done, _total: None
        click.echo(f"✓ {title} ({time.monotonic() - began:.1f} s)", err=True)
