"""The user mapping: versions that follow the content, and how it comes in force."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.mapping import activate, last_activated, load, outside
from consumers.mapping_file import MappingError
from consumers.mapping_settings import MappingSettings
from consumers.reading import read_all
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.ids import mapping_version
from schemas.mappings import rows_from_csv
from schemas.topics import MAPPINGS, MAX_RECORD_BYTES, RAW_EVENTS
from stores.folder import FolderStore
from stores.interface import Store, StoreUnavailableError
from stores.paths import content_path

HEAD = "ExternalUserId,O365UserMailbox\n"


def no_store() -> Store:
    """A small mapping needs none."""
    raise AssertionError("the store was opened")


@given(order=st.permutations(["ana", "ben", "cy", "dee", "ana"]))
def test_the_version_follows_the_content_and_not_the_order(
    order: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file that was sorted or holds a line twice is the same mapping; another mailbox makes another one."""
    path = tmp_path_factory.getbasetemp() / "ordered.csv"
    path.write_text(HEAD + "".join(f"{user},{user}@bank.example\n" for user in order), encoding="utf-8")
    settings = MappingSettings(file=path, domains=["Bank.example", "b.example"])
    pairs = [(user, f"{user}@bank.example") for user in ("ana", "ben", "cy", "dee")]
    found = load(settings)
    assert found["version"] == mapping_version(pairs, ["b.example", "bank.example"], None)
    assert len(found["rows"]) == 4
    assert load(settings.model_copy(update={"catch_all": "all@bank.example"}))["version"] != found["version"]
    assert load(settings.model_copy(update={"domains": ["bank.example"]}))["version"] != found["version"]


@pytest.mark.kafka
def test_activation_is_written_after_the_mapping_and_once(kafka: KafkaSettings) -> None:
    """The mapping stands in its topic before any partition of `raw-events` names it; the second call writes nothing."""
    codec = Codec()
    first = load(MappingSettings(domains=["bank.example"]))
    assert activate(kafka, codec, first, no_store)
    activations = list(read_all(kafka, RAW_EVENTS))
    mappings = list(read_all(kafka, MAPPINGS))
    assert [record.partition for record in activations] == list(range(kafka.partitions))
    for record in activations:
        name, value = codec.decode(record.value or b"")
        assert (name, value["kind"]) == ("Control", "mapping")
        assert value["details"] == {"version": first["version"]}
    assert mappings[0].key == first["version"].encode()
    assert mappings[0].at_ms <= min(record.at_ms for record in activations)
    assert codec.decode(mappings[0].value or b"").value == first

    assert not activate(kafka, codec, first, no_store)
    assert (list(read_all(kafka, RAW_EVENTS)), list(read_all(kafka, MAPPINGS))) == (activations, mappings)

    second = load(MappingSettings(domains=["bank.example"], catch_all="all@bank.example"))
    assert activate(kafka, codec, second, no_store)
    assert activate(kafka, codec, first, no_store)  # back to the former one: that is news too
    assert len(list(read_all(kafka, RAW_EVENTS))) == 3 * kafka.partitions


