"""Commands that a sentence tells people to run, as they can be copied: with their configuration file, quoted."""

import re
import shlex
from pathlib import Path

DEFAULT_FILE = Path("chatledger.toml")
COMMAND = re.compile(r"`chatledger ([^`]+)`")
AGAIN = "it will be tried again"
"""What sources say of a call, as for a collector; `for_once` is for who does not."""
WITHOUT_FILE = ("config example", "mapping template", "mapping check", "demo", "sandbox")


def command(words: str, config_path: Path) -> str:
    """`chatledger` with these words and, where it is not the default, the configuration file."""
    named = " -c " in words or words.startswith(WITHOUT_FILE) or config_path == DEFAULT_FILE
    return f"chatledger {words}" + ("" if named else f" -c {shlex.quote(str(config_path))}")


def runnable(sentence: str, config_path: Path) -> str:
    """The sentence with every command in it completed."""
    return COMMAND.sub(lambda found: f"`{command(found[1], config_path)}`", sentence)


def for_once(sentence: str) -> str:
    """The sentence of a source for a command that ends with it: nobody tries again but whoever gave the command."""
    return sentence.replace(AGAIN, "try again later")


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 user`, `2 users`; `plural` where it does not end with `s`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
