"""compose.yml for real: everything becomes healthy, and the simulated chats become mails in Azurite."""

import asyncio
import json
import os
import re
import subprocess
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import main
from cli.parts.config import load
from sandbox.azurite import ACCOUNT, ACCOUNT_KEY
from stores.factory import open_store
from stores.settings import AzureSettings
from tests.servers import AZURITE_API, AZURITE_IMAGE, KAFKA_IMAGE, engine_trouble, free_port

REPOSITORY = Path(__file__).parents[1]
CONNECTION = "CHATLEDGER_TEST_COMPOSE"
PATIENCE_S = 180


@dataclass(frozen=True)
class Project:
    """compose.yml under a name and a port of its own, so that it disturbs nobody's."""

    name: str
    azurite_port: int

    def call(self, *arguments: str, timeout_s: float = 60) -> str:
        """`docker compose …`; its output, or an AssertionError with what it complained about."""
        env = {**os.environ, "AZURITE_PORT": str(self.azurite_port)}
        command = ["docker", "compose", "--project-name", self.name, *arguments]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def status(self) -> Any:
        """What `chatledger status` says in the monitor's container, whether or not all is well."""
        return json.loads(self.call("exec", "-T", "monitor", "sh", "-c", "chatledger status --json || true"))

    def healths(self) -> dict[str, str]:
        """State and health of every container, those that have ended too."""
        lines = self.call("ps", "--all", "--format", "json").splitlines()
        found = [json.loads(line) for line in lines]
        return {one["Name"].removeprefix(f"{self.name}-"): f"{one['State']} {one['Health']}" for one in found}


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    """The project, up and healthy; gone with all its data afterwards."""
    trouble = engine_trouble() or _compose_trouble()
    if trouble:
        pytest.skip(trouble)
    made = Project(f"chatledger-test-{os.getpid()}", free_port())
    try:
        made.call("build", timeout_s=600)
        _up(made)
        yield made
    finally:
        made.call("down", "--volumes", "--timeout", "10", timeout_s=120)


def _up(project: Project) -> None:
    try:
        project.call("up", "--wait", "--wait-timeout", "240", timeout_s=300)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{project.call('logs', '--no-color', '--tail', '25')}") from error


