"""The bank's side of the simulated account: skills, agent groups and agents. Data only; all names made up."""

from __future__ import annotations

from sandbox.liveperson.model import Agent, Named

SKILLS = {
    "front": Named(4120011110, "Front door"),
    "brokerage": Named(4120011210, "Brokerage"),
    "cards": Named(4120011310, "Cards & payments"),
    "wealth": Named(4120011410, "Wealth"),
    "international": Named(4120011510, "International"),
}

RETAIL = Named(4119990110, "Retail desk")
BOTS = Named(4119990210, "Bots")
PRIVATE = Named(4119990310, "Private banking")
GROUPS = (RETAIL, BOTS, PRIVATE)

_AGENTS = (
    Agent("welcome", "4120087601", "Welcome Bot", "Welcome", "welcomebot", BOTS, kind=2),
    Agent("concierge", "4120087602", "Concierge Bot", "Concierge", "conciergebot", BOTS, kind=2),
    Agent("marta", "4120087711", "Marta Lindqvist", "Marta", "mlindqvist", RETAIL,
          "marta.lindqvist@bank.example"),
    # Whose login name is the e-mail address, as with single sign-on.
    Agent("chidi", "4120087712", "Chidi Okafor", "Chidi", "chidi.okafor@bank.example", RETAIL,
          "chidi.okafor@bank.example"),
    Agent("jonas", "4120087713", "Jonas Reuter", "Jonas", "jreuter", RETAIL, "jonas.reuter@bank.example",
          renamed=("Fri 06:00", "Jonas Reuter-Blum")),
    Agent("eleni", "4120087714", "Ελένη Παπαδάκη", "Ελένη", "epapadaki", PRIVATE,
          "eleni.papadaki@bank.example"),
    Agent("yuki", "4120087715", "佐藤 由紀", "由紀", "ysato", PRIVATE, "yuki.sato@bank.example"),
    Agent("layla", "4120087716", "ليلى حداد", "ليلى", "lhaddad", RETAIL, "layla.haddad@bank.example"),
    Agent("anjali", "4120087717", "अंजलि मेहता", "अंजलि", "amehta", RETAIL, "anjali.mehta@bank.example"),
    Agent("siyuan", "4120087718", "陈思远", "思远", "schen", PRIVATE, "siyuan.chen@bank.example"),
    Agent("camille", "4120087719", "Camille Dufresne", "Camille", "cdufresne", RETAIL,
          "Camille.Dufresne@Bank.example"),
    # A temp without a mailbox.
    Agent("robin", "4120087720", "Robin Castell", "Robin", "rcastell", RETAIL),
    Agent("tomasz", "4120087721", "Tomasz Zieliński", "Tomek", "tzielinski", RETAIL,
          "tomasz.zielinski@bank.example", deleted="Sat 12:00"),
    Agent("beatriz", "4120087790", "Beatriz Alarcón", "Bea", "balarcon", PRIVATE,
          "beatriz.alarcon@bank.example"),
)  # fmt: skip

AGENTS = {agent.key: agent for agent in _AGENTS}
AGENTS_BY_ID = {agent.id: agent for agent in _AGENTS}
