"""What people are told of a user mapping."""

from collections.abc import Sequence

from cli.words.advice import counted

SHOWN = 3


def outside_words(boxes: Sequence[str]) -> str:
    """A note on mailboxes outside of the verified domains; empty where there is none."""
    if not boxes:
        return ""
    more = ", …" if len(boxes) > SHOWN else ""
    many = counted(len(boxes), "mailbox", "mailboxes")
    return f"{many} outside of mapping.domains ({', '.join(boxes[:SHOWN])}{more}): copies leave the firm's domains"
