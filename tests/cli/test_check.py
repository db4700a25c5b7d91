"""`chatledger check`: what works and what does not, each with what to do, never with a secret."""

import re
from pathlib import Path

import pytest

from cli.demonstration.site import Site
from cli.parts.unfilled import PLACEHOLDERS
from sandbox.liveperson.auth import Credentials
from sandbox.webex.tokens import CLIENT_SECRET
from tests.cli.playground import REPOSITORY, Installation, Result, chatledger, eventually, install
from tests.servers import free_port

pytestmark = pytest.mark.kafka
WRONG = "wrong-secret-77"


def failures(result: Result) -> list[str]:
    """The lines that say FAIL; each has something to do in it."""
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert result.returncode == bool(lines)
    for line in lines:
        what, _, advice = line.removeprefix("FAIL").strip().partition(": ")
        assert what
        assert len(advice.split()) > 4, line
    return lines


def test_everything_is_well_on_the_playground(fresh: Installation) -> None:
    """Configuration, mapping, Kafka, topics, store, and every right that each source needs; the state is left alone."""
    before = sorted(fresh.folder.rglob("*"))
    done = fresh.chatledger("check")
    assert failures(done) == []
    said = done.stdout
    for what in (
        "configuration",
        "user mapping",
        "Kafka at",
        "topics as in",
        "folder store",
        "liveperson: ",
        "webex: ",
    ):
        assert f"ok    {what}" in said
    after = {path for path in fresh.folder.rglob("*") if "archive" not in path.parts}
    assert after == {path for path in before if "archive" not in path.parts}


@pytest.mark.parametrize("source", ["liveperson", "webex"])
def test_a_wrong_secret_is_said_and_not_shown(site: Site, tmp_path: Path, source: str) -> None:
    """The other source is checked all the same; neither the wrong nor the right secret is printed."""
    secret = tmp_path / "secret"
    secret.write_text(WRONG, encoding="utf-8")
    name = {"liveperson": "lp", "webex": "webex"}[source]
    changes = {f'"{site.folder.resolve() / "secrets" / name}"': f'"{secret}"'}
    if source == "webex":  # without an access token at hand, the secret is needed to get one
        token = tmp_path / "token"
        token.touch(mode=0o600)
        token.write_text(
            '{"refresh_token": "stale-token-77", "access_token": "", "expires_ms": 1}', encoding="utf-8"
        )
        changes[f'"{site.folder.resolve() / "state" / "webex.token"}"'] = f'"{token}"'
    made = install(site, tmp_path / f"secret-{source}", changes=changes)
    made.chatledger("topics", "create")
    done = made.chatledger("check")
    lines = failures(done)
    assert lines
    assert all(f" {source}: " in line for line in lines)
    for precious in (WRONG, "stale-token-77", Credentials().client_secret, CLIENT_SECRET):
        assert precious not in done.stdout + done.stderr


def test_a_missing_token_file_asks_for_the_login(site: Site, tmp_path: Path) -> None:
    """The sentence names the command."""
    token = f'"{site.folder.resolve() / "state" / "webex.token"}"'
    made = install(site, tmp_path / "tokenless", only="webex", changes={token: f'"{tmp_path / "none"}"'})
    made.chatledger("topics", "create")
    (line,) = failures(made.chatledger("check"))
    assert "chatledger login" in line


def test_a_secret_that_is_not_there_is_said(site: Site, tmp_path: Path) -> None:
    """The file or variable that should hold it is named."""
    old = f'{{ file = "{site.folder.resolve() / "secrets" / "lp"}" }}'
    made = install(site, tmp_path / "unset", only="liveperson", changes={old: '{ env = "NOT_SET_77" }'})
    made.chatledger("topics", "create")
    lines = failures(made.chatledger("check"))
    assert lines
    assert all(line.endswith("NOT_SET_77 is not set; put the secret there") for line in lines)


def test_a_secret_of_webex_that_is_not_there_is_said(site: Site, tmp_path: Path) -> None:
    """Also where an access token of an earlier day still works; a secret that is there is a note: it may be wrong."""
    old = f'{{ file = "{site.folder.resolve() / "secrets" / "webex"}" }}'
    made = install(site, tmp_path / "unset-webex", only="webex", changes={old: '{ env = "NOT_SET_77" }'})
    made.chatledger("topics", "create")
    done = made.chatledger("check")
    (line,) = failures(done)
    assert "webex: client secret: client_secret of webex: environment variable NOT_SET_77 is not set" in line
    assert "ok    webex: events feed" in done.stdout


