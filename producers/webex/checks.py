"""`chatledger check` for Webex: each right that collecting needs, tried without collecting."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from producers.source import Finding, SourceError
from producers.webex.auth import origin, secret_of
from producers.webex.client import GONE, Client, accepted
from producers.webex.directory import as_object
from producers.webex.feed import listing
from producers.webex.reading import Json
from producers.webex.slices import iso

WEEK_MS = 7 * 86_400_000
OFFICER = (
    "give the account the Compliance Officer role in Control Hub, and the integration the configured scopes"
)


@dataclass
class _Trial:
    client: Client
    me: str = ""
    data: list[Json] = field(default_factory=list)


def findings(client: Client) -> list[Finding]:
    """One line for the secret and each right; after a refused token the rest is left out."""
    trial = _Trial(client)
    found = [_tried("client secret", trial, _secret), _tried("access token", trial, _token)]
    if found[1].ok:
        found += [_tried(what, trial, probe) for what, probe in _PROBES]
    return found


def _tried(what: str, trial: _Trial, probe: Callable[[_Trial], str]) -> Finding:
    try:
        return Finding(what, ok=True, advice=probe(trial))
    except SourceError as error:
        return Finding(what, ok=False, advice=str(error))


def _secret(trial: _Trial) -> str:
    secret_of(trial.client.settings)
    return "is there; whether it is right shows when the access token is renewed, every 12 days or so"


def _token(trial: _Trial) -> str:
    trial.client.authority.token()
    me = as_object(trial.client.get("/people/me").body) or {}
    trial.me = str(me.get("id", ""))
    return ""


def _events(trial: _Trial) -> str:
    now_ms = trial.client.now_ms()
    query = {"resource": "messages", "from": iso(now_ms - WEEK_MS), "to": iso(now_ms), "max": "100"}
    for batch in listing(trial.client, "/events", query):
        items = (as_object(raw) or {} for raw in batch.items)
        trial.data += [data for each in items if isinstance(data := each.get("data"), dict)]
        if trial.data:
            return ""
    return "no messages within a week, so the rights below can't be tried"


def _message(trial: _Trial) -> str:
    return _one(trial, "id", "/messages/{}")


def _members(trial: _Trial) -> str:
    return _one(trial, "roomId", "/memberships?max=1&roomId={}")


def _space(trial: _Trial) -> str:
    return _one(trial, "roomId", "/rooms/{}")


def _people(trial: _Trial) -> str:
    trial.client.get("/people", {"id": trial.me})
    return ""


def _contents(trial: _Trial) -> str:
    urls = (url for data in trial.data for url in _urls(data))
    url = next((each for each in urls if origin(each) == origin(trial.client.settings.base_url)), None)
    if url is None:
        return "no file within the last messages, so this right can't be tried"
    trial.client.retried(lambda: trial.client.send("HEAD", url).close())
    return ""


def _one(trial: _Trial, name: str, path: str) -> str:
    """Read one thing that the last events name; one that is gone or foreign proves nothing either way."""
    idents = [str(data[name]) for data in trial.data if isinstance(data.get(name), str)][:5]
    for ident in idents:
        answer = trial.client.fetch(trial.client.url(path.format(quote(ident, safe=""))))
        if answer.status not in GONE - {403}:
            accepted(answer)
            return ""
    return "nothing to try it on" if not idents else f"Webex showed none of {len(idents)}; {OFFICER}"


def _urls(data: Json) -> Iterator[str]:
    files = data.get("files")
    yield from (each for each in files if isinstance(each, str)) if isinstance(files, list) else ()


_PROBES: tuple[tuple[str, Callable[[_Trial], str]], ...] = (
    ("events feed", _events),
    ("messages", _message),
    ("spaces", _space),
    ("memberships", _members),
    ("people", _people),
    ("files", _contents),
)
