"""Who writes: employees with names in several scripts, partners, guests without a mailbox, bots; teams."""

from sandbox.webex.script import Person, Team

PEOPLE = (
    Person("officer", "Ingrid Solberg", "compliance.officer@bank.example"),
    Person("ana", "Ana Ruiz", "ana.ruiz@bank.example"),
    Person("piotr", "Piotr Wiśniewski", "piotr.wisniewski@bank.example"),
    Person("marta", "Marta Żuk", "marta.zuk@bank.example", gone="thu 18:00"),
    Person("eleni", "Ελένη Παπαδοπούλου", "eleni.papadopoulou@bank.example"),
    Person("noa", "נועה לוי", "noa.levy@bank.example"),
    Person("somchai", "สมชาย ใจดี", "somchai.jaidee@bank.example"),
    Person("minjun", "김민준", "minjun.kim@bank.example"),
    Person("olga", "Ольга Смирнова", "olga.smirnova@bank.example"),
    Person("dieter", "Dieter Großmann", "dieter.grossmann@bank.example"),
    Person("katrin", "Katrin Jäger", "katrin.jaeger@bank.example"),
    Person("tom", "Tom O'Hara", "tom.ohara@bank.example"),
    Person("priya", "Priya Nair", "priya.nair@bank.example"),
    Person("luis", 'Luis "Lucho" Ortega, Jr.', "luis.ortega@bank.example"),
    Person("yusuf", "يوسف حداد", "yusuf.haddad@bank.example"),
    Person("claire", "Claire Dubois", "claire.dubois@partner.example", org="partner"),
    Person("ravi", "Ravi Menon", "ravi.menon@partner.example", org="partner"),
    Person("juno", "Juno Falk (guest)", "juno@guest.example"),
    Person("remy", "Remy Aalto (guest)", "remy@guest.example"),
    Person("tickets", "Ticket Desk", "tickets@webex.bot", bot=True),
    Person("prices", "Price Watch", "prices@webex.bot", bot=True),
    Person("keeper", "Room Keeper", "keeper@webex.bot", bot=True),
)

TEAMS = (
    Team("treasury", "Treasury", "treasury-general", ("ana", "dieter", "priya", "tom", "officer")),
    Team("research", "Research Asia", "research-general", ("minjun", "somchai", "olga")),
)
