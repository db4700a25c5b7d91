"""Written conversations in languages of Europe; customers, names, numbers and texts are made up."""

from __future__ import annotations

from sandbox.liveperson.model import (
    CUSTOMER,
    Close,
    Conversation,
    Customer,
    File,
    Leaves,
    Message,
    Renames,
    Summary,
    SurveyEnds,
    Transfer,
)
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
    watches,
    words,
)

HOLLIS = Customer("hollis", "Hollis", "Grant", "hollis.grant@customers.example", "+44 20 7946 0143")
ANNEGRET = Customer("annegret", "Annegret", "Weiß", "annegret.weiss@customers.example")
INES = Customer("ines", "Inés", "Muñoz Ibáñez", "ines.munoz@customers.example")
KOSTAS = Customer("kostas", "Κώστας", "Βλαχάκης", "kostas@customers.example")
AUGUSTIN = Customer("augustin", "Augustin", "Lefèvre", "augustin.lefevre@customers.example")

# fmt: off
WEST = (
    # From a bot to a person, quick replies, a card, a picture, a survey; the summary comes an hour later.
    Conversation("transfer-between-accounts", "Mon 09:02:11.318", HOLLIS, "front", (
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
             button("Open the form", "https://bank.example/transfer?from=savings&to=joint"),
             predefined="4130001"),
        asked(120, "Done, thank you!"),
        sent(60, CUSTOMER, File("confirmation screenshot 2450", "PNG", "What it says now")),
        said(45, "marta", "Perfect, I can see it. It will be there by noon."),
        Close(60, survey=True),
        survey(1, "welcome", "How did we do, from 1 to 5?"),
        survey(150, CUSTOMER, "5"),
        SurveyEnds(2, "FILLED", 5),
        Summary(4100, "Explained the internal transfer; client did it online."),
    )),
    # Text that tries to be a mail header; files from both sides.
    Conversation("depot-auszug", "Mon 10:15:03", ANNEGRET, "brokerage", (
        asked(1, "Guten Tag, mir fehlt der Depotauszug für Januar. Können Sie ihn mir schicken?"),
        joins(40, "jonas"),
        said(22, "jonas", "Guten Tag Frau Weiß, selbstverständlich. Einen Augenblick bitte."),
        sent(95, "jonas", File("Depotauszug Januar 2026 – Weiß", "PDF", "Depotauszug 01/2026", size=24_000)),
        asked(70, "Danke! Und das hier steht in meinem Postfach, ist das echt?\r\nSubject: Gewinn!\r\n"
                  "Bcc: alle@customers.example\r\n\r\nKlicken Sie hier"),
        sent(12, CUSTOMER, File("verdächtige Nachricht", "TXT")),
        said(80, "jonas", "Nein, bitte nicht anklicken. Wir fragen niemals per E-Mail nach einer TAN."),
        asked(30, "Gut, dass ich gefragt habe. Schöne Grüße aus Lüneburg!"),
        Close(20, reason="CONSUMER"),
    ), language="de-DE"),
    # A manager looks in and leaves a note that the customer must never see; then a transfer to a named agent.
    Conversation("orden-de-compra", "Mon 14:40:30", INES, "brokerage", (
        asked(1, "Buenas tardes. ¿Puedo comprar 150 acciones de Naranja Energía con un límite de 12,40 €?"),
        joins(25, "chidi"),
        said(30, "chidi", "Buenas tardes, Inés. Sí, puedo preparar la orden. ¿Es válida solo para hoy?"),
        watches(15, "beatriz"),
        said(20, "beatriz", "Ojo: la clienta no tiene aún el test de idoneidad firmado. No tramitar.",
             hidden=True),
        said(35, "chidi", "Entendido, lo consulto contigo.", hidden=True),
        asked(20, "Sí, solo hoy, por favor."),
        said(40, "chidi", "Antes necesito pasarle con una compañera por un documento pendiente."),
        Transfer(10, "chidi", "wealth", to="beatriz", reason="Agent"),
        Leaves(1, "chidi"),
        joins(8, "beatriz"),
        said(30, "beatriz", "Hola Inés, soy Beatriz. Le envío el enlace del test; son diez minutos."),
        Message(12, "beatriz", "LINK", {"link": {"externalFileLink": "https://bank.example/idoneidad?cliente=8841",
                                                 "fileType": "PDF", "caption": "Test de idoneidad"}}),
        asked(900, "Hecho. ¡Qué rápido!"),
        said(50, "beatriz", "Gracias. La orden queda introducida: 150 títulos, límite 12,40 €, válida hoy."),
        Close(30, survey=True),
        survey(1, "concierge", "¿Cómo lo hemos hecho, de 1 a 5?"),
        SurveyEnds(1500, "SKIPPED"),
    ), language="es-ES"),
    Conversation("metafora-chrimaton", "Tue 11:30:44", KOSTAS, "international", (
        asked(1, "Καλημέρα, πόσο κοστίζει ένα έμβασμα 3.000 € προς Σουηδία;"),
        joins(33, "eleni"),
        said(28, "eleni", "Καλημέρα κύριε Βλαχάκη. Εντός ΕΕ δεν υπάρχει χρέωση, "
             "φτάνει την επόμενη εργάσιμη."),
        asked(41, "Τέλεια. Χρειάζεστε κάτι από εμένα; Το IBAN το έχω: SE45 5000 0000 0583 9825 7466"),
        said(36, "eleni", "Όχι, αρκεί. Σας ετοίμασα το έντυπο."),
        card(9, "eleni", words("Έμβασμα SEPA"), button("Άνοιγμα εντύπου", "https://bank.example/sepa")),
        asked(60, "Ευχαριστώ πολύ! 🙏🏽"),
        Close(30),
        Summary(86_400, "SEPA προς Σουηδία, χωρίς χρέωση. (Διορθώθηκε την επομένη.)"),
    ), language="el-GR", device="MOBILE"),
    # Crosses midnight, and the customer's name is corrected while it runs.
    Conversation("carte-perdue", "Tue 23:48:17.040", AUGUSTIN, "cards", (
        asked(1, "Bonsoir, j'ai perdu ma carte à l'instant, dans le train pour Besançon !"),
        joins(50, "camille"),
        said(15, "camille", "Bonsoir Monsieur Lefèvre. Je la bloque tout de suite, ne quittez pas."),
        said(140, "camille", "C'est fait : la carte est bloquée depuis 23 h 52. "
             "Une nouvelle part demain matin."),
        Renames(200, "Augustin", "Lefèvre-Oberlé"),
        asked(190, "Ouf, merci. Elle arrivera quand ?"),
        said(45, "camille", "Sous trois jours ouvrés, à votre adresse de l’été « 4, rue de l’Œuvre »."),
        asked(420, "Parfait. Bonne nuit… enfin, bonjour : il est déjà minuit passé 😅"),
        Close(600, survey=True),
        survey(1, "concierge", "Êtes-vous satisfait, de 1 à 5 ?"),
        survey(61_000, CUSTOMER, "4"),  # seventeen hours later
        SurveyEnds(3, "FILLED", 4),
    ), language="fr-FR", device="MOBILE"),
)
# fmt: on
