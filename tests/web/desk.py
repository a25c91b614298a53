"""Signs people in for page tests, with a second factor on record but without its pages."""

import time
from uuid import uuid4

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import reverse

from cases.kernel.models import User

RECORDS = "account_authentication_methods"


def session_of(username: str, *, is_stepped_up: bool = False) -> str:
    """Return the key of a complete session of this person, used a moment ago."""
    user, now = User.objects.get(username=username), time.time()
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    session = SessionStore(client.session.session_key)
    session["began_at"] = session["used_at"] = now
    record = {"method": "mfa", "type": "totp", "at": now, "reauthenticated": is_stepped_up, "id": str(uuid4())}
    session[RECORDS] = [record]
    session.save()
    return str(session.session_key)


def client_of(username: str, *, is_stepped_up: bool = False) -> Client:
    """Return a browser without script in which this person is signed in."""
    client = Client(headers={"accept": "text/html"})
    client.cookies[settings.SESSION_COOKIE_NAME] = session_of(username, is_stepped_up=is_stepped_up)
    return client


def at(name, case, *args):
    """Return the address of a page of a case."""
    return reverse(f"web:{name}", args=[case.uid, *args])


def text(response):
    """Return a page's source with its white space folded."""
    return " ".join(response.content.decode().split())
