"""What people do when they sign in, done through the pages alone."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from django.test import Client

from cases.kernel.models import User
from tests.signin import totp

PASSWORD = "lantern orchard gravel tide"
START = 1_795_000_020.0  # a whole half minute, November 2026


@dataclass
class Clock:
    """What time.time() and timezone.now() answer."""

    seconds: float = START

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def tick(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Member:
    """A person with a password and an authenticator app."""

    user: User
    seed: str

    def code(self, clock: Clock) -> str:
        return totp.code(self.seed, clock.seconds)


def set_up(client: Client, token: str, username: str) -> None:
    """Follow a one-time link: user name and password."""
    client.post(f"/welcome/{token}/", {"username": username, "password": PASSWORD, "again": PASSWORD})


def enrol(client: Client, clock: Clock) -> str:
    """Set up an authenticator app; return the seed that the page shows."""
    page = client.get("/account/app/")
    seed = re.search(r'class="mono seed">([A-Z2-7 ]+)<', page.content.decode())[1].replace(" ", "")
    answer = client.post("/account/app/", {"code": totp.code(seed, clock.seconds)})
    assert answer.status_code == 302, answer.content.decode()
    return seed


def sign_in(client: Client, member: Member, clock: Clock) -> Client:
    """Sign in with password and code."""
    client.post("/sign-in/", {"login": member.user.username, "password": PASSWORD})
    answer = client.post("/sign-in/code/", {"code": member.code(clock)})
    assert answer.status_code == 302, answer.content.decode()
    return client
