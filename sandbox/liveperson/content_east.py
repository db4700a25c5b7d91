"""Written conversations in other scripts, from right to left too; everything is made up."""

from __future__ import annotations

from sandbox.liveperson.model import (
    CUSTOMER,
    Close,
    Conversation,
    Customer,
    File,
    Message,
    Summary,
    SurveyEnds,
)
from sandbox.liveperson.script import asked, bot_said, card, hands_over, joins, said, sent, survey, words

HARUTO = Customer("haruto", "陽翔", "小林", "haruto.kobayashi@customers.example")
SALMA = Customer("salma", "سلمى", "الخطيب", "salma@customers.example")
JIAYI = Customer("jiayi", "嘉怡", "林", "lin.jiayi@customers.example")
RAVI = Customer("ravi", "रवि", "कुलकर्णी", "ravi.kulkarni@customers.example")
NOBODY = Customer("nobody")

FORM = {"formId": "4140007", "formName": "पहचान प्रपत्र", "invitationId": "inv-7c31"}
TYPED_IN = "XK-5521-9904-QZ"  # what was typed into the secure form; must turn up nowhere

# fmt: off
EAST = (
    Conversation("kaigai-soukin", "Tue 08:05:20", HARUTO, "international", (
        asked(1, "おはようございます。海外送金の上限額を教えてください。"),
        joins(30, "yuki"),
        said(25, "yuki", "小林様、おはようございます。1日あたり200万円、1か月で500万円までとなります。"),
        asked(50, "ありがとうございます。この画面で合っていますか？"),
        sent(20, CUSTOMER, File("送金画面", "PNG", "送金画面のスクリーンショット")),
        said(45, "yuki", "はい、そちらの画面です。"
             "「受取人」の欄は半角カナでご入力ください（例：ｺﾊﾞﾔｼ ﾊﾙﾄ）。"),
        asked(70, "できました！助かりました🙇‍♂️"),
        Close(20, survey=True),
        survey(1, "welcome", "1〜5で評価してください。"),
        survey(40, CUSTOMER, "5"),
        SurveyEnds(1, "FILLED", 5),
    ), language="ja-JP", device="MOBILE"),
    # Right to left, with numbers and Latin words inside, a line of Hebrew, and marks that turn the direction.
    Conversation("tahwil-rtl", "Tue 15:00:09", SALMA, "front", (
        asked(1, "مساء الخير، أريد تحويل 1,250.75 € إلى حساب IBAN DE89 3704 0044 0532 0130 00 اليوم."),
        joins(2, "welcome"),
        bot_said(2, "welcome", "أهلاً بك! ما نوع الخدمة؟", "transfer", "تحويل", "بطاقة"),
        asked(9, "تحويل"),
        *hands_over("welcome", "international", "layla"),
        said(30, "layla", "مساء النور سلمى، معك ليلى. سيصل المبلغ خلال يوم عمل واحد."),
        asked(44, "شكراً! زوجي يكتب بالعبرية: תודה רבה, נתראה מחר ב-10:30"),
        said(20, "layla", "على الرحب والسعة \u202b(رقم الطلب \u202a#A-7731\u202c)\u202c"),
        sent(15, "layla", File("receipt A-7731", "PDF", "إيصال التحويل")),
        Close(25),
    ), language="ar", device="MOBILE"),
    # Message ids in the older of the two forms.
    Conversation("jijin-dingtou", "Wed 09:10:55", JIAYI, "wealth", (
        asked(1, "您好，我想把每月的基金定投从 3000 元改成 5000 元，可以吗？"),
        joins(28, "siyuan"),
        said(33, "siyuan", "林女士您好，可以的。请问从哪一期开始？"),
        asked(21, "从下个月 5 号开始。另外，“稳健增长”和《平衡配置》有什么区别？"),
        card(60, "siyuan", words("稳健增长：股票不超过 20%"), words("平衡配置：股票 40%–60%"),
             predefined="4130044"),
        asked(90, "明白了，就选稳健增长。👍🏻"),
        said(30, "siyuan", "好的，已为您修改，确认函稍后发送到您的邮箱。"),
        Close(15),
        Summary(20, "定投 3000→5000，自 4 月 5 日起。"),
    ), language="zh-CN", old_ids=True),
    # A secure form: the invitation and the submission are shown, what was typed in is masked everywhere.
    Conversation("pehchan-form", "Wed 12:00:31", RAVI, "cards", (
        asked(1, "नमस्ते, मेरे कार्ड की सीमा बढ़ानी है। कार्ड ६४२१ पर समाप्त होता है।"),
        joins(26, "anjali"),
        said(30, "anjali", "नमस्ते रवि जी। पहचान के लिए कृपया यह सुरक्षित प्रपत्र भरें।"),
        Message(5, "anjali", "SECURE_FORM_INVITATION", {"secureForm": FORM}),
        asked(40, "कार्ड नंबर **** **** **** 6421"),
        Message(80, CUSTOMER, "SECURE_FORM_SUBMIT",
                {"secureForm": {**FORM, "submissionId": "sub-19f0", "formData": {"idNumber": TYPED_IN}}}),
        said(65, "anjali", "धन्यवाद, सीमा अब ₹ १,५०,००० है।"),
        asked(15, "बहुत बढ़िया, धन्यवाद! 🎉"),
        Close(20),
    ), language="hi-IN", device="MOBILE"),
    # Nobody knows the customer's name; emoji of several code points; text that looks like HTML and templates.
    Conversation("emoji-and-markup", "Wed 16:00:02", NOBODY, "front", (
        asked(1, "hi 👩🏽‍💻👨‍👩‍👧‍👦🏳️‍🌈 is this the bank? 👋🏿"),
        joins(20, "marta"),
        said(15, "marta", "It is! What can I do for you? 🙂"),
        asked(30, "your page shows me <script>alert('hi')</script> & <b>bold</b> in the balance field?!"),
        asked(12, "</td></tr></table><h1>Balance: 9 & more</h1><img src=x onerror=alert(1)>"),
        said(40, "marta", "Thanks for telling us. Does it also show {{account.balance}} or ${jndi:x}?"),
        asked(25, "yes, and a line like '=HYPERLINK(1)' \u2028 and then \u0000 nothing, "
                  "only \u0007 \ufeff dots…"),
        asked(9, "   \t  "),
        asked(7, "c\u0327a va? e\u0301 is not é, ﬁne. Z̷͎̈a̶͔͝l̴̡̛g̸̼͗o̶"),
        said(50, "marta", "I have reported it as ticket #40812. Anything else?"),
        asked(20, "no thx 🤷🏻‍♀️ bye"),
        Close(10, reason="CONSUMER"),
    ), source="APP", device="MOBILE"),
)
# fmt: on
