"""What differs between cluster and catalogue, for people: a line each, the command that mends it below, whole."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from cli.words.advice import runnable
from cli.words.tables import width
from schemas.admin import Drift


def told(drifts: list[Drift], config_path: Path) -> Iterator[str]:
    """Lines; topics that are missing come as one fault. Lines with commands are not wrapped, so they can be copied."""
    missing = [drift for drift in drifts if drift.setting == "existence"]
    if missing:
        yield from textwrap.wrap(
            missing_words(missing), width(), subsequent_indent="    ", break_on_hyphens=False
        )
        yield f"    {runnable(missing[0].advice, config_path)}"
    for drift in drifts:
        if drift not in missing:
            yield f"{drift.topic}: {drift.setting} is {drift.found}, expected {drift.expected}"
            yield f"    {runnable(drift.advice, config_path)}"


def missing_words(missing: list[Drift]) -> str:
    """How many topics are missing, and which."""
    are = "1 topic is" if len(missing) == 1 else f"{len(missing)} topics are"
    return f"{are} missing: {', '.join(drift.topic for drift in missing)}"