@pytest.mark.kafka
def test_a_mapping_of_a_hundred_thousand_users_goes_by_claim_check(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    """The rows rest in the content store under their hash, the records are small, and nobody is lost."""
    codec, path = Codec(), tmp_path / "users.csv"
    lines = "".join(f"user-{number:06d},person.{number:06d}@bank.example\n" for number in range(100_000))
    path.write_text(HEAD + lines, encoding="utf-8")
    wanted = load(MappingSettings(file=path, domains=["bank.example"]))
    assert activate(kafka, codec, wanted, lambda: FolderStore(tmp_path / "archive"))
    assert not activate(kafka, codec, wanted, no_store)

    records = list(read_all(kafka, MAPPINGS))
    assert all(len(record.value or b"") < MAX_RECORD_BYTES // 100 for record in records)
    found = codec.decode(records[0].value or b"").value
    data = (tmp_path / "archive" / content_path(found["rows_ref"]["sha256"].hex())).read_bytes()
    assert (found["rows"], found["version"]) == ([], wanted["version"])
    assert list(rows_from_csv(data)) == wanted["rows"]


@pytest.mark.kafka
def test_nothing_is_in_force_before_its_rows_are_durable(kafka: KafkaSettings, tmp_path: Path) -> None:
    """A store that is down, and a file with a fault: what was in force stays in force."""
    codec, path = Codec(), tmp_path / "users.csv"
    first = load(MappingSettings(domains=["bank.example"]))
    activate(kafka, codec, first, no_store)
    before = list(read_all(kafka, RAW_EVENTS)), list(read_all(kafka, MAPPINGS))
    path.write_text(HEAD + "".join(f"u{n},u{n}@bank.example\n" for n in range(5000)), encoding="utf-8")

    def down() -> Store:
        raise StoreUnavailableError("the disk is full")

    settings = MappingSettings(file=path, domains=["bank.example"])
    with pytest.raises(StoreUnavailableError):
        activate(kafka, codec, load(settings), down)
    path.write_text(HEAD + "ana,nowhere\n", encoding="utf-8")
    with pytest.raises(MappingError):
        activate(kafka, codec, load(settings), no_store)
    assert (list(read_all(kafka, RAW_EVENTS)), list(read_all(kafka, MAPPINGS))) == before


@pytest.mark.kafka
def test_mappings_from_a_backup_come_in_force_in_a_new_log(kafka: KafkaSettings) -> None:
    """Topic `mappings` says that it was activated, but the raw-events of now have never heard of it."""
    codec, wanted = Codec(), load(MappingSettings(domains=["bank.example"]))
    name = kafka.topic(MAPPINGS.name)
    with new_producer(kafka) as producer:
        for key in (wanted["version"].encode(), b"last-activated"):
            producer.send(name, key=key, value=codec.encode(name, "Mapping", wanted)).get(timeout=20)

    assert activate(kafka, codec, wanted, no_store)
    assert len(list(read_all(kafka, RAW_EVENTS))) == kafka.partitions
    assert not activate(kafka, codec, wanted, no_store)


def test_a_catch_all_must_be_a_mailbox() -> None:
    """Otherwise it would be found out with the first copy."""
    with pytest.raises(MappingError, match=r"mapping\.catch_all: 'all' is not a mailbox"):
        load(MappingSettings(domains=["bank.example"], catch_all="all"))


@pytest.mark.parametrize(
    "slip", ["@bank.example", "ana@bank.example", "*.bank.example", "bank", "", "https://bank.example"]
)
def test_a_domain_must_be_one(slip: str) -> None:
    """With a slip in it nobody's address would be the firm's, and every copy external."""
    with pytest.raises(MappingError, match=r"mapping\.domains: .* is not a domain"):
        load(MappingSettings(domains=["b.example", slip]))


def test_mailboxes_outside_of_the_verified_domains_are_named(tmp_path: Path) -> None:
    """A subdomain is a domain of its own; the form of an international one does not matter."""
    path = tmp_path / "users.csv"
    rows = "a,a@bank.example\nb,b@sub.bank.example\nc,c@xn--bcher-kva.example\nd,d@BANK.example\n"
    path.write_text(HEAD + rows, encoding="utf-8")
    made = load(
        MappingSettings(file=path, domains=["Bank.example", "bücher.example"], catch_all="x@y.example")
    )
    assert outside(made) == ["b@sub.bank.example", "x@y.example"]


@pytest.mark.kafka
def test_a_wrong_partition_count_changes_nothing(kafka: KafkaSettings, tmp_path: Path) -> None:
    """Else some partitions would keep the former mapping, and nobody would know."""
    wrong = kafka.model_copy(update={"partitions": kafka.partitions - 1})
    mapping = load(MappingSettings(domains=["bank.example"]))
    with pytest.raises(MappingError, match=f"has {kafka.partitions} partitions, the configuration says"):
        activate(wrong, Codec(), mapping, lambda: FolderStore(tmp_path))
    assert [list(read_all(kafka, topic)) for topic in (RAW_EVENTS, MAPPINGS)] == [[], []]


@pytest.mark.kafka
def test_garbage_where_the_mapping_in_force_stood_is_named_and_replaced(kafka: KafkaSettings) -> None:
    """Nobody guesses which mapping is in force; putting one in force works, and heals it."""
    codec, made = Codec(), load(MappingSettings(domains=["bank.example"]))
    activate(kafka, codec, made, no_store)
    with new_producer(kafka) as producer:
        producer.send(kafka.topic(MAPPINGS.name), key=b"last-activated", value=b"garbage").get(timeout=60)
    with pytest.raises(MappingError, match="mapping apply"):
        last_activated(kafka, codec)
    assert activate(kafka, codec, made, no_store)
    assert last_activated(kafka, codec) == made["version"]