def _compose_trouble() -> str | None:
    try:
        done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    except FileNotFoundError:
        return "there is no docker command"
    return None if done.returncode == 0 else "docker has no compose plugin"


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_simulated_chats_arrive_in_azurite(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is healthy, and Azurite ends with as many mails as the status topic says, more than 60."""
    healths = project.healths()
    assert {name for name, health in healths.items() if health == "running healthy"} == {
        "kafka-1", "azurite-1", "liveperson-1", "webex-1", "collect-liveperson-1", "collect-webex-1", "worker-1",
        "worker-2", "monitor-1", "evidence-1",
    }  # fmt: skip
    ended = {name for name, health in healths.items() if health.startswith("exited")}
    assert ended == {"init-1", "login-1", "evidence-key-1"}
    monkeypatch.setenv(
        CONNECTION,
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{project.azurite_port}/{ACCOUNT};",
    )
    deadline = time.monotonic() + PATIENCE_S
    while not _settled(found := project.status()) or _mails() != _counted(found):
        assert time.monotonic() < deadline, json.dumps(found)
        time.sleep(3)
    assert _mails() > 60
    assert found["unwell"] == []


def _settled(status: Any) -> bool:
    """Both connectors have stored something, and their back-fills are done."""
    views = status["connectors"].values()
    return len(views) == 2 and all(one["progress"] == 1 and one["counters"].get("mails") for one in views)


def _counted(status: Any) -> int:
    return sum(one["counters"]["mails"] for one in status["connectors"].values())


def _mails() -> int:
    """How many mails stand in Azurite, copies not counted."""

    async def count() -> int:
        settings = AzureSettings(container="chats", connection_string_env=CONNECTION, api_version=AZURITE_API)
        store = open_store(settings)
        try:
            return len([one async for one in store.list("_mails/")])
        finally:
            await store.close()

    return asyncio.run(count())


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_our_containers_are_locked_down(project: Project) -> None:
    """Not root, a root file system that nobody can write to, no capabilities, and only /state and /tmp to write."""
    told = project.call(
        "exec", "-T", "worker", "sh", "-c", "id -u; touch /opt/x 2>&1; touch /state/x /tmp/x && echo ok"
    )
    assert told.splitlines()[0] == "10001"
    assert "Read-only file system" in told
    assert told.splitlines()[-1] == "ok"
    capabilities = project.call("exec", "-T", "collect-webex", "grep", "CapEff", "/proc/1/status")
    assert int(capabilities.split()[-1], 16) == 0


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_health_check_sees_a_worker_that_is_gone(project: Project) -> None:
    """The worker's check asks Kafka, not the process: where no worker runs, it fails."""
    project.call("exec", "-T", "worker", "chatledger", "health", "worker")
    with pytest.raises(AssertionError, match="has no member at"):
        project.call("exec", "-T", "monitor", "chatledger", "health", "worker")


LONG_RUNNING = {
    ("collect", "lp-demo"), ("collect", "webex-demo"), ("work",), ("monitor",), ("reconcile", "--daily"), ("evidence", "follow"),
    ("import",),
}  # fmt: skip


def test_every_long_running_command_is_a_service() -> None:
    """As `docker compose config` reads it: all that `run` starts; the importer, which needs a section, in a profile."""
    trouble = _compose_trouble()
    if trouble:
        pytest.skip(trouble)
    read = {profiles: _services(*profiles) for profiles in ((), ("--profile", "import"))}
    commands = {name: tuple(one.get("command") or ()) for name, one in read["--profile", "import"].items()}
    assert set(commands.values()) >= LONG_RUNNING
    assert read["--profile", "import"].keys() - read[()].keys() == {"import"}
    keepers = [
        name
        for name, one in read[()].items()
        if any(v.get("source") == "evidence-state" for v in one.get("volumes", ()))
    ]
    assert sorted(keepers) == ["evidence", "evidence-key"]
    health = [one.get("healthcheck", {}).get("test", [])[1:] for one in read["--profile", "import"].values()]
    for words in (words[1:] for words in health if words[:1] == ["chatledger"]):
        assert CliRunner().invoke(main, [*words[:2], "--help"]).exit_code == 0, words


def _services(*options: str) -> dict[str, Any]:
    """The services of compose.yml, with defaults filled in; no engine is asked."""
    command = ["docker", "compose", *options, "config", "--format", "json"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_the_configuration_of_compose_is_valid(tmp_path: Path) -> None:
    """Both connectors, Azurite's API version, and every secret file that it names is mounted by compose.yml."""
    path = REPOSITORY / "compose" / "chatledger.toml"
    config = load(path)
    assert [connector.uid for connector in config.connector] == ["lp-demo", "webex-demo"]
    assert tomllib.loads(path.read_text(encoding="utf-8"))["store"]["api_version"] == AZURITE_API
    assert config.evidence.key_file is not None
    text = re.sub(r"^# (?=\[import|kind|path)", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (tmp_path / "compose.toml").write_text(text, encoding="utf-8")
    assert load(tmp_path / "compose.toml").import_ is not None
    named = set(re.findall(r"/run/secrets/([a-z-]+)", path.read_text(encoding="utf-8")))
    assert named == {one.name for one in (REPOSITORY / "compose" / "secrets").iterdir()}


def test_images_and_tools_have_one_version_everywhere() -> None:
    """Tests, compose.yml, Dockerfile and Makefile name the same Kafka, Azurite and uv."""
    compose = (REPOSITORY / "compose.yml").read_text(encoding="utf-8")
    assert {KAFKA_IMAGE, AZURITE_IMAGE} <= set(re.findall(r"image: (\S+)", compose))
    texts = [(REPOSITORY / name).read_text(encoding="utf-8") for name in ("Dockerfile", "Makefile")]
    assert len({tuple(re.findall(r"UV_VERSION *:?= *([0-9.]+)", text)) for text in texts}) == 1