def test_an_example_that_nobody_filled_in_asks_no_real_host(tmp_path: Path) -> None:
    """Both sources and a store in the cloud are refused by their keys, within the time that Kafka's absence takes."""
    path = tmp_path / "chatledger.toml"
    text = (REPOSITORY / "cli" / "example.toml").read_text(encoding="utf-8")
    text = text.replace("localhost:9092", f"127.0.0.1:{free_port()}").replace("# files =", "files =")
    cloud = 'kind = "azure"\ncontainer = "chats"\naccount_url = "https://ACCOUNT.blob.core.windows.net"'
    path.write_text(text.replace('kind = "folder"\npath = "archive"', cloud, 1), encoding="utf-8")
    done = chatledger("check", "-c", str(path))
    lines = [line for line in failures(done) if "this is still the example" in line]
    assert len(lines) == 3
    for what in (
        "lpretail: this is still the example: fill in account_id, auth.client_id, files.user in ",
        "webexmain: this is still the example: fill in client_id in ",
        "store: this is still the example: fill in account_url in ",
    ):
        assert f"FAIL  {what}{path}" in done.stdout


def test_every_placeholder_of_the_example_is_known() -> None:
    """Values in capitals are for people to replace; names of environment variables are not."""
    text = (REPOSITORY / "cli" / "example.toml").read_text(encoding="utf-8")
    named = set(re.findall(r'(\w+) = "([A-Z]+_[A-Z_]+)"', text))
    assert {value for key, value in named if key not in {"env", "connection_string_env"}} == PLACEHOLDERS


def test_kafka_down_is_said_and_the_rest_is_checked(site: Site, tmp_path: Path) -> None:
    """Within half a minute, with the address that was tried."""
    nowhere = f"127.0.0.1:{free_port()}"
    old = f'bootstrap = "{site.config.kafka.bootstrap}"'
    made = install(site, tmp_path / "brokerless", changes={old: f'bootstrap = "{nowhere}"'})
    done = made.chatledger("check", timeout_s=40)
    (line,) = failures(done)
    assert f"Kafka at {nowhere}" in line
    assert "ok    webex: events feed" in done.stdout
    for command in (["status"], ["mapping", "apply"]):
        failed = made.chatledger(*command, timeout_s=40)
        assert failed.returncode == 1
        assert nowhere in failed.stderr
        assert "Traceback" not in failed.stderr


def test_a_monitor_without_kafka_says_so_once_and_in_a_sentence(site: Site, tmp_path: Path) -> None:
    """Where, why, and which key to correct; it waits."""
    nowhere = f"127.0.0.1:{free_port()}"
    old = f'bootstrap = "{site.config.kafka.bootstrap}"'
    made = install(site, tmp_path / "unwatched", changes={old: f'bootstrap = "{nowhere}"'})
    output = made.folder / "output"
    with made.running("monitor") as process:
        eventually(lambda: b"WARNING" in output.read_bytes(), 40)
        assert process.poll() is None
    said = output.read_text(encoding="utf-8")
    assert f"Kafka at {nowhere} can't be reached: nothing listens there; start it, or correct" in said
    assert "; waiting for it" in said
    assert "KafkaTimeoutError" not in said


def test_a_store_that_cannot_be_written_is_said(site: Site, tmp_path: Path) -> None:
    """A folder below a file; an Azure account that nobody serves."""
    path = f'path = "{tmp_path / "full" / "archive"}"'
    made = install(
        site, tmp_path / "full", only="webex", changes={path: f'path = "{site.config_path}/archive"'}
    )
    made.chatledger("topics", "create")
    (line,) = failures(made.chatledger("check"))
    assert "folder store" in line
    assert "archive" in line

    string = tmp_path / "string"
    string.write_text(
        f"DefaultEndpointsProtocol=http;AccountName=chats;AccountKey=c2VjcmV0Nzc3Nw==;"
        f"BlobEndpoint=http://127.0.0.1:{free_port()}/chats;", encoding="utf-8"
    )  # fmt: skip
    text = made.path.read_text(encoding="utf-8").replace(
        'kind = "folder"', 'kind = "azure"\ncontainer = "chats"'
    )
    text = text.replace("durable = false", f'connection_string_file = "{string}"')
    made.path.write_text(text.replace(f'path = "{site.config_path}/archive"\n', ""), encoding="utf-8")
    done = made.chatledger("check")
    (line,) = failures(done)
    assert "azure store" in line
    assert "c2VjcmV0" not in done.stdout + done.stderr
