"""`chatledger evidence close|follow|verify|prove|check|key`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.parts.common import (
    config_option,
    load_config,
    log_option,
    log_to_stderr,
    new_codec,
    sentence_errors,
    sentence_of,
    stop_event,
)
from cli.parts.evidence import close_now, closer_of, key_file_of, known_elsewhere, name_in, with_store
from consumers.evidence.errors import EvidenceError
from stores.interface import StoreError

if TYPE_CHECKING:
    from consumers.evidence.verify import Anchor, Report


ERRORS = (EvidenceError, StoreError, LookupError, OSError, KafkaError)


@click.group()
def evidence() -> None:
    """Signed manifests of what was captured and archived, and their check. docs/evidence.md specifies them."""


@evidence.command()
@config_option
@sentence_errors(*ERRORS)
def close(config_path: Path) -> None:
    """Make a manifest of everything since the last one. Given twice, killed or given by two at once: one chain."""
    from cli.words.evidence import of_manifest  # noqa: PLC0415 - see cli.main

    closing = close_now(load_config(config_path))
    if closing.note:
        click.echo(f"! {closing.note}", err=True)
    new = closing.made and closing.last is not None
    click.echo(
        of_manifest(closing.last.statement)
        if closing.last and new
        else "nothing is new since the last manifest"
    )


@evidence.command()
@config_option
@log_option
@click.option("--with-parent", is_flag=True, hidden=True)
def follow(config_path: Path, log_level: str, *, with_parent: bool) -> None:
    """Close a manifest after the end of every day (UTC), until SIGTERM. `chatledger run` starts it."""
    from consumers.evidence.daily import follow as daily  # noqa: PLC0415 - see cli.main
    from consumers.evidence.telling import Teller  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    config = load_config(config_path)
    key_file_of(config)
    log_to_stderr(log_level)
    stop = stop_event(with_parent=with_parent)
    daily(
        lambda: open_store(config.store), lambda store: closer_of(config, store), stop, Teller(config.kafka),
        explain=lambda error: sentence_of(error, config_path),
    )  # fmt: skip


@evidence.command()
@click.argument("archive", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@config_option
@click.option("--key", help="Public key, 64 hexadecimal digits, that must have signed: noted elsewhere.")
@click.option("--expect-root", help="Root of a manifest that must be there: noted elsewhere.")
@click.option("--at-least", type=click.IntRange(0), default=0, help="So many manifests there must be.")
@sentence_errors(*ERRORS)
def verify(
    archive: Path | None, config_path: Path, key: str | None, expect_root: str | None, at_least: int
) -> None:
    """Check the folder ARCHIVE against its evidence, offline. Exit code 0, or 1 and what is wrong.

    Without ARCHIVE: the store of the configuration, and Kafka is asked where the chain must end, what is newer, and what
    was disposed of since.
    A chain whose end was removed can be found only with something noted elsewhere: the topic, or one of the options.
    """
    from cli.words.evidence import of_report  # noqa: PLC0415 - see cli.main
    from consumers.evidence.verify import Anchor, Verifier  # noqa: PLC0415
    from stores.folder import FolderStore  # noqa: PLC0415

    anchor = Anchor(key, expect_root, at_least)
    if archive is not None:
        report = with_store(lambda: FolderStore(archive), lambda store: Verifier(store, anchor).run())
    else:
        report = _verify_live(config_path, anchor)
    click.echo("\n".join(of_report(report)))
    sys.exit(1 if report.faults else 0)


def _verify_live(config_path: Path, anchor: "Anchor") -> "Report":
    from consumers.evidence.newer import beyond  # noqa: PLC0415 - see cli.main
    from consumers.evidence.verify import Verifier  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    config = load_config(config_path)
    codec, known = new_codec(config.kafka), known_elsewhere(config, anchor)
    return with_store(
        lambda: open_store(config.store),
        lambda store: Verifier(store, known, lambda last: beyond(config.kafka, codec, last)).run(),
    )


@evidence.command()
@click.argument("mail")
@config_option
@click.option(
    "--archive",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder; else the store.",
)
@sentence_errors(*ERRORS)
def prove(mail: str, config_path: Path, archive: Path | None) -> None:
    """Print the proof that MAIL (its id, or the path of it or of a copy) stands in the evidence.

    A path counts from the archive or, where the archive is a folder, from here.
    """
    from consumers.evidence.prove import prove as proof  # noqa: PLC0415 - see cli.main
    from stores.factory import open_store  # noqa: PLC0415
    from stores.settings import FolderSettings  # noqa: PLC0415

    settings = load_config(config_path).store if archive is None else FolderSettings(path=archive)
    wanted = name_in(settings.path, mail) if isinstance(settings, FolderSettings) else mail
    made = with_store(lambda: open_store(settings), lambda store: proof(store, wanted))
    click.echo(made.encode().decode(), nl=False)


@evidence.command()
@click.argument("proof", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", help="Public key, 64 hexadecimal digits, that must have signed: noted elsewhere.")
@sentence_errors(EvidenceError, OSError)
def check(proof: Path, file: Path | None, key: str | None) -> None:
    """Check PROOF alone and, where it is given, that FILE is the mail or copy that it proves."""
    import hashlib  # noqa: PLC0415 - see cli.main

    from cli.words.evidence import of_proof  # noqa: PLC0415
    from consumers.evidence.prove import check as prove_leaf  # noqa: PLC0415

    proven = prove_leaf(proof.read_bytes(), key)
    leaf = proven.leaf
    if file is not None:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != leaf["sha256"]:
            raise click.ClickException(
                f"{file} is not what was proven: it has SHA-256 {found}, not {leaf['sha256']}"
            )
    click.echo("\n".join(of_proof(proven, known=key is not None)))


@evidence.group()
def key() -> None:
    """The key that signs: make one, show its public part, change it."""


@key.command()
@config_option
@sentence_errors(EvidenceError)
def new(config_path: Path) -> None:
    """Make a key in `evidence.key_file`, mode 0600, and print its public part: note it somewhere else."""
    from consumers.evidence.keys import new_key  # noqa: PLC0415 - see cli.main

    path = key_file_of(load_config(config_path))
    click.echo(
        f"{new_key(path).public}\nThe private key is in {path}. Back it up where only its owner can read it."
    )


@key.command()
@config_option
@sentence_errors(EvidenceError)
def show(config_path: Path) -> None:
    """Print the public key."""
    from consumers.evidence.keys import load_key  # noqa: PLC0415 - see cli.main

    click.echo(load_key(key_file_of(load_config(config_path))).public)


@key.command()
@click.option("--by", required=True, help="Who changes it.")
@click.option("--reason", required=True, help="Why.")
@config_option
@sentence_errors(*ERRORS)
def rotate(by: str, reason: str, config_path: Path) -> None:
    """Let a new key follow on the present one; the old one signs that, and is gone afterwards."""
    from consumers.evidence.rotate import rotate as change  # noqa: PLC0415 - see cli.main
    from stores.factory import open_store  # noqa: PLC0415

    config = load_config(config_path)
    codec, path = new_codec(config.kafka), key_file_of(config)
    made = with_store(
        lambda: open_store(config.store),
        lambda store: change(closer_of(config, store), config.kafka, codec, path, by, reason),
    )
    one = made.statement
    click.echo(
        f"from manifest {one.number + 1} on the key is {one.next_key}; note it where you noted {one.key}"
    )
