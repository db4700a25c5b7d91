"""`chatledger replay --into mailbox`: what the ledger says against what stands in the mailboxes."""

from contextlib import closing
from typing import TYPE_CHECKING

import click

from cli.import_ import NOT_CONFIGURED
from cli.parts.common import new_codec
from schemas.slices import slice_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.parts.config import Config
    from consumers.importing.again import Looked, What
    from schemas.records import CopyResult, Delivery
    from streams.replay.selection import Selection


def into_mailboxes(
    config: "Config", selection: "Selection", what: "What", tell: "Callable[[int, int], None]"
) -> "Looked":
    """Look for the selected copies and append what is asked for. ClickException in one sentence; KafkaError, StoreError.

    What a live importer has still to do is left to it: two that append at the same time would double it.
    """
    from consumers.drain import group_members  # noqa: PLC0415 - see cli.main
    from consumers.importing import again  # noqa: PLC0415
    from consumers.importing.desk import Desk  # noqa: PLC0415
    from consumers.importing.importer import pauses  # noqa: PLC0415
    from consumers.importing.items import ident  # noqa: PLC0415
    from consumers.importing.opening import open_attempts, open_target  # noqa: PLC0415
    from consumers.importing.troubles import TroubleError  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    settings = config.import_
    if settings is None:
        raise click.ClickException(NOT_CONFIGURED)

    def is_selected(delivery: "Delivery", copy: "CopyResult") -> bool:
        named = selection.names(delivery["connector_uid"], delivery["conversation"])
        return named and selection.within(slice_day(delivery)) and selection.wants(copy["mailbox"])

    codec = new_codec(config.kafka)
    try:
        target = open_target(settings)
        wanted = again.copies_to_look_for(config.kafka, codec, is_selected, target.name, what)
        lives = bool(group_members(config.kafka, settings.group))
        left = again.unfinished(config.kafka, codec, (one for _, one in wanted)) if lives else set[bytes]()
        mine = [(partition, one) for partition, one in wanted if ident(one) not in left]
        copies, attempts = open_attempts(
            settings, lambda: open_store(config.store), config.state_dir / "import"
        )
        with closing(copies):
            desk = Desk(target, attempts.once, threads=settings.target.connections, pauses=pauses(settings))
            done = again.look(config.kafka, codec, desk, mine, what, tell)
    except (TroubleError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    done.selected, done.left = len(wanted), len(wanted) - len(mine)
    return done
