"""What commands share: the --config option, errors as one sentence, logging, codec."""

import contextlib
import functools
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from cli.parts.quiet import quieten
from cli.words.advice import DEFAULT_FILE, runnable

if TYPE_CHECKING:
    import threading

    from cli.parts.config import Config
    from cli.parts.excerpt import Excerpt
    from schemas.broker import KafkaSettings
    from schemas.codec import Codec

P = ParamSpec("P")
R = TypeVar("R")

config_option = click.option(
    "--config", "-c", "config_path", type=click.Path(path_type=Path, dir_okay=False), default=DEFAULT_FILE,
    show_default=True, help="Configuration file.",
)  # fmt: skip
log_option = click.option(
    "--log-level", type=click.Choice(["debug", "info", "warn", "error"]), default="info", show_default=True
)


def load_config(path: Path) -> "Config":
    """The configuration, or an exit with its faults."""
    from cli.parts.config import ConfigError, load  # noqa: PLC0415 - pydantic is slow to import, and --help needs none of it

    try:
        return load(path)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def load_excerpt(path: Path) -> "Excerpt":
    """Sections of the configuration for who needs few of them, or an exit with the file's faults."""
    from cli.parts.excerpt import ConfigError, Excerpt  # noqa: PLC0415 - as above

    try:
        return Excerpt(path)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def private_folder(path: Path) -> None:
    """A folder of ours for its owner alone; one from before is closed to others, if it is ours to close."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(PermissionError):
        path.chmod(0o700)


def new_codec(kafka: "KafkaSettings") -> "Codec":
    """Avro single-object encoding, or the Confluent format when a registry is configured."""
    from schemas.codec import Codec  # noqa: PLC0415 - as above

    if kafka.schema_registry_url is None:
        return Codec()
    from schemas.registry import HttpRegistry  # noqa: PLC0415 - as above

    return Codec(HttpRegistry(kafka.schema_registry_url))


def log_to_stderr(level: str) -> None:
    """One line a message. Libraries tell every attempt at a broker or store that is down; what it means is ours to say."""
    names = {"warn": "warning"}
    logging.basicConfig(
        stream=sys.stderr, level=names.get(level, level).upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True,
    )  # fmt: skip
    if level == "debug":
        return
    quieten("aiokafka")  # workers have nobody else who would say it
    for noisy in ("kafka", "azure", "urllib3", "stamina"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


def sentence_errors(*kinds: type[Exception]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Turn these exceptions into `Error: sentence` and exit code 1.

    Of Kafka's own errors, the sentence says where and what to do, if the command has `config_path`.
    """

    def decorate(call: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(call)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return call(*args, **kwargs)
            except BrokenPipeError:  # whoever read the output has seen enough: `… | head`; click ends quietly
                raise
            except kinds as error:
                raise click.ClickException(sentence_of(error, kwargs.get("config_path"))) from error

        return wrapped

    return decorate


def sentence_of(error: Exception, config_path: object) -> str:
    """What an error says to people: of Kafka's own where and why, of others their commands as they can be copied."""
    if not isinstance(config_path, Path):
        return str(error)
    if type(error).__module__ == "kafka.errors":  # by name: it need not be loaded to tell
        from cli.words.reach import kafka_trouble  # noqa: PLC0415 - as above

        return kafka_trouble(load_excerpt(config_path).kafka, error, config_path)
    return runnable(str(error), config_path)


def stop_on_signals(stop: Callable[[], Any]) -> None:
    """Call `stop` once at SIGTERM or SIGINT."""
    import signal  # noqa: PLC0415 - as above

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())


def stop_event(*, with_parent: bool = False) -> "threading.Event":
    """Set at SIGTERM or SIGINT, and `with_parent` when standard input closes: then whoever started this process is gone."""
    import threading  # noqa: PLC0415 - as above

    stop = threading.Event()
    stop_on_signals(stop.set)
    if with_parent:  # after the handlers: it ends by SIGTERM
        stop_with_parent()
    return stop


def stop_with_parent() -> None:
    """End this process as by SIGTERM when standard input closes, which is when whoever started it is gone."""
    import os  # noqa: PLC0415 - as above
    import signal  # noqa: PLC0415
    import threading  # noqa: PLC0415

    def watch() -> None:
        while os.read(
            0, 4096
        ):  # not sys.stdin: its lock, held by a daemon thread, is fatal at interpreter exit
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parent").start()
