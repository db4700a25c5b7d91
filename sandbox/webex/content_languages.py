"""Spaces in many languages: Spanish, German, Polish, Greek, Hebrew, Arabic, Thai, Korean, Russian."""

from sandbox.webex.script import Delete, Edit, File, Join, Say, Space

NOTE = File("notatka – środa.txt", "txt", 700, header="encoded")
CHART = File("금리 전망.png", "png", 6_000)
PLAN = File("план на неделю.xlsx", "xlsx", 4_000, header="percent")

CORRIDOR = Space(
    key="corridor",
    title="Pasillo / Flur / Korytarz",
    members=("ana", "dieter", "marta", "piotr", "luis", "katrin"),
    steps=(
        Say(
            "mon 09:15",
            "ana",
            "Buenos días. ¿Alguien sabe si el señor Ibáñez confirmó la reunión?",
            ref="cita",
        ),
        Say("mon 09:17", "luis", "Sí: mañana a las once, ¡y trae a su abogado!", reply="cita"),
        Say("mon 09:20", "dieter", "Für alle: Straßenbahn fällt aus, ich komme eine halbe Stunde später."),
        Say("mon 09:21", "katrin", "Kein Problem, ich übernehme das Frühstücksgespräch."),
        Say("mon 09:26", "marta", "Zażółć gęślą jaźń – sprawdzam tylko, czy nowa klawiatura działa 🙂"),
        Say("mon 09:27", "piotr", "Działa. Źdźbło też?", ref="zdzblo"),
        Edit("mon 09:28", "zdzblo", "Działa. A „źdźbło” też?"),
        Say(
            "tue 11:40", "luis", "Reunión terminada. Quieren 2.500.000,00 € a 18 meses; hablamos a las 13:00."
        ),
        Say("tue 11:42", "dieter", "2,5 Mio. für anderthalb Jahre geht nur mit Sicherheiten."),
        Say("wed 12:05", "marta", "Moja notatka ze spotkania:", files=(NOTE,)),
        Say("wed 12:30", "marta", "Ten żart był nie na miejscu, przepraszam", ref="joke"),
        Delete("wed 12:31", "joke", by="katrin"),
        Say("thu 17:30", "marta", "To mój ostatni dzień. Dziękuję wszystkim!"),
        Say("thu 17:31", "ana", "¡Suerte, Marta! Te echaremos de menos ❤️"),
    ),
)

LEVANT = Space(
    key="levant",
    title="מדף הים התיכון · Ανατολική Μεσόγειος",
    members=("noa", "eleni", "yusuf"),
    steps=(
        Say("mon 06:45", "noa", "בוקר טוב! מה שער הפתיחה של הבנק (EUR/ILS)?", ref="rate"),
        Say("mon 06:47", "eleni", "Καλημέρα Νόα, 3,9425 αλλά με μικρό όγκο.", reply="rate"),
        Say("mon 06:50", "noa", "תודה. אז 1,000,000 ₪ ב-3.9425 = 253,646.16 €, נכון?", reply="rate"),
        Say("mon 06:52", "yusuf", "نعم، الحساب صحيح ١٠٠٪ (raised by @{noa})."),
        Say("tue 06:44", "yusuf", "صباح الخير، السوق هادئ اليوم."),
        Say("tue 06:46", "noa", "\u200fשקט לפני הסערה... (ABC-77) \u200eok?"),
        Say("tue 06:48", "eleni", "Ας ελπίσουμε πως όχι! Ώρα για καφέ ☕"),
        Edit("tue 06:49", "rate", "בוקר טוב! מה שער הסגירה של הבנק (EUR/ILS)?"),
    ),
)

NOA_YUSUF = Space(
    key="noa-yusuf",
    title="",
    kind="direct",
    members=("noa", "yusuf"),
    steps=(
        Say("wed 13:00", "noa", "קיבלת את הטופס?"),
        Say("wed 13:01", "yusuf", "نعم، وصلني. شكراً!"),
        Say("wed 13:02", "yusuf", "", files=(File("نموذج موقع.pdf", "pdf", 3_000, header="encoded"),)),
        Say("wed 13:03", "noa", "👍🏼"),
    ),
)

RESEARCH = Space(
    key="research-general",
    title="Research Asia",
    team="research",
    members=("minjun", "somchai", "olga"),
    created="2025-12-01",
    steps=(
        Say("mon 00:10", "minjun", "좋은 아침입니다. 오늘 회의는 열한 시로 옮겼어요.", ref="call"),
        Say("mon 00:12", "somchai", "รับทราบครับ แล้วห้องประชุมเดิมหรือเปล่า", reply="call"),
        Say("mon 00:13", "olga", "Да, та же переговорная, третий этаж.", reply="call"),
        Say("mon 03:30", "minjun", "전망 차트 첨부합니다.", files=(CHART,)),
        Say("mon 03:34", "olga", "Красиво! А почему ось «доходность» в процентах, а не в пунктах?"),
        Say("mon 03:36", "minjun", "고객 요청이었습니다. @{olga} 내일 바꿀게요."),
        Say("tue 01:00", "olga", "Ещё раз: ёлка, съёмка, объём – проверяю буквы в отчёте."),
        Say("tue 01:05", "somchai", "ดอกเบี้ยนโยบายคงที่ร้อยละ ๒.๒๕ ตามที่คาด"),
        Say("wed 02:20", "olga", "", files=(PLAN,)),
        Say("fri 02:00", "somchai", "สุดสัปดาห์นี้ใครอยู่เวรบ้างครับ 👨‍👩‍👧‍👦"),
        Say("fri 02:01", "minjun", "제가 토요일, 올가 씨가 일요일입니다 🏳️‍🌈"),
    ),
)

WEEKEND = Space(
    key="weekend-watch",
    title="Weekend watch 🌙",
    members=("minjun", "olga"),
    created="fri 05:00",
    steps=(
        Say("sat 08:00", "minjun", "All quiet. Settlement batch 0803 done."),
        Join("sat 22:30", "tom", by="minjun"),
        Say("sat 23:50", "tom", "Joining late: a client in Boston asks about a stuck payment", ref="stuck"),
        Say("sun 00:05", "minjun", "It is in the second batch, 00:30 UTC.", reply="stuck"),
        Say("sun 00:41", "tom", "Released. Good night 💤", reply="stuck"),
        Say("sun 09:00", "olga", "Принимаю дежурство."),
        Say("sun 23:59:55", "olga", "Сдаю дежурство, всё спокойно."),
    ),
)

SPACES = (CORRIDOR, LEVANT, NOA_YUSUF, RESEARCH, WEEKEND)
