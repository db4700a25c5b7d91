"""The sources that there are, as far as commands know them: how to configure, open and sign in at each."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, Field

from producers.liveperson.settings import LivePersonSettings
from producers.webex.settings import WebexSettings

if TYPE_CHECKING:
    from producers.rollcall import RollCall
    from producers.source import Contents, Source

ConnectorSettings = LivePersonSettings | WebexSettings
Connector = Annotated[ConnectorSettings, Field(discriminator="kind")]
Limits = TypeVar("Limits", bound=BaseModel)


def open_source(
    settings: ConnectorSettings, contents: "Contents", state: Path, stop: threading.Event
) -> "Source":
    """The source of this connector, its caches in folder `state`; it gives up waiting when `stop` is set."""
    match settings:
        case LivePersonSettings():
            from producers.liveperson.collector import LivePersonSource  # noqa: PLC0415 - only what is collected
            from producers.waiting import Waiting  # noqa: PLC0415

            return LivePersonSource(settings, contents, state, check_stop=Waiting(stop).check)
        case WebexSettings():
            from producers.webex.collector import WebexSource  # noqa: PLC0415 - as above

            return WebexSource(settings, contents, state, stop=stop)


def roll_call(settings: ConnectorSettings, stop: threading.Event) -> "RollCall":
    """What asks this source what it shows of a time, apart from any collector; it gives up waiting when `stop` is set."""
    match settings:
        case LivePersonSettings():
            from producers.liveperson.rollcall import LivePersonRollCall  # noqa: PLC0415 - as above
            from producers.waiting import Waiting  # noqa: PLC0415

            return LivePersonRollCall(settings, check_stop=Waiting(stop).check)
        case WebexSettings():
            from producers.webex.rollcall import WebexRollCall  # noqa: PLC0415 - as above

            return WebexRollCall(settings, stop=stop)


def sign_in(settings: ConnectorSettings, show: Callable[[str], None]) -> str | None:
    """Get a person's consent, whose address `show` is given, and say what came of it; None where none is needed."""
    match settings:
        case LivePersonSettings():
            return None
        case WebexSettings():
            from producers.webex.login import login  # noqa: PLC0415 - as above

            scope = login(settings, show)
            return f"signed in, tokens are in {settings.token_file}; granted: {scope or 'not said'}"


def impatient(settings: ConnectorSettings, seconds: float) -> ConnectorSettings:
    """The same connector with at most this much time for each call: somebody waits for the answer."""
    match settings:
        case LivePersonSettings(calls=calls):
            return settings.model_copy(
                update={"calls": _hurried(calls, seconds, "retry_seconds", "timeout_seconds")}
            )
        case WebexSettings():
            return _hurried(settings, seconds, "retry_seconds", "request_seconds")


def _hurried(model: Limits, seconds: float, *names: str) -> Limits:
    return model.model_copy(update={name: min(getattr(model, name), seconds) for name in names})
