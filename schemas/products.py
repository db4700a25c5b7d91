"""What is fixed for each product that is archived: names that stand in mails, folders that people search and hold for years.

A source is a line here; what else it needs stands in docs/architecture.md, *Adding a source*.
"""

from typing import NamedTuple

MAIL_FORMAT = 1
"""Version of the mail format that new settings ask for; mails of older settings keep theirs."""


class Product(NamedTuple):
    """A product by its source's kind. All of it changes bytes or paths of mails: nothing here is ever edited, only added."""

    name: str
    """How mails name it."""
    folder: str
    """Folder below the mailbox: the name under which Microsoft's connectors import."""
    chat: str | None
    """Subject of a chat without a topic; None where spaces with a title are archived day by day."""


PRODUCTS = {
    "liveperson": Product(
        "LivePerson Conversational Cloud", "LivePerson Conversational Cloud DataParser", "LivePerson chat"
    ),
    "webex": Product("Webex", "Webex Teams", None),
}


def product_of(source: str) -> Product:
    """The product of this source; of one that is not known here, all that its name says."""
    return PRODUCTS.get(source, Product(source, source, None))
