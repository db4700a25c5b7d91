"""Words and tables of the commands, without servers: advice that can be copied, tables that fit, mails worth opening."""

import json
from collections import Counter
from email.message import EmailMessage
from pathlib import Path

import pytest

from cli.demonstration.pick import Shown, choose, shown
from cli.main import COMMANDS, SECTIONS
from cli.words.advice import runnable
from cli.words.disposal import imported_text
from cli.words.drifts import told
from cli.words.reach import kafka_trouble
from cli.words.steps import Lines
from cli.words.summary import Summary, write_text
from cli.words.tables import Grid, rendered
from consumers.disposition.index import Imported
from consumers.tally import Counters
from schemas.admin import CREATE, Drift
from schemas.broker import KafkaSettings
from tests.servers import free_port


def test_commands_in_sentences_can_be_copied() -> None:
    """The configuration file is named, quoted where it has blanks; not where it is the default or makes no sense."""
    path = Path("my bank/chat.toml")
    assert runnable("run `chatledger work`, now", path) == "run `chatledger work -c 'my bank/chat.toml'`, now"
    for same in ("run `chatledger config example`", "run `chatledger work -c x.toml`", "`chmod 600 x`"):
        assert runnable(same, path) == same
    assert runnable("run `chatledger work`", Path("chatledger.toml")) == "run `chatledger work`"


def test_what_is_to_be_removed_from_mailboxes_is_for_people_and_for_programs() -> None:
    """A line each, or a document that a program goes through; nothing is said too, and is an empty list."""
    copies = [Imported("ana@bank.example", "Chats", "<1@bank.example>")]
    assert (
        imported_text(copies, as_json=False)
        == "still in mailbox ana@bank.example, Chats: <1@bank.example>; remove it there"
    )
    assert json.loads(imported_text(copies, as_json=True)) == [
        {"mailbox": "ana@bank.example", "place": "Chats", "message_id": "<1@bank.example>"}
    ]
    assert "ever put into a mailbox" in imported_text([], as_json=False)
    assert json.loads(imported_text([], as_json=True)) == []


@pytest.mark.parametrize("columns", [80, 120])
def test_tables_fit_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The summary of five connectors at 80 and 120 columns: no line is longer, no word or figure is broken."""
    monkeypatch.setenv("COLUMNS", str(columns))
    connectors = {
        f"connector-{number}": Counters(mails=1_234_567 + number, ok=7_654_321) for number in range(5)
    }
    text = write_text(Summary(connectors, 0, 2.0))
    assert max(map(len, text.splitlines())) <= columns
    for word in (*connectors, "available for import", "conversations", "7,654,321"):
        assert word in text


def test_what_was_disposed_of_is_said_apart() -> None:
    """Beside the counts that have it; nothing where there is none, and that nobody knows where nobody can."""
    counters = {"lp": Counters(mails=5, ok=9)}
    plain, some, unknown = (Summary(counters, 0, 2.0, departed=one) for one in ((0, 0), (1, 3), None))
    assert "disposed" not in write_text(plain) + plain.as_json()
    assert (
        "5 mails, 9 copies, 0 dead letters, 2.0 s\nof these, 1 mail and 3 copies were disposed of by order"
        in write_text(some)
    )
    assert some.as_dict()["disposed"] == {"mails": 1, "copies": 3}
    assert "what of these was disposed of is not known" in write_text(unknown)


def test_a_table_that_fits_stays_upright(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is a line; turned, each row is a column below its name."""
    grid = Grid(("connector", "state"), [("lp", "idle"), ("wx", "waiting")])
    monkeypatch.setenv("COLUMNS", "80")
    assert "│ lp        │ idle    │" in rendered(grid)
    monkeypatch.setenv("COLUMNS", "20")
    assert "│ state     │ idle │" in rendered(grid)


