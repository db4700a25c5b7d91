"""A real Dovecot for tests: a private process with its own configuration, or a container; mailboxes are added on the fly."""

import contextlib
import grp
import os
import pwd
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from sandbox.ports import free_port
from sandbox.processes import ManagedProcess, start_process

PASSWORD = "right"
MASTER = ("archive", "master")
IMAGE = "chatledger-test-dovecot:1"
DOCKERFILE = """\
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends dovecot-imapd && rm -rf /var/lib/apt/lists/*
CMD ["dovecot", "-F", "-c", "/dovecot/dovecot.conf"]
"""
CONFIGURATION = """\
base_dir=%HOME%/run
state_dir=%HOME%/run
log_path=%HOME%/log
protocols=imap
listen=%LISTEN%
ssl=no
disable_plaintext_auth=no
auth_mechanisms=plain login xoauth2
auth_master_user_separator=*
auth_failure_delay=0
auth_cache_size=0
mail_location=maildir:%HOME%/mail/%u
first_valid_uid=1
mail_plugins=$mail_plugins quota
protocol imap {
  mail_plugins=$mail_plugins quota imap_quota
}
plugin {
  quota=count:User quota
  quota_vsizes=yes
}
service imap-login {
  inet_listener imap {
    port=%PORT%
  }
  inet_listener imaps {
    port=0
  }
  chroot=
}
service anvil {
  chroot=
}
service auth {
  client_limit=400
}
service anvil {
  client_limit=400
}
passdb {
  driver=passwd-file
  args=scheme=PLAIN username_format=%u %HOME%/masters
  master=yes
}
passdb {
  driver=passwd-file
  args=scheme=PLAIN username_format=%u %HOME%/users
  mechanisms=plain login
}
userdb {
  driver=passwd-file
  args=username_format=%u %HOME%/users
  default_fields=uid=%UID% gid=%GID% home=%HOME%/mail/%u
}
%OWN%
%MORE%
"""
"""For Dovecot 2.3; names between percent signs are filled in, and what comes later counts."""
OWN = "default_internal_user={0}\ndefault_login_user={0}\ndefault_internal_group={1}"
PLACES = ("/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot")


def binary() -> str | None:
    """Where Dovecot is on this machine; None if it is not installed."""
    return shutil.which("dovecot") or next((place for place in PLACES if Path(place).exists()), None)


def why_not(engine_trouble: Callable[[], str | None]) -> str | None:
    """Why there can be no Dovecot here; None if there can."""
    if binary():
        return None
    trouble = engine_trouble()
    return (
        None
        if trouble is None
        else f"no Dovecot on this machine (Debian: apt install dovecot-imapd), and {trouble}"
    )


def configuration(home: str, port: int, listen: str, owner: tuple[int, int], more: Mapping[str, str]) -> str:
    """Everything that Dovecot must know; `more` are further settings, sections by their heads, with the same words in them."""
    uid, gid = owner
    told = (f"{name} {value}" if value.startswith("{") else f"{name}={value}" for name, value in more.items())
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    words = {
        "MORE": "\n".join(told), "OWN": OWN.format(user, group) if uid == os.getuid() else "", "HOME": home,
        "LISTEN": listen, "PORT": str(port), "UID": str(uid), "GID": str(gid),
    }  # fmt: skip
    text = CONFIGURATION
    for name, value in words.items():
        text = text.replace(f"%{name}%", value)
    return text


class Dovecot:
    """A Dovecot of one's own on this machine; a context manager."""

    host = "127.0.0.1"

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        """`more`: further settings. Its folder has a short name: sockets lie in it."""
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))
        self.port = free_port()
        self._more = more or {}
        self._process: ManagedProcess | None = None
        self._container: Any = None

    def __enter__(self) -> Self:
        self.folder.chmod(0o755)  # Dovecot's own users look into it
        (self.folder / "mail").mkdir()
        if os.getuid() == 0:
            os.chown(self.folder / "mail", *self._owner())
        (self.folder / "users").touch()
        (self.folder / "masters").write_text("{}:{}\n".format(*MASTER))
        try:
            self.start()
        except BaseException as error:
            error.add_note(self.log()[-2_000:])
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, mailbox: str, password: str = PASSWORD, *, quota: int | None = None) -> str:
        """A mailbox, with a quota in bytes; its name."""
        rule = f"userdb_quota_rule=*:storage={quota}B" if quota else ""
        users = self.folder / "users"
        kept = [line for line in users.read_text().splitlines() if not line.startswith(f"{mailbox}:")]
        draft = users.with_suffix(".draft")
        draft.write_text("\n".join([*kept, f"{mailbox}:{password}::::::{rule}", ""]))
        later = time.time() + 2  # the file is read again when its time has changed, which has seconds only
        os.utime(draft, (later, later + len(kept)))
        # In one step: of half a file, whoever signs in meanwhile is refused, or told [UNAVAILABLE].
        draft.rename(users)
        return mailbox

    def start(self) -> None:
        """Start it, and return when it greets; nothing is done where it runs."""
        if self._process is not None and self._process.running:
            return
        program = binary()
        assert program is not None, "there is no Dovecot on this machine"
        text = configuration(str(self.folder), self.port, self.host, self._owner(), self._more)
        (self.folder / "dovecot.conf").write_text(text)
        command = [program, "-F", "-c", str(self.folder / "dovecot.conf")]
        self._process = start_process(
            command,
            log=self.folder / "out",
            name="Dovecot",
            ready=lambda: greets(self.host, self.port),
            timeout_s=30,
        )

    def stop(self) -> None:
        """End it; mail stays."""
        if self._process is not None:
            self._process.stop()

    def log(self) -> str:
        """What it has logged."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _owner(self) -> tuple[int, int]:
        if os.getuid() != 0:
            return os.getuid(), os.getgid()
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid


def greets(host: str, port: int) -> bool:
    """Whether an IMAP server answers there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2) as connection:
        return connection.recv(4) == b"* OK"
    return False


class DovecotContainer(Dovecot):
    """The same in a container, its folder at the same place inside."""

    def start(self) -> None:
        """Build the image where it is missing, and start it."""
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - asks for an engine
        from testcontainers.core.image import DockerImage  # noqa: PLC0415 - as above

        if self._container is not None:
            return
        recipe = self.folder / "image"
        recipe.mkdir(exist_ok=True)
        (recipe / "Dockerfile").write_text(DOCKERFILE)
        DockerImage(recipe, tag=IMAGE, clean_up=False).build()
        text = configuration(str(self.folder), self.port, "*", (65534, 65534), self._more)
        (self.folder / "dovecot.conf").write_text(text)
        place = str(self.folder)
        self._container = (
            DockerContainer(IMAGE)
            .with_bind_ports(self.port, self.port)
            .with_volume_mapping(place, place, "rw")
            .with_command(["dovecot", "-F", "-c", f"{place}/dovecot.conf"])
            .start()
        )
        deadline = time.monotonic() + 60
        while not greets(self.host, self.port):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def stop(self) -> None:
        """End it; its folder can be removed by whoever made it."""
        if self._container is not None:
            self._container.exec(["chmod", "-R", "a+rwX", str(self.folder)])
            self._container.stop()
        self._container = None
