"""Nothing starts with an unsafe setting: each is refused by one sentence, in the settings as they are shipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from backoffice import unsafe
from backoffice.env import Env

STRONG = "a7Kq-0Zr_9vXw2LmEo5TbHc8UyNf3GsJdP6iVtR1xQkWzAeB4uCn"
SAFE = {
    "BACKOFFICE_DEMO": "0",
    "SECRET_KEY": STRONG,
    "DATABASE_URL": "postgresql:///office",
    "ALLOWED_HOSTS": "a.example.org",
}
UNSAFE = [
    (
        {"BACKOFFICE_DEMO": "1"},
        "Demo mode does not run on a DATABASE_URL: set BACKOFFICE_DEMO=0, or unset DATABASE_URL.",
    ),
    ({"DEBUG": "1"}, "DEBUG shows records and secrets on error pages, so it is refused: unset it."),
    ({"SECRET_KEY": "short"}, "SECRET_KEY is too short: at least 50 characters are needed."),
    ({"SECRET_KEY": "x" * 60}, "SECRET_KEY and each of SECRET_KEY_FALLBACKS needs at least 50 random characters."),
    (
        {"SECRET_KEY": "django-insecure-" + STRONG},
        "SECRET_KEY or one of its fallbacks is an example: make one with a random generator.",
    ),
    (
        {"SECRET_KEY_FALLBACKS": "old"},
        "SECRET_KEY and each of SECRET_KEY_FALLBACKS needs at least 50 random characters.",
    ),
    ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS takes whole names, not '*': name each host that is served."),
    (
        {"ALLOWED_HOSTS": "a.example.org,.example.org"},
        "ALLOWED_HOSTS takes whole names, not '.example.org': name each host that is served.",
    ),
    (
        {"DATABASE_URL": "postgresql://db.example.org/office"},
        "DATABASE_URL leaves this machine without TLS: "
        "add ?sslmode=verify-full (or require), or connect by unix socket.",
    ),
]


def _refused(values: dict[str, str]) -> str:
    """Return what the shipped settings say when they are loaded in a process of their own; nothing if they load."""
    environment = {"PATH": os.environ["PATH"], "BACKOFFICE_HOME": values.pop("home")} | values
    load = "import backoffice.settings"
    done = subprocess.run(
        [sys.executable, "-c", load], env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    return done.stderr.strip().rpartition("\n")[2].removeprefix("django.core.exceptions.ImproperlyConfigured: ")


def test_safe_settings_load(tmp_path: Path) -> None:
    assert _refused({**SAFE, "home": str(tmp_path)}) == ""


@pytest.mark.parametrize(
    ("changed", "sentence"), UNSAFE, ids=lambda value: "" if isinstance(value, str) else str([*value])
)
def test_each_unsafe_setting_is_refused_by_its_sentence(tmp_path: Path, changed: dict, sentence: str) -> None:
    assert _refused({**SAFE, **changed, "home": str(tmp_path)}) == sentence


def test_debug_is_left_to_a_demonstration() -> None:
    unsafe.refuse(Env({"DEBUG": "1"}), is_demo=True, secret_keys=[STRONG], hosts=["localhost"])


SECRETS = (
    "SECRET_KEY",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "FAST_CACHE_URL",
    "EMAIL_HOST_PASSWORD",
    "SECRET_KEY_FALLBACKS",
)


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_is_read_from_a_credential_or_a_named_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "named").write_text("from the named file\n")
    (tmp_path / name.lower()).write_text("from the credential\n")
    for file in tmp_path.iterdir():
        file.chmod(0o400)

    named = {f"{name}_FILE": str(tmp_path / "named"), name: "from the environment"}

    assert Env(named).hidden(name) == "from the named file"
    assert Env({**named, "CREDENTIALS_DIRECTORY": str(tmp_path)}).hidden(name) == "from the credential"
    assert Env({name: "from the environment"}).hidden(name) == "from the environment"
    assert Env({}).hidden(name) == ""


def test_the_settings_read_no_secret_past_that_door() -> None:
    texts = [(settings.BASE_DIR / "backoffice" / name).read_text() for name in ("settings.py", "stack.py", "env.py")]
    read_openly = [name for name in (*SECRETS, "OIDC_CLIENT_SECRET") for text in texts if f'.text("{name}")' in text]

    assert read_openly == ["SECRET_KEY"]  # the supervisor asks whether there is one


def test_a_secret_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql:///office")
    (tmp_path / "url").chmod(0o644)

    with pytest.raises(ImproperlyConfigured, match=r"^Everybody on this machine may read .*/url: make it mode 0600\.$"):
        Env({"DATABASE_URL_FILE": str(tmp_path / "url")}).hidden("DATABASE_URL")