def test_missing_topics_are_one_fault_with_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names once, in lines that fit; a setting that drifted has its own line and its command below, whole."""
    monkeypatch.setenv("COLUMNS", "80")
    missing = [
        Drift(f"bank-topic-{number}", "existence", "present", "missing", CREATE) for number in range(9)
    ]
    other = Drift("bank-mails", "retention.ms", "-1", "7", "fix it with `kafka-configs --alter`")
    lines = list(told([*missing, other], Path("a b.toml")))
    assert lines[0].startswith("9 topics are missing: bank-topic-0, ")
    assert max(map(len, lines)) <= 80
    assert lines[-3:] == [
        "    run `chatledger topics create -c 'a b.toml'`",
        "bank-mails: retention.ms is 7, expected -1",
        "    fix it with `kafka-configs --alter`",
    ]
    assert next(told(missing[:1], Path("x"))) == "1 topic is missing: bank-topic-0"


def test_a_kafka_that_is_not_there_is_said_with_what_to_do() -> None:
    """Where, why, and which key of which file; IPv6 too."""
    from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError  # noqa: PLC0415 - warns at import

    port = free_port()
    for host in ("127.0.0.1", "[::1]"):
        said = kafka_trouble(KafkaSettings(bootstrap=f"{host}:{port}"), KafkaTimeoutError(), Path("x.toml"))
        assert said.startswith(f"Kafka at {host}:{port} can't be reached: ")
        assert said.endswith("; start it, or correct kafka.bootstrap in x.toml")
    refused = TopicAuthorizationFailedError("no right to read")
    said = kafka_trouble(KafkaSettings(bootstrap="kafka.invalid:9092"), refused, Path("x.toml"))
    assert "no right to read; look at [kafka] in x.toml" in said
    said = kafka_trouble(KafkaSettings(bootstrap="kafka.invalid:9092"), KafkaTimeoutError(), Path("x.toml"))
    assert "the name kafka.invalid is unknown here" in said


def test_progress_comes_as_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """One now and then, none before the total is known."""
    lines = Lines("archiving", every_s=0)
    lines.tell(0, 0)
    lines.tell(5, 10)
    Lines("quick").tell(1, 2)
    assert capsys.readouterr().err == "  archiving: 5 of 10\n"


def mail(source: str, path: str, **counts: int) -> Shown:
    """What is shown of a mail with so many of each."""
    rtl = counts.pop("rtl", 0)
    return Shown(source, path, Counter(counts), rtl)


def test_mails_worth_opening_show_many_things() -> None:
    """Variety wins over length, the third is in a right-to-left script, else one with a deletion; none comes twice."""
    long, varied = (
        mail("webex", "long", message=3000),
        mail("webex", "varied", message=8, updated=1, thread=4, file=1),
    )
    hebrew = mail("webex", "hebrew", message=4, rtl=40)
    chat, gone = mail("liveperson", "chat", message=5), mail("webex", "gone", message=2, deleted=1)
    found = [long, varied, hebrew, chat, gone]
    assert [one.path for one, _ in choose(found)] == ["varied", "chat", "hebrew"]
    assert [one.path for one, _ in choose([long, varied, chat, gone])] == ["varied", "chat", "gone"]
    assert choose([]) == []
    assert varied.told() == "8 messages, 1 edit, 4 threaded messages, 1 file"


def test_what_a_mail_shows_is_read_from_its_events() -> None:
    """Kinds, threads, files and letters of right-to-left scripts."""
    event = {"kind": "message", "thread": "t", "attachments": [{}], "text": "שלום abc"}
    made = EmailMessage()
    made.set_content("text")
    made.add_attachment(
        json.dumps({"events": [event]}).encode(), "application", "json", filename="events.json"
    )
    found = shown("webex", "p", made.as_bytes())
    assert (found.counts["message"], found.counts["thread"], found.counts["file"], found.right_to_left) == (
        1,
        1,
        1,
        4,
    )


def test_every_command_has_its_place_in_the_help() -> None:
    """None is listed twice or in a section of the past."""
    placed = [name for names in SECTIONS.values() for name in names]
    assert len(placed) == len(set(placed))
    assert set(placed) <= set(COMMANDS)
