"""From settings to a target, and to what puts items there."""

from collections.abc import Callable
from pathlib import Path

from consumers.importing.attempt import Attempts
from consumers.importing.copies import Copies
from consumers.importing.files import EmlTarget, MaildirTarget
from consumers.importing.imap import ImapTarget
from consumers.importing.settings import EmlSettings, ImapSettings, ImportSettings, MaildirSettings
from stores.interface import Store

AnyTarget = ImapTarget | MaildirTarget | EmlTarget
"""What there is; each can be asked by `check`, without a mailbox, whether any could be opened at all."""


def open_target(settings: ImportSettings) -> AnyTarget:
    """The target that the settings name; nothing is contacted yet. ValueError when a secret can't be read."""
    match settings.target:
        case ImapSettings() as one:
            return ImapTarget(one, folder=settings.folder, read=settings.read)
        case MaildirSettings() as one:
            return MaildirTarget(one.path, settings.folder, settings.read)
        case EmlSettings() as one:
            return EmlTarget(one.path)


def open_attempts(
    settings: ImportSettings, open_store: Callable[[], Store], folder: Path
) -> tuple[Copies, Attempts]:
    """The copies, to be closed at the end, and what puts them into mailboxes. StoreError."""
    copies = Copies(open_store, folder)
    return copies, Attempts(
        copies, content_class=settings.content_class, max_mail_bytes=settings.max_mail_bytes
    )
