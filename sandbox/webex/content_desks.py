"""The everyday: a 1:1, a desk with threads, files, edits and a card, the Treasury team's two spaces."""

from sandbox.webex.script import (
    Answer,
    Delete,
    Edit,
    File,
    Join,
    Leave,
    Moderate,
    Retitle,
    Say,
    Space,
)

APPROVAL_CARD = {
    "type": "AdaptiveCard",
    "version": "1.3",
    "body": [
        {"type": "TextBlock", "text": "Approve limit increase 4471?"},
        {
            "type": "FactSet",
            "facts": [{"title": "Client", "value": "Harbour Mills"}, {"title": "To", "value": "EUR 3m"}],
        },
        {"type": "Input.Text", "id": "note", "placeholder": "A word on why"},
    ],
    "actions": [
        {"type": "Action.Submit", "title": "Approve", "data": {"answer": "yes"}},
        {"type": "Action.Submit", "title": "Refuse", "data": {"answer": "no"}},
    ],
}

LUNCH = Space(
    key="ana-tom",
    title="",
    kind="direct",
    members=("ana", "tom"),
    steps=(
        Say("mon 09:02", "ana", "Morning Tom. Are you in today or at the branch?"),
        Say("mon 09:04", "tom", "Branch until eleven, then my desk."),
        Say("mon 09:04:40", "tom", "Shout if the Harbour Mills people ring before that", ref="shout"),
        Edit("mon 09:05:30", "shout", "Shout if the Harbour Mills people ring before that, my mobile is on"),
        Say(
            "mon 10:41",
            "ana",
            "They rang. Wanted the fixing from Friday, I read it out to them and said no more.",
        ),
        Say("mon 10:42", "tom", "Perfect, thanks 🙏🏽"),
        Say("mon 12:15", "tom", "Soup?"),
        Say("mon 12:15:20", "ana", "👩🏽‍💻 → 🍜 in ten"),
        Say("wed 16:58", "tom", "Wrong window, please ignore this one", ref="wrong"),
        Delete("wed 16:59", "wrong"),
        Say("wed 17:01", "ana", "Seen nothing 😇"),
    ),
)

HEDGE_DESK = Space(
    key="hedge-desk",
    title="Hedge desk",
    members=("ana", "piotr", "dieter", "priya", "tickets"),
    steps=(
        Say(
            "mon 07:58",
            "dieter",
            "Good morning all. Three maturities this week: two on Tuesday, one on Thursday.",
        ),
        Say("mon 08:01", "ana", "@{piotr} could you check the hedge numbers before 5pm?", ref="ask"),
        Edit("mon 08:03", "ask", "@{piotr} could you check the hedge numbers before 4pm?"),
        Edit(
            "mon 08:06",
            "ask",
            "@{piotr} could you check the hedge numbers before 4pm? Sheet is in the shared drive.",
        ),
        Say("mon 08:09", "piotr", "On it.", reply="ask"),
        Say(
            "mon 11:30",
            "piotr",
            "",
            reply="ask",
            ref="sheet",
            files=(File("hedge-2026-03.xlsx", "xlsx", 18_000, state="scanning", times=3),),
        ),
        Say("mon 11:31", "piotr", "Row 14 was off by one day, the rest ties out.", reply="ask"),
        Say("mon 11:44", "priya", "Row 14 is mine, sorry. Fixed upstream too.", reply="ask"),
        Say(
            "mon 13:10",
            "tickets",
            "Approve limit increase 4471?",
            markdown="**Approve limit increase 4471?**",
            html="<strong>Approve limit increase 4471?</strong>",
            card=APPROVAL_CARD,
            ref="card",
        ),
        Answer("mon 13:22", "dieter", "card", {"answer": "yes", "note": "within the annual frame"}),
        Say("mon 13:23", "tickets", "Ticket 4471 approved by Dieter Großmann."),
        Join("tue 09:00", "eleni", by="ana"),
        Say("tue 09:01", "ana", "Welcome @{eleni}! She takes over the sterling book."),
        Say("tue 09:03", "eleni", "Καλημέρα σε όλους, χαίρομαι που είμαι εδώ!"),
        Say(
            "tue 10:20",
            "eleni",
            "Old and new curve side by side:",
            files=(File("curve.png", "png", 9_000), File("curve.png", "png", 11_000)),
        ),
        Moderate("tue 10:40", "eleni", by="ana"),
        Say(
            "tue 14:02",
            "dieter",
            "See https://intranet.bank.example/policy?id=7&part=2 before you reply to the client",
            html='See <a href="https://intranet.bank.example/policy?id=7&amp;part=2">the policy</a> before'
            " you reply to the client",
        ),
        Say("tue 15:15", "priya", "", files=(File("client-passport.pdf", "pdf", 6_000),), ref="oops"),
        Delete("tue 15:16", "oops", by="dieter"),
        Say("tue 15:17", "dieter", "@{priya} client documents don't belong here, I took it out."),
        Leave("wed 08:30", "piotr"),
        Retitle("wed 08:35", "ana", "Hedge desk (EUR & GBP)"),
        Say("wed 08:36", "ana", "Piotr moves to Options today. @{all} new title, same rules."),
        Say("thu 16:05", "eleni", "All three maturities settled. Kudos 🎉"),
        Leave("fri 12:00", "priya", by="ana"),
        Say("fri 12:01", "ana", "Priya is off to Treasury full time, so I took her off this space."),
    ),
)

TREASURY = Space(
    key="treasury-general",
    title="Treasury",
    team="treasury",
    members=("ana", "dieter", "priya", "tom", "officer"),
    steps=(
        Say("mon 08:30", "ana", "Liquidity call at 9, dial-in as always."),
        Say("tue 08:30", "ana", "Same again today: 9 sharp."),
        Say("tue 09:25", "officer", "Reminder from Compliance: no prices on private phones."),
        Say("wed 08:31", "tom", "Ana is out, I chair."),
        Say(
            "wed 09:40",
            "tom",
            "Minutes attached.",
            files=(File("minutes wed.pdf", "pdf", 5_000, header="encoded"),),
        ),
    ),
)

FUNDING = Space(
    key="treasury-funding",
    title="Funding – short end",
    team="treasury",
    members=("dieter", "priya", "tom"),
    steps=(
        Say("mon 23:58:30", "dieter", "Tokyo opens in a minute, I stay on.", ref="tokyo"),
        Say("mon 23:59:40", "tom", "So do I."),
        Say("tue 00:00:20", "dieter", "First trade: 50m overnight at 2.11", reply="tokyo"),
        Say("tue 00:04", "tom", "Booked. Confirmation follows.", reply="tokyo"),
        Say(
            "tue 00:09",
            "tom",
            "",
            reply="tokyo",
            files=(File("confirmation.txt", "txt", 900, length="missing"),),
        ),
        Edit("tue 00:11", "tokyo", "Tokyo opened, I stay on."),
        Say("wed 23:59:58", "priya", "Last one before the cut-off: 20m, 2.10"),
        Say("thu 00:00:02", "dieter", "And done."),
    ),
)

SPACES = (LUNCH, HEDGE_DESK, TREASURY, FUNDING)
