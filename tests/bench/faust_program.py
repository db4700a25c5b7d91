"""The job as Faust's user guide would have it: Records of JSON, a Table with the growing conversation, agents linked by topics.

It is compared with, and no part of the product. What it does not promise: offsets are committed apart from the table's changelog,
so a kill repeats or loses messages; an agent that raises acknowledges its event; a conversation over 1 MB ends the worker.
"""

import faust

from tests.bench import stdlib_mail

options = stdlib_mail.options()
app = faust.App(
    options.group, broker=f"kafka://{options.bootstrap}", store="memory://", topic_partitions=4, web_enabled=False,
    datadir=str(options.work / "faust"),
)  # fmt: skip


class Person(faust.Record):  # type: ignore[misc]  # faust publishes no types
    """A participant."""

    id: str
    email: str
    name: str
    role: str


class Event(faust.Record):  # type: ignore[misc]  # as above
    """A message, or the close of a conversation."""

    type: str
    conversation: str
    event_id: str
    seq: int
    sent_at: int
    sender_id: str | None = None
    sender_email: str | None = None
    sender_name: str | None = None
    role: str | None = None
    text: str | None = None
    topic: str | None = None
    participants: list[Person] | None = None


class Talk(faust.Record):  # type: ignore[misc]  # as above
    """An open conversation."""

    messages: list[Event]


class Mail(faust.Record):  # type: ignore[misc]  # as above
    """A mail and whom it is for."""

    conversation: str
    to: list[str]
    text: str


class Copy(faust.Record):  # type: ignore[misc]  # as above
    """One participant's copy."""

    conversation: str
    to: str
    text: str


events = app.topic(options.topic, key_type=str, value_type=Event)
mails = app.topic(f"{options.group}-mails", key_type=str, value_type=Mail, internal=True)
copies = app.topic(f"{options.group}-copies", key_type=str, value_type=Copy, internal=True)
talks = app.Table("talks", key_type=str, value_type=Talk, default=lambda: Talk(messages=[]))


@app.agent(events)  # type: ignore[untyped-decorator]  # as above
async def assemble(stream: faust.Stream[Event]) -> None:
    """Grow conversations; a close makes a mail."""
    async for event in stream:
        stdlib_mail.mark_first(options.work)
        name = event.conversation
        if event.type == "message":
            talk = talks[name]
            talk.messages.append(event)
            talks[name] = talk
            continue
        messages = [message.asdict() for message in talks.pop(name).messages]
        people = [person.asdict() for person in event.participants]
        text = stdlib_mail.mail_of(name, event.topic, people, messages).decode()
        await mails.send(key=name, value=Mail(name, [person["email"] for person in people], text))


@app.agent(mails)  # type: ignore[untyped-decorator]  # as above
async def route(stream: faust.Stream[Mail]) -> None:
    """A copy for everybody."""
    async for mail in stream:
        for address in mail.to:
            await copies.send(key=address, value=Copy(mail.conversation, address, mail.text))


@app.agent(copies)  # type: ignore[untyped-decorator]  # as above
async def store(stream: faust.Stream[Copy]) -> None:
    """Copies into folders."""
    async for copy in stream:
        stdlib_mail.write(options.out, copy.to, copy.conversation, copy.text.encode())


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARN").execute_from_commandline()
