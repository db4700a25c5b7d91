"""How Kafka is reached; and that a secret is never anywhere but where it is needed."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.broker import KafkaSettings, Secret

PASSWORD = "hunter2-Pa55word"


def with_sasl(secret: Secret, **fields: Any) -> KafkaSettings:
    """Settings with a login."""
    return KafkaSettings(
        bootstrap="a:1,b:2", security="sasl_ssl", sasl_mechanism="SCRAM-SHA-512", sasl_username="me",
        sasl_password=secret, **fields,
    )  # fmt: skip


def test_plain_text_needs_nothing_else() -> None:
    """Hosts and protocol."""
    assert KafkaSettings(bootstrap="a:1,b:2").client_kwargs() == {
        "bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT",
    }  # fmt: skip


@pytest.mark.parametrize("place", ["env", "file"])
def test_a_secret_is_read_where_it_is_needed_and_shown_nowhere(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the client's arguments alone; not in the settings, however they are written out."""
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    (tmp_path / "password").write_text(f"{PASSWORD}\nand a comment\n", encoding="utf-8")
    secret = Secret(env="KAFKA_PASSWORD") if place == "env" else Secret(file=tmp_path / "password")
    settings = with_sasl(secret, ca_file=tmp_path / "ca.pem")

    assert settings.client_kwargs()["sasl_plain_password"] == PASSWORD
    assert settings.client_kwargs()["ssl_cafile"] == str(tmp_path / "ca.pem")
    shown = [
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        repr(settings.model_dump()),
        repr(secret),
        f"{secret}",
    ]
    assert not any(PASSWORD in text for text in shown)


def test_a_secret_that_is_not_there_is_named_by_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence on what to do, and nothing of any secret."""
    monkeypatch.delenv("KAFKA_PASSWORD", raising=False)
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(PASSWORD.encode() + b"\xff\n")
    with pytest.raises(ValueError, match="KAFKA_PASSWORD is not set"):
        Secret(env="KAFKA_PASSWORD").read()
    for name in ("empty", "missing", "binary"):
        with pytest.raises(ValueError, match=r"secret|decode") as caught:
            Secret(file=tmp_path / name).read()
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bootstrap": "a:1", "sasl_password": PASSWORD},
        {"bootstrap": "a:1", "sasl_password": {"value": PASSWORD}},
    ],
)  # fmt: skip
def test_a_secret_in_the_file_itself_is_refused(wrong: dict[str, Any]) -> None:
    """Secrets come by reference only, and the refusal does not repeat them."""
    with pytest.raises(ValidationError) as caught:
        KafkaSettings(**wrong)
    assert "sasl_password" in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("prefix", ["with space", "dot.ted", "sl/ash", "ü"])
def test_a_prefix_that_kafka_would_not_take_is_refused(prefix: str) -> None:
    """Before anything is started."""
    with pytest.raises(ValidationError, match="topic_prefix"):
        KafkaSettings(bootstrap="a:1", topic_prefix=prefix)
