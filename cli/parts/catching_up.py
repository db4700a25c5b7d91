"""Waiting for what is under way: what is missing may only be late."""

import time
from typing import TYPE_CHECKING

from consumers.drain import IMPORT, STAGES, NotDrainedError, backlogs, group_members, wait_until_drained

if TYPE_CHECKING:
    from cli.parts.config import Config
    from consumers.drain import Backlog, Stages

LIVE_PATIENCE_S = 30.0
RESTART_S = 40.0
"""For so long one who has just ended is waited for: the longest pause of `run` before it starts a worker again, and its start."""


def caught_up(config: "Config") -> bool:
    """Whether workers, or importers behind them, did meanwhile what was waiting for them: then it is worth another look.

    Returns when nothing waits, or nothing has moved for 30 s. KafkaError. Blocks.
    """
    did = _did(config, config.worker.group, STAGES)
    if config.import_ is not None:
        did |= _did(config, config.import_.group, IMPORT)
    return did


def _did(config: "Config", group: str, stages: "Stages") -> bool:
    if not _is_there(config, group, stages):
        return False
    waited = []

    def look(now: "list[Backlog]") -> None:
        waited.append(sum(one.waiting for one in now))

    try:
        wait_until_drained(config.kafka, group, stages=stages, patience_s=LIVE_PATIENCE_S, tell=look)
    except NotDrainedError:
        return True
    return any(waited)


def _is_there(config: "Config", group: str, stages: "Stages") -> bool:
    """Whether anybody works; where records wait for a group that has worked before, somebody may be about to start again."""
    until = time.monotonic() + RESTART_S
    while not group_members(config.kafka, group):
        left = backlogs(config.kafka, group, stages)
        has_worked = any(one.waiting < one.total for one in left)
        if time.monotonic() > until or not has_worked or not any(one.waiting for one in left):
            return False
        time.sleep(0.5)
    return True
