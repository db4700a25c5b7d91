"""`chatledger sandbox kafka start|status|stop`: one broker with data on disk, that outlives the command."""

import json
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.cli.playground import chatledger

pytestmark = pytest.mark.kafka


def test_a_broker_is_started_found_and_stopped(tmp_path: Path) -> None:
    """Exit codes 1, 0, 1 of `status`; it answers on loopback; stopping twice does no harm."""
    data = ["--data", str(tmp_path / "kafka data")]
    assert chatledger("sandbox", "kafka", "status", *data).returncode == 1
    started = chatledger("sandbox", "kafka", "start", *data)
    try:
        assert started.returncode == 0, started.stderr
        done = chatledger("sandbox", "kafka", "status", "--json", *data)
        assert done.returncode == 0
        address = json.loads(done.stdout)["address"]["bootstrap"]
        assert address.startswith("127.0.0.1:")
        assert f"at {address}" in started.stdout
        KafkaAdminClient(bootstrap_servers=address).close()
        assert "at 127.0.0.1" in chatledger("sandbox", "kafka", "start", *data).stdout  # it runs already
    finally:
        stopped = chatledger("sandbox", "kafka", "stop", *data)
    assert stopped.stdout == "stopped\n"
    assert chatledger("sandbox", "kafka", "stop", *data).stdout.startswith("no broker runs on ")
    assert "not running" in chatledger("sandbox", "kafka", "status", *data).stdout
