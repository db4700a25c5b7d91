"""`chatledger check` for LivePerson: every right that collecting needs, tried without collecting."""

from collections.abc import Callable

from producers.liveperson.calls import AnsweredError
from producers.liveperson.client import Api, Query
from producers.liveperson.domains import HISTORY, USERS, Domains
from producers.liveperson.files import Files
from producers.liveperson.settings import LivePersonSettings
from producers.source import Finding, SourceError

_HISTORY_ADVICE = (
    "give the key the privilege Data > Conversation History / Messaging Interactions, "
    "or the OAuth 2 application the scope for it"
)
_USERS_ADVICE = "give the key the privilege Administration > Users, or the scope users.external"
_NO_FILES = "files are named in the mails but not fetched: set files.user and files.key"


def findings(
    settings: LivePersonSettings, domains: Domains, api: Api, files: Files, now_ms: Callable[[], int]
) -> list[Finding]:
    """What was tried, in the order in which things depend on each other; later ones are left out when hopeless."""
    lookup = _tried("domain lookup", domains.ask)
    if not lookup.ok:
        return [lookup]
    return [
        lookup,
        _tried("host of the history", lambda: domains.url(HISTORY, "")),
        _tried("host of the users", lambda: domains.url(USERS, "")),
        _tried(
            "history", lambda: api.page(api.search_body(Query(now_ms() - 1, now_ms()), 0, 1)), _HISTORY_ADVICE
        ),
        _tried("users", api.users, _USERS_ADVICE),
        _tried("file storage", files.check)
        if settings.files
        else Finding("file storage", ok=True, advice=_NO_FILES),
    ]


def _tried(what: str, attempt: Callable[[], object], privilege: str = "") -> Finding:
    """Errors say themselves what to do; only a right that is missing (403) has a name that they don't know."""
    try:
        attempt()
    except AnsweredError as error:
        said = str(error).partition("; ")[0] if privilege and error.status == 403 else ""
        return Finding(what, ok=False, advice=f"{said}; {privilege}" if said else str(error))
    except (SourceError, ValueError) as error:
        return Finding(what, ok=False, advice=str(error))
    return Finding(what, ok=True)
