"""Spaces with people and machines from outside: partners, guests without a mailbox, bots among themselves."""

from sandbox.webex.script import Answer, Edit, File, Join, Leave, Odd, Say, Space

DECK = File("joint-offer.pdf", "pdf", 7_000)

DEAL_ROOM = Space(
    key="deal-room",
    title="Project Lantern (with Partner & Co.)",
    members=("katrin", "tom", "claire", "luis"),
    steps=(
        Say(
            "mon 10:00", "katrin", "Welcome to the joint space. Nothing confidential before the NDA, please."
        ),
        Say(
            "mon 10:04",
            "claire",
            "Bonjour à tous, merci pour l'invitation. Notre offre suit ce soir.",
            ref="offer",
        ),
        Leave("mon 18:00", "luis"),
        Say("tue 08:12", "claire", "", reply="offer", files=(DECK,)),
        Say("tue 08:30", "tom", "Got it. @{claire} page 4 has last year's fee table?", reply="offer"),
        Say("tue 08:41", "claire", "Exact, page 4 est à jour dans la version 2.", reply="offer", ref="v2"),
        Edit("tue 08:45", "v2", "Exact, la page 4 sera à jour dans la version 2."),
        Join("thu 15:00", "ravi", by="claire"),
        Say("thu 15:02", "ravi", "Hi, Ravi from Partner's legal team. I read from here on only, I suppose?"),
        Say("thu 15:03", "katrin", "You do. Older messages stay visible to you inside Webex, though."),
        Say("fri 16:20", "katrin", "NDA signed on both sides. Have a good weekend!"),
    ),
)

THEIR_SPACE = Space(
    key="their-space",
    title="Partner & Co. supplier round",
    owner="partner",
    members=("claire", "ravi", "tom", "priya"),
    steps=(
        Say("tue 13:00", "claire", "This space belongs to us, so your archive sees your own side only."),
        Say("tue 13:05", "tom", "Understood. Our answer to question 3 is: two business days.", ref="three"),
        Say("tue 13:06", "ravi", "Noted, two days."),
        Edit("tue 13:10", "three", "Understood. Our answer to question 3 is: three business days."),
        Say(
            "wed 13:30",
            "priya",
            "And to question 5: yes, in writing.",
            files=(File("answer-5.txt", "txt", 600),),
        ),
        Leave("thu 09:00", "priya"),
        Say(
            "thu 10:00",
            "ravi",
            "Closing the round, thank you all.",
            files=(File("result.pdf", "pdf", 2_000),),
        ),
    ),
)

ACROSS = Space(
    key="claire-katrin",
    title="",
    kind="direct",
    owner="partner",
    members=("claire", "katrin"),
    steps=(
        Say("wed 10:10", "claire", "Can we talk before the call?"),
        Say("wed 10:11", "katrin", "In five minutes, I ring you."),
        Say("wed 10:55", "claire", "Thanks, that cleared it up."),
    ),
)

GUESTS = Space(
    key="juno-remy",
    title="",
    kind="direct",
    members=("juno", "remy"),
    created="2026-01-12",
    steps=(
        Say("mon 14:00", "juno", "Are you at the contractors' desk today?"),
        Say("mon 14:02", "remy", "From three. Badge works again."),
        Say("tue 14:30", "juno", "Invoice for February:", files=(File("invoice-02.pdf", "pdf", 2_500),)),
        Say("tue 14:31", "remy", "Forwarded to accounts."),
    ),
)

MACHINES = Space(
    key="machines",
    title="#automation",
    members=("keeper", "prices", "tickets"),
    created="2026-01-20",
    steps=(
        Say("mon 05:00", "prices", "EURUSD 1.0841", markdown="`EURUSD` **1.0841**"),
        Say("mon 05:00:01", "tickets", "No open tickets."),
        Say(
            "mon 17:00",
            "prices",
            "Close?",
            card={
                "type": "AdaptiveCard",
                "version": "1.2",
                "body": [{"type": "TextBlock", "text": "Close the day?"}],
            },
            ref="close",
        ),
        Answer("mon 17:00:05", "keeper", "close", {"close": "1"}),
        Say("tue 05:00", "prices", "EURUSD 1.0856", markdown="`EURUSD` **1.0856**"),
        Odd("tue 06:00", "keeper", "huddles", "started", {"title": "Standing meeting"}),
        Odd("tue 06:01", "keeper", "messages", "flagged", {"flag": "for later"}),
        Odd(
            "tue 06:02",
            "keeper",
            "tabs",
            "created",
            {"displayName": "Board", "contentUrl": "https://bank.example/board"},
        ),
        Say("wed 05:00", "prices", "EURUSD 1.0799", markdown="`EURUSD` **1.0799**"),
    ),
)

SPACES = (DEAL_ROOM, THEIR_SPACE, ACROSS, GUESTS, MACHINES)
