"""The configuration: the example is valid, and every fault names file, key and what is expected."""

from pathlib import Path

import pytest

from cli.parts.config import ConfigError, load
from consumers.importing.settings import MaildirSettings
from producers.liveperson.settings import LivePersonSettings, OAuth2Keys
from producers.webex.settings import WebexSettings
from sandbox.liveperson.auth import Credentials
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET
from tests.cli.playground import REPOSITORY, chatledger

SOUND = """
state_dir = "state"
[kafka]
bootstrap = "localhost:9092"
[store]
kind = "folder"
path = "archive"
[mapping]
domains = ["bank.example"]
[[connector]]
kind = "webex"
uid = "wx"
name = "Webex"
client_id = "id"
client_secret = { env = "WEBEX" }
token_file = "wx.token"
[[connector]]
kind = "liveperson"
uid = "lp"
name = "LivePerson"
account_id = "70012345"
auth = { method = "oauth2", client_id = "id", client_secret = { file = "secret" } }
"""
PRECIOUS = "hunter2hunter2"


def faults(folder: Path, old: str, new: str) -> list[str]:
    """The sound configuration with one change, and what is said of it."""
    assert old in SOUND
    path = folder / "chatledger.toml"
    path.write_text(SOUND.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert PRECIOUS not in str(caught.value)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_the_sound_one_is_sound(tmp_path: Path) -> None:
    """Relative paths count from the file's own folder."""
    path = tmp_path / "chatledger.toml"
    path.write_text(SOUND, encoding="utf-8")
    config = load(path)
    assert config.state_dir == tmp_path / "state"
    assert config.named("wx").name == "Webex"
    with pytest.raises(ConfigError, match="no connector zz; there are wx, lp"):
        config.named("zz")


def test_the_example_is_valid(tmp_path: Path) -> None:
    """What `config example` prints passes `config validate`, comments and all."""
    path = tmp_path / "chatledger.toml"
    example = chatledger("config", "example").stdout
    path.write_text(example, encoding="utf-8")
    done = chatledger("config", "validate", "-c", str(path))
    assert done.returncode == 0, done.stderr
    assert "valid, 2 connectors: lpretail, webexmain" in done.stdout
    switched_on = "\n".join(  # what is commented out must be right as well
        line.removeprefix("# ") if line.startswith(("# sasl", "# sec", "# schema", "# file", "# catch", "# files", "# coll"))
        else line for line in example.splitlines()
    )  # fmt: skip
    path.write_text(switched_on, encoding="utf-8")
    assert chatledger("config", "validate", "-c", str(path)).returncode == 0


def test_the_rehearsal_is_valid(tmp_path: Path) -> None:
    """It names what the simulated sources accept, at the ports that the README starts them at."""
    path = tmp_path / "rehearsal.toml"
    text = chatledger("config", "example", "--sandbox").stdout
    path.write_text(text, encoding="utf-8")
    config = load(path)
    webex, liveperson = config.named("webexmain"), config.named("lpretail")
    assert isinstance(webex, WebexSettings)
    assert isinstance(liveperson, LivePersonSettings)
    assert isinstance(liveperson.auth, OAuth2Keys)
    assert webex.client_id == CLIENT_ID
    assert liveperson.auth.client_id == Credentials().client_id
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for port in (liveperson.domain_url.rpartition(":")[2], webex.base_url.split(":")[2].split("/")[0]):
        assert f"--port {port}" in readme
    assert f"--port {config.kafka.places()[0][1]}" in readme
    assert config.import_ is None
    begin, end = text.index("# [import]"), text.index("[[connector]]")
    switched_on = text[begin:end].replace("\n# ", "\n").replace("\n#\n", "\n\n").removeprefix("# ")
    path.write_text(text[:begin] + switched_on + text[end:], encoding="utf-8")
    found = load(path).import_
    assert found is not None
    assert found.target == MaildirSettings(kind="maildir", path=tmp_path / "rehearsal" / "mailboxes")
    for secret in (CLIENT_SECRET, Credentials().client_secret, Credentials().file_key):
        assert f"={secret}" in readme
        assert secret not in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('[kafka]\nbootstrap = "localhost:9092"', "", "kafka: is missing; expected: a table"),
        ('bootstrap = "localhost:9092"', "", "kafka.bootstrap: is missing; expected: host:port or [IPv6]"),
        ('"localhost:9092"', '"localhost"', "kafka.bootstrap: expected host:port or [IPv6]:port"),
        ('"localhost:9092"', '"localhost:9092"\npartitions = 0', "kafka.partitions: expected a number, 1 at least"),
        ('"localhost:9092"', '"localhost:9092"\npartition = 3', "kafka.partition: unknown key; expected one of bootstrap, "),
        ('"localhost:9092"', f'"localhost:9092"\nsasl_password = "{PRECIOUS}"', "kafka.sasl_password: expected { env = NAME }"),
        ('"localhost:9092"', '"localhost:9092"\nsecurity = "sasl_ssl"', "kafka: security = 'sasl_ssl' needs sasl_mechanism, "),
        ('"localhost:9092"', '"localhost:9092"\nsasl_username = "me"', "kafka: sasl_mechanism, sasl_username and sasl_pass"),
        ('kind = "folder"', 'kind = "s3"', "store: expected kind = 'folder' or 'azure'"),
        ('kind = "folder"', "", "store: expected kind = 'folder' or 'azure'"),
        ('path = "archive"', "", "store.path: is missing; expected: where the archive lies"),
        ('kind = "folder"\npath = "archive"', 'kind = "azure"\ncontainer = "chats"', "store: give one of connection_string_env"),
        (
            'kind = "folder"\npath = "archive"',
            'kind = "azure"\ncontainer = "chats"\naccount_url = "https://a.example"\nprotection = { mode = "locked" }',
            "store.protection: give days, or legal_hold = true",
        ),
        (
            'kind = "folder"\npath = "archive"',
            'kind = "azure"\ncontainer = "chats"\naccount_url = "https://a.example"\nprotections.nobody = { days = 7 }',
            "the file: store.protections has nobody, which is no connector",
        ),
        ('domains = ["bank.example"]', "domains = []", "mapping.domains: "),
        ('state_dir = "state"', "state_dir = 7", "state_dir: expected a path in quotes (Folder for collectors' caches"),
        ('kind = "webex"', 'kind = "teams"', "connector[0]: expected kind = 'liveperson' or 'webex'"),
        ('uid = "wx"', 'uid = "WX!"', "connector[0].uid: expected a-z, 0-9 and hyphens only, 40"),
        ('uid = "wx"', 'uid = "lp"', "the file: connector uid lp is used twice"),
        ('client_secret = { env = "WEBEX" }', f'client_secret = "{PRECIOUS}"', "connector[0].client_secret: expected { env"),
        ('token_file = "wx.token"', "", "connector[0].token_file: is missing; expected: Holds the tokens"),
        ('token_file = "wx.token"', 'token_file = "t"\nzone = "Mars/Olympus"', "connector[0].zone: 'Mars/Olympus' is no IANA"),
        ('token_file = "wx.token"', 'token_file = "t"\ncollect = {since="soon"}', "connector[0].collect.since: expected a "),
        ('method = "oauth2"', 'method = "basic"', "connector[1].auth: expected method = 'oauth2' or 'oauth1'"),
        ('account_id = "70012345"', "", "connector[1].account_id: is missing"),
    ],
)  # fmt: skip
def test_each_fault_names_key_and_expectation(tmp_path: Path, old: str, new: str, said: str) -> None:
    """One line, the key as it stands in the file, what would be right; never a value that may be a secret."""
    (line,) = faults(tmp_path, old, new)
    assert line.startswith(said)


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """Nobody has to start the command again for each of them."""
    assert len(faults(tmp_path, 'name = "Webex"\nclient_id = "id"', 'clientid = "id"')) == 3


def test_what_is_no_toml_is_said_with_its_line(tmp_path: Path) -> None:
    """Syntax errors come with line and column and a guess; what is no UTF-8 and what is no file say so."""
    (line,) = faults(tmp_path, 'uid = "wx"', "uid = wx")
    assert "is not TOML: " in line
    assert "line 12" in line
    path = tmp_path / "other.toml"
    path.write_bytes(b'state_dir = "\xff"')
    with pytest.raises(ConfigError, match=r"other.toml: is not UTF-8 text \(byte 13\)"):
        load(path)
    with pytest.raises(ConfigError, match="can't be read: Is a directory"):
        load(tmp_path)


def test_a_missing_file_is_said_with_the_way_out(tmp_path: Path) -> None:
    """The command that writes one to begin with."""
    done = chatledger("status", "-c", str(tmp_path / "none.toml"))
    assert done.returncode == 1
    assert f"no such file; `chatledger config example > {tmp_path / 'none.toml'}`" in done.stderr
    assert "Traceback" not in done.stderr
