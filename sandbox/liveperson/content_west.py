"""Written conversations in languages of Europe; the customers, names and numbers are made up."""

from __future__ import annotations

from sandbox.liveperson.model import CUSTOMER, Close, Conversation, Customer, File, Summary, SurveyEnds
from sandbox.liveperson.script import (
    asked,
    bot_said,
    button,
    card,
    hands_over,
    joins,
    said,
    sent,
    survey,
    words,
)

WEST = (
    Conversation("transfer-between-accounts", "Mon 09:02:11.318",
        Customer("hollis", "Hollis", "Grant", "hollis.grant@customers.example", "+44 20 7946 0143"), "front", (
        asked(0.2, "Good morning, can I move money from my savings to the joint account?"),
        joins(1, "welcome"),
        bot_said(2, "welcome", "Happy to help. Which account do you want to move money from?", "move_money",
                 "Savings", "Joint account"),
        asked(14, "Savings"),
        bot_said(2, "welcome", "I am passing you to a colleague.", "handover"),
        *hands_over("welcome", "cards", "marta"),
        said(31, "marta", "Hello Hollis, Marta here. How much would you like to move?"),
        asked(40, "£ 2,450.00 please, today if that works."),
        card(55, "marta", words("Internal transfer"), words("Up to £ 10,000 a day without a call"),
             button("Open the form", "https://bank.example/transfer?from=savings&to=joint"), predefined="4130001"),
        asked(120, "Done, thank you!"),
        sent(60, CUSTOMER, File("confirmation screenshot 2450", "PNG", "What it says now")),
        said(45, "marta", "Perfect, I can see it. It will be there by noon."),
        Close(60, survey=True),
        survey(1, "welcome", "How did we do, from 1 to 5?"),
        survey(150, CUSTOMER, "5"),
        SurveyEnds(2, "FILLED", 5),
        Summary(4100, "Explained the internal transfer; client did it online."),
    )),
)  # fmt: skip
