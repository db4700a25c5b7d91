"""Written conversations at the edges: very long, days long, without people, erased later; all made up."""

from __future__ import annotations

from sandbox.liveperson.content_west import HOLLIS
from sandbox.liveperson.model import (
    CUSTOMER,
    Close,
    Conversation,
    Customer,
    Erases,
    File,
    Leaves,
    Step,
    Summary,
    SurveyEnds,
    Transfer,
)
from sandbox.liveperson.script import asked, bot_said, hands_over, joins, said, sent, survey, watches

OTIS = Customer("otis", "Otis")
MINNA = Customer("minna", "Minna", "Järvelä", "minna.jarvela@customers.example")
DESMOND = Customer("desmond", "Desmond", "O'Rourke", "desmond.o'rourke@customers.example")
WANDA = Customer("wanda", "Wanda", "Kowalczyk", "wanda.kowalczyk@customers.example")
GUSTAV = Customer("gustav", "Gustav", "Nyberg", "gustav.nyberg@customers.example")
LUCIA = Customer("lucia", "Lucia", "Ferraro", "lucia.ferraro@customers.example")

_COMPLAINT = (
    "On the {n}. occasion I wrote that clause {n}.{k} of the custody agreement says one thing and your fee "
    "note says another; I attach the figures once more: {a} shares at {b} francs, fee {k}.{n} francs. "
)
COMPLAINT = "".join(
    _COMPLAINT.format(n=n, k=n * 7 % 19 + 1, a=n * 13 + 5, b=n * 3 + 41) for n in range(1, 105)
)  # about 20,000 characters in one message


def _trades() -> tuple[Step, ...]:
    # 65 orders with their answers, so that the list row is cut.
    steps: list[Step] = []
    for n in range(1, 66):
        steps.append(
            asked(35 + n % 7, f"Order {n}: buy {n * 40} Fjordkraft at {90 + n / 4:.2f}, valid to noon.")
        )
        steps.append(said(20 + n % 5, "chidi", f"Order {n} confirmed, ticket T-{5000 + n * 17}."))
    return tuple(steps)


# fmt: off
EDGE = (
    # Bots only: nobody with a mailbox was in.
    Conversation("bots-only", "Wed 18:00:40", OTIS, "front", (
        asked(1, "what are your opening hours on saturday"),
        joins(1, "welcome"),
        bot_said(1, "welcome", "Branches open from 9 to 13 on Saturdays.", "opening_hours",
                 "Find a branch", "Done"),
        asked(15, "Find a branch"),
        *hands_over("welcome", "front", "concierge", after=1),
        bot_said(3, "concierge", "The nearest one is at 12 Mill Lane.", "branch_finder"),
        asked(12, "ta"),
        Close(5, reason="SYSTEM", description="TIMEOUT"),
    )),
    # Stays open for three days: four periods of 24 hours, the third of them with nothing in it.
    Conversation("three-days-open", "Thu 07:30:00", MINNA, "wealth", (
        asked(1, "Hello, I would like to plan my portfolio for the next years. No hurry at all."),
        joins(300, "jonas"),
        said(60, "jonas", "Hello Ms Järvelä, gladly. Could you tell me your horizon and what worries you?"),
        asked(7_000, "Fifteen years. Inflation worries me, and that I sell in a panic."),
        said(78_000, "jonas", "Good morning. Then let us talk about a savings plan; here is an outline."),
        sent(30, "jonas", File("Outline of a savings plan", "PDF", "Outline v1", size=3_000_000)),
        asked(9_000, "I read it. Page two looks good. My daughter's photo for your desk:"),
        sent(40, CUSTOMER, File("photo of a cat", "GIF", gone="Sat 09:00")),
        said(170_000, "beatriz", "Reviewed: suitable, second signature given.", hidden=True),
        asked(4_000, "Sunday thoughts: let's go with plan B."),
        said(1_200, "jonas", "Noted, plan B it is. I'll send the contract on Monday. All the best!"),
        Close(60),
        Summary(600, "Savings plan B agreed, contract to be sent."),
    )),
    # Nobody came; the system closed it.
    Conversation("nobody-came", "Thu 13:00:12", GUSTAV, "cards", (
        asked(1, "Hej, why was my card refused in Uppsala?"),
        asked(1_500, "Is anybody there?"),
        Close(5_700, reason="SYSTEM", description="TIMEOUT"),
    )),
    # One message of 20,000 characters; the agent has no e-mail address; an address with an apostrophe.
    Conversation("long-complaint", "Thu 15:20:37", DESMOND, "brokerage", (
        asked(1, "I have a complaint. It is long. Please read all of it."),
        joins(60, "robin"),
        said(10, "robin", "Of course, please go ahead."),
        asked(240, COMPLAINT),
        said(900, "robin", "I have read it to the end. You are right; I will have 104 centimes refunded."),
        asked(30, "Thank you."),
        Close(10, survey=True),
        survey(1, "welcome", "How did we do, from 1 to 5?"),
        survey(30, CUSTOMER, "3"),
        survey(8, CUSTOMER, "Too slow, but fair."),
        SurveyEnds(1, "PARTIALLY_FILLED", 3),
    )),
    # After the automatic end the same customer writes again: a conversation of its own.
    Conversation("wrote-again", "Fri 08:00:05", GUSTAV, "cards", (
        asked(1, "Trying again: why was my card refused in Uppsala yesterday?"),
        joins(45, "layla"),
        said(30, "layla", "Good morning Mr Nyberg. The chip could not be read; I have ordered a new card."),
        asked(20, "Tack!"),
        Close(15),
    )),
    # Its agent leaves the bank on Saturday; on Sunday the customer's data are deleted (final).
    Conversation("erased-later", "Fri 10:00:48", WANDA, "brokerage", (
        asked(1, "Dzień dobry, chciałabym zamknąć rachunek maklerski."),
        joins(30, "tomasz"),
        said(25, "tomasz", "Dzień dobry. Oczywiście, proszę o podpis pod tym formularzem."),
        sent(10, "tomasz", File("Formularz zamknięcia rachunku", "PDF", "Formularz")),
        sent(600, CUSTOMER, File("podpisany formularz", "PNG", "Podpisane")),
        said(60, "tomasz", "Dziękuję, rachunek zostanie zamknięty w ciągu 5 dni."),
        Close(20),
        Erases(190_000),
    ), language="pl-PL"),
    # So many messages that a list shows only part of them; a manager takes over near the end.
    Conversation("many-orders", "Fri 13:00:00", LUCIA, "brokerage", (
        joins(5, "chidi"),
        *_trades(),
        watches(10, "beatriz"),
        said(10, "beatriz", "Limit of the day is nearly reached, I take this one.", hidden=True),
        Transfer(5, "beatriz", "wealth", to="beatriz", reason="TakeOver"),
        Leaves(1, "chidi"),
        joins(1, "beatriz"),
        said(20, "beatriz", "Lucia, this is Beatriz. Shall we talk about a standing limit on Monday?"),
        asked(50, "Va bene, grazie."),
        Close(30),
    )),
    # Still open when the week ends.
    Conversation("still-open", "Sun 20:10:00", HOLLIS, "front", (
        asked(1, "One more thing about the joint account, no rush: can my son get a card for it?"),
        joins(2, "welcome"),
        bot_said(2, "welcome", "A colleague will answer tomorrow from 8:00.", "handover"),
        *hands_over("welcome", "cards", "marta", after=43_500),
        said(600, "marta", "Good morning Hollis! Yes, from the age of twelve. Shall I send the form?"),
    )),
)
# fmt: on
