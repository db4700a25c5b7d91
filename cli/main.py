"""`chatledger`: groups and commands by name only. Each command's module is imported when it is called."""

import gc
import os
from importlib import import_module

import click

PRIVATE = 0o077
"""Whatever a command and its children make (caches, logs, counters), conversations are in it: for its owner alone."""

STOPPED = "\nstopped, nothing is left running; run it again to go on"

COMMANDS = {
    "check": ("cli.check:check", "Can sources, Kafka and store be reached, is all as it must be?"),
    "collect": ("cli.collect:collect", "Collect from one connector's source into Kafka."),
    "connector": (
        "cli.connector:connector",
        "Pause, resume or delete a connector: what becomes of its lanes.",
    ),
    "config": ("cli.config:config", "Print a commented example, or validate a file."),
    "demo": ("cli.demo:demo", "The whole job on simulated chats, without any account."),
    "dispose": ("cli.dispose:dispose", "Let conversations leave the archive, on record: retention, erasure."),
    "evidence": ("cli.evidence:evidence", "Signed manifests of what was archived, and their check."),
    "health": (
        "cli.health:health",
        "Is one process of this host well? For health checks.",
    ),
    "hold": ("cli.hold:hold", "Legal holds: what is on hold is not disposed of."),
    "letters": ("cli.letters:letters", "Dead letters: what was refused, and what was done about it."),
    "log": ("cli.log:log", "Microsoft's connector log: what each day's run brought, and what failed."),
    "import": ("cli.import_:import_", "Put stored copies into mailboxes: IMAP, Maildir, a folder."),
    "login": ("cli.login:login", "Sign in at Webex, once for each connector."),
    "mapping": ("cli.mapping:mapping", "User mapping: which mailbox gets whose copies."),
    "monitor": ("cli.monitor:monitor", "Count deliveries and publish every connector's counters."),
    "reconcile": ("cli.reconcile:reconcile", "Is everything that the source shows of a day in the archive?"),
    "replay": ("cli.replay:replay", "Make mails again from the log, or compare the archive with it."),
    "run": ("cli.run:run", "Collectors, worker and monitor, all on this machine."),
    "sandbox": ("cli.sandbox:sandbox", "Local Kafka, Azurite and simulated chat sources."),
    "status": ("cli.status:status", "What every connector has done, and whether it is well."),
    "topics": ("cli.topics:topics", "Create, check and read the topics."),
    "work": ("cli.work:work", "A stream worker: assembles conversations and archives their mails."),
}

SECTIONS = {
    "Try it": ("demo", "sandbox"),
    "Set up": ("config", "check", "topics", "login", "mapping"),
    "Run": ("run", "collect", "work", "import", "monitor", "connector"),
    "Keep or let go": ("hold", "dispose"),
    "Look": ("status", "health", "log", "letters", "reconcile", "evidence", "replay"),
}
"""What people do, in the order in which they do it; a command that is in none of them is listed at the end."""


class LazyGroup(click.Group):
    """Knows commands by name and help text; imports a module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command itself."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        gc.disable()  # a thousand classes are made and none is dropped: the collector would look in vain
        try:
            command = getattr(import_module(module), name)
        finally:
            gc.enable()
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; who ends it with Ctrl-C is told what that means, in place of click's `Aborted!`."""
        # pydantic looks through all that is installed for plug-ins, of which we have none: a tenth of what a short command costs
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(STOPPED if ctx.invoked_subcommand in {"demo", "run"} else "\nstopped", err=True)
            ctx.exit(1)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by what people do, without importing them."""
        placed = {name for names in SECTIONS.values() for name in names}
        rest = tuple(name for name in self.list_commands(ctx) if name not in placed)
        for title, names in (*SECTIONS.items(), *([("More", rest)] if rest else [])):
            with formatter.section(title):
                formatter.write_dl([(f"{name:9}", COMMANDS[name][1]) for name in names])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chatledger")
def main() -> None:
    """Archive business chats as e-mail: LivePerson and Webex, through Kafka, into a folder or Azure Blob Storage."""
    os.umask(PRIVATE)


if __name__ == "__main__":
    main()
