"""What breaks archives: files in every state, texts that look like markup or mail headers, moved spaces."""

from sandbox.webex.script import Delete, Edit, File, Join, Leave, Migrate, Retitle, Say, Space, Step

_STATES = (
    Say("mon 15:00", "katrin", "Scanner test, one file each.", ref="start"),
    Say("mon 15:01", "katrin", "clean", files=(File("report.pdf", "pdf", 3_000),)),
    Say("mon 15:02", "katrin", "clean, same name", files=(File("report.pdf", "pdf", 3_500),)),
    Say("mon 15:03", "katrin", "slow", files=(File("slow.xlsx", "xlsx", 5_000, state="scanning", times=2),)),
    Say("mon 15:04", "tom", "infected", files=(File("invoice.pdf.txt", "txt", 400, state="infected"),)),
    Say("mon 15:05", "tom", "locked", files=(File("locked.xlsx", "xlsx", 2_000, state="unscannable"),)),
    Say("mon 15:06", "tom", "gone", files=(File("gone.png", "png", 500, state="gone"),)),
    Say("mon 15:07", "katrin", "no name", files=(File("unnamed", "txt", 300, header="empty"),)),
    Say("mon 15:08", "katrin", "umlauts", files=(File("Größe ändern.txt", "txt", 320),)),
    Say("mon 15:09", "katrin", "coded", files=(File("Überblick €.xlsx", "xlsx", 900, header="encoded"),)),
    Say("mon 15:10", "tom", "percent", files=(File("100% sure? a=b;c.txt", "txt", 340, header="percent"),)),
    Say("mon 15:11", "tom", "no length", files=(File("stream.pdf", "pdf", 60_000, length="missing"),)),
    Say("mon 15:12", "tom", "breaks off", files=(File("halves.png", "png", 80_000, length="wrong"),)),
    Say("mon 15:13", "katrin", "path", files=(File("../../etc/passwd", "txt", 310),)),
    Say(
        "mon 15:14",
        "katrin",
        "device",
        files=(File("CON.txt", "txt", 305), File(f"{'n' * 230}.txt", "txt", 300)),
    ),
    Say("mon 15:20", "tom", "eleven megabytes", files=(File("large.png", "png", 11_500_000),)),
    Say("tue 09:00", "katrin", "This one goes again", files=(File("draft.pdf", "pdf", 2_200),), ref="draft"),
    Delete("tue 09:04", "draft"),
    Say("tue 09:10", "tom", "Done with the tests?", reply="start"),
)

CLINIC = Space(key="file-clinic", title="File clinic", members=("katrin", "tom"), steps=_STATES)

_TEXTS: tuple[Step, ...] = (
    Say("wed 09:00", "luis", "<script>alert('x')</script> is how the ticket began"),
    Say("wed 09:01", "luis", "a < b && b > c, \"quoted\" & 'single' &amp; already escaped"),
    Say("wed 09:02", "priya", "Lunch\r\nBcc: everyone@bank.example\r\nSubject: not a header\r\n\r\nbody?"),
    Say(
        "wed 09:03",
        "priya",
        "--boundary--\nContent-Type: text/html\n\n<b>hi</b>\n.\nFrom here on\n>From there",
    ),
    Say(
        "wed 09:04",
        "luis",
        "bell \x07, vertical \x0b, null \x00, delete \x7f, next line \x85, escape \x1b[31mred",
    ),
    Say(
        "wed 09:05",
        "priya",
        "zero\u200bwidth, \u202eoverride\u202c, \u2066isolate\u2069, \ufeffmark, \ufffd, \U0010ffff",
    ),
    Say("wed 09:06", "luis", "   leading, trailing and\ttabs   "),
    Say("wed 09:07", "priya", "=?utf-8?B?aGVsbG8=?= looks encoded, =20 too"),
    Say("wed 09:08", "luis", "👨‍👩‍👧‍👦 👩🏽‍💻 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇵🇹 e\u0301 é ﷽ Z̸̡͇a̵l̴g̶o̵"),
    Say("wed 09:09", "priya", "0123456789 " * 670),
    Say("wed 09:10", "luis", "x" * 2_500),
    Say("wed 09:11", "priya", "line\n" * 300),
    Say("wed 09:12", "luis", "@{all} @{priya} @{luis}", ref="all"),
    Say("wed 09:13", "priya", "The figures are in the vault", trouble="kms"),
    Say(
        "wed 09:14",
        "luis",
        "click",
        html='<a href="javascript:alert(1)" onclick="x()">click</a><img src=x onerror=y>',
    ),
    Say("wed 09:15", "luis", "The price is 100", ref="price"),
    *(Edit(f"wed 09:{15 + n}:30", "price", f"The price is {100 + n}") for n in range(1, 11)),
    Delete("wed 09:40", "price", by="priya"),
    Say("wed 09:41", "priya", "Same text"),
    Say("wed 09:41", "priya", "Same text"),
    Retitle("wed 09:45", "luis", "Q1 <b>plan</b>\r\nX-Injected: yes"),
)

TEXTS = Space(key="odd-texts", title="Odd texts", members=("luis", "priya", "yusuf"), steps=_TEXTS)

MOVED = Space(
    key="moved",
    title="Branch Lisbon",
    members=("luis", "ana", "tom"),
    steps=(
        Say("tue 10:00", "luis", "The branch moves to the EU region this week, they say.", ref="move"),
        Say("tue 10:05", "tom", "Will our history survive?", reply="move"),
        Migrate("wed 11:00"),
        Say("wed 11:30", "luis", "It did.", reply="move"),
        Join("wed 12:00", "eleni", by="luis"),
        Say("thu 09:00", "eleni", "Γεια! Νέα αίθουσα;"),
        Leave("thu 09:30", "tom", by="luis"),
        Edit("thu 10:00", "move", "The branch moved to the EU region this week."),
        Say("fri 09:00", "ana", "", files=(File("lease.pdf", "pdf", 4_000),)),
    ),
)

SPACES = (CLINIC, TEXTS, MOVED)
