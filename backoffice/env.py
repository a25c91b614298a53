"""Reads the environment: every value typed, every fault one sentence that says what to set.

Secrets come from files (a systemd credential, a named file, or the home folder); see `secret`.
It imports nothing of Django but the error, so that the supervisor can use it before the settings load.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
ENCRYPTED = {"require", "verify-ca", "verify-full"}


@dataclass(frozen=True)
class Env:
    """One environment. `values` is injected, so tests need not touch the process's own."""

    values: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def text(self, name: str, default: str = "") -> str:
        """Return the value without surrounding blanks; an empty value counts as unset."""
        return self.values.get(name, "").strip() or default

    def flag(self, name: str, default: bool = False) -> bool:
        """Return yes or no. Raises ImproperlyConfigured for any other word."""
        word = self.text(name).lower()
        if not word:
            return default
        if word not in TRUE | FALSE:
            raise ImproperlyConfigured(f"{name} must be 1 or 0, not {word!r}.")
        return word in TRUE

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number within bounds. Raises ImproperlyConfigured otherwise."""
        raw = self.text(name, str(default))
        if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
            raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {raw!r}.")
        return int(raw)

    def words(self, name: str) -> list[str]:
        """Return a comma-separated list."""
        return [word.strip() for word in self.text(name).split(",") if word.strip()]

    def choice(self, name: str, default: str, *, among: set[str]) -> str:
        """Return one of a few words. Raises ImproperlyConfigured otherwise."""
        word = self.text(name, default)
        if word not in among:
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(sorted(among))}, not {word!r}.")
        return word

    @property
    def home(self) -> Path:
        """The folder of everything that is kept between runs."""
        return Path(self.text("BACKOFFICE_HOME", str(BASE_DIR / "var"))).expanduser().absolute()

    @property
    def key_dir(self) -> Path:
        """Where the sealing keys are: systemd credentials, else a folder of the home."""
        credentials = self.text("CREDENTIALS_DIRECTORY")
        return Path(credentials) if credentials else self.home / "keys"

    @property
    def is_demo(self) -> bool:
        """Whether this is a demonstration: said by the environment, else by the stack that runs in this home."""
        return self.flag("BACKOFFICE_DEMO", bool(self.running.get("demo", False)) and not self.hidden("DATABASE_URL"))

    @property
    def running(self) -> dict[str, Any]:
        """What `manage.py up` wrote about itself, so that other commands find the same database and mode."""
        try:
            return dict(json.loads((self.home / "stack.json").read_text()))
        except (FileNotFoundError, PermissionError, ValueError):
            return {}

    def hidden(self, name: str) -> str:
        """Return what may hold a password and may be unset: a systemd credential, the file of NAME_FILE, or NAME.

        Raises ImproperlyConfigured for a file that is missing, empty or open to everybody.
        """
        return self._secret_file(name) or self.text(name)

    def secret(self, name: str, *, shortest: int = 50) -> str:
        """Return a secret that must be there: as `hidden` finds it, or a file of the home.

        Raises ImproperlyConfigured when there is none or when it is shorter than `shortest` characters.
        """
        value = self.hidden(name) or _content(self.home / name.lower())
        if not value:
            raise ImproperlyConfigured(
                f"There is no {name}. Run `make run` once, which makes {self.home / name.lower()}, "
                f"or set {name}_FILE to a file that only this service can read."
            )
        if len(value) < shortest:
            raise ImproperlyConfigured(f"{name} is too short: at least {shortest} characters are needed.")
        return value

    def _secret_file(self, name: str) -> str:
        credentials = self.text("CREDENTIALS_DIRECTORY")
        if credentials and (found := _content(Path(credentials) / name.lower())):
            return found
        named = self.text(f"{name}_FILE")
        if not named:
            return ""
        content = _content(Path(named))
        if not content:
            raise ImproperlyConfigured(f"{name}_FILE names {named}, which is missing, empty or not readable.")
        return content


def _content(path: Path) -> str:
    try:
        content = path.read_text().strip()
        mode = path.stat().st_mode
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return ""
    if mode & 0o007:
        raise ImproperlyConfigured(f"Everybody on this machine may read {path}: make it mode 0600.")
    return content


def origins(url: str) -> list[str]:
    """Return the origin of an address for a content security policy; nothing for no address."""
    parts = urlsplit(url)
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []


def issuer_code(url: str) -> str:
    """Name an identity provider after its address, so that accounts are kept by issuer and subject together."""
    return url.removesuffix("/.well-known/openid-configuration").partition("://")[2].strip("/").replace("/", "~")


def database(url: str, *, is_pooled: bool = False) -> dict[str, Any]:
    """Turn a postgresql:// URL into Django's entry. `is_pooled` says that a pooler before it hands a connection on
    after each transaction, so that nothing is prepared on it. Raises ImproperlyConfigured unless it is PostgreSQL
    over a unix socket, the loopback address or TLS."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://; no other database is supported.")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or unquote(parts.hostname or "")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL must name a database, as in postgresql://user@host/name.")
    is_local = not host or host.startswith("/") or host in LOOPBACK
    if not is_local and options.get("sslmode") not in ENCRYPTED:
        raise ImproperlyConfigured(
            "DATABASE_URL leaves this machine without TLS: add ?sslmode=verify-full (or require), "
            "or connect by unix socket."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": {"connect_timeout": "10", "prepare_threshold": None if is_pooled else 0, **options},
        "DISABLE_SERVER_SIDE_CURSORS": is_pooled,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
