"""What no start goes on with: each unsafe setting is refused by one sentence that says what to change.

What the database says about itself is asked by `manage.py check --deploy --database default`.
"""

from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

from backoffice.env import TRUE, Env

FEWEST_CHARACTERS = 50
FEWEST_DIFFERENT = 5
EXAMPLES = ("django-insecure-", "changeme", "change-me", "example", "secret")


def refuse(env: Env, *, is_demo: bool, secret_keys: Sequence[str], hosts: Sequence[str]) -> None:
    """Raise ImproperlyConfigured for the first setting that is not safe to serve with."""
    if is_demo and env.hidden("DATABASE_URL"):
        raise ImproperlyConfigured(
            "Demo mode does not run on a DATABASE_URL: set BACKOFFICE_DEMO=0, or unset DATABASE_URL."
        )
    if env.text("DEBUG").lower() in TRUE and not is_demo:
        raise ImproperlyConfigured("DEBUG shows records and secrets on error pages, so it is refused: unset it.")
    for key in secret_keys:
        _refuse_weak(key)
    for host in hosts:
        if "*" in host or host.startswith("."):
            raise ImproperlyConfigured(f"ALLOWED_HOSTS takes whole names, not {host!r}: name each host that is served.")


def _refuse_weak(key: str) -> None:
    if key.lower().startswith(EXAMPLES):
        raise ImproperlyConfigured(
            "SECRET_KEY or one of its fallbacks is an example: make one with a random generator."
        )
    if len(key) < FEWEST_CHARACTERS or len(set(key)) < FEWEST_DIFFERENT:
        raise ImproperlyConfigured(
            f"SECRET_KEY and each of SECRET_KEY_FALLBACKS needs at least {FEWEST_CHARACTERS} random characters."
        )
