"""Who works here and in which role. Each change is one act on the SYSTEM stream, in ids and codes only.

Nobody changes their own roles; two roles that may not meet in one person are refused when they are granted.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction

from cases.kernel import actors, policy, roles, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import RoleGrant, SignInLink, User
from cases.ledger import api as ledger
from cases.ledger import security

__all__ = [
    "LINK_LIFETIME",
    "NOT_ONESELF",
    "SYSTEM_STREAM",
    "TO_CONFIRM",
    "LinkRefused",
    "PeopleRefused",
    "act",
    "add_first_administrator",
    "add_person",
    "another_for_update",
    "awaited_administrators",
    "end_links",
    "find_link",
    "follow_link",
    "new_link",
    "note",
]

SYSTEM_STREAM = UUID("00000000-0000-4000-8000-000000000001")
LINK_LIFETIME = timedelta(hours=24)
NAMESAKE = (
    "Somebody who is here has that name. Lists and timelines show no more of a person: add what tells the two apart, "
    "such as the first name in full or the town."
)
NOT_ONESELF = "Nobody changes their own rights; ask another administrator."
INSTALLER = actors.system("first_administrators")
TO_CONFIRM = "person_to_confirm"
tasks.declare(
    {TO_CONFIRM: "Somebody set up their sign-in: say that it was they"},
    ended_by={TO_CONFIRM: "This ends when somebody else than who made the link has confirmed who followed it."},
)


class PeopleRefused(CaseError):
    """The change to a person's roles, teams or sign-in cannot be made; nothing was written."""


class LinkRefused(CaseError):
    """The one-time link is unknown, used or older than a day; the message does not say which."""

    def __init__(self) -> None:
        super().__init__("This link does not work any more. Ask for a new one.")


def add_person(
    display_name: str, *, codes: Collection[str], actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> tuple[User, str]:
    """Add a member of staff with the ordinary roles named; return the person and the token of their one-time link.

    The token is shown once: only its hash is stored. One is added at a time. Raises NotAllowed, or PeopleRefused while
    a first administrator has not signed in, for the name of somebody who is here, for a privileged role (propose it:
    grants.py), an unknown one, or roles that may not meet.
    """
    _require(actor)
    display_name = " ".join(display_name.split())
    with transaction.atomic():
        with connection.cursor() as cursor:  # the same form sent twice: the second one sees the first
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('person.added', 0))")
        if User.objects.filter(is_active=True, display_name__iexact=display_name).exists():
            raise PeopleRefused(NAMESAKE)
        if set(codes) & roles.PRIVILEGED and actor.kind != "system":
            raise PeopleRefused("A privileged role is proposed; another person decides.")
        if awaited_administrators():
            raise PeopleRefused("Both first administrators have to sign in before anybody else is added.")
        return _add(display_name, codes=codes, actor=actor, at=at, request=request)


def add_first_administrator(display_name: str, *, at: datetime) -> tuple[User, str]:
    """Add one of the two people who set up a new installation; for the command line alone."""
    return _add(display_name, codes=(roles.SYSTEM_ADMINISTRATOR,), actor=INSTALLER, at=at, request=None)


def _add(
    display_name: str, *, codes: Collection[str], actor: Actor, at: datetime, request: ledger.RequestInfo | None
) -> tuple[User, str]:
    with transaction.atomic():
        for index, role in enumerate(codes):
            if sentence := roles.refusal(role, held=list(codes)[:index]):
                raise PeopleRefused(sentence)
        user = User(username=f"new-{uuid4().hex}", display_name=display_name, is_confirmed=actor.user_id is None)
        user.set_unusable_password()
        with act("person.added", actor=actor, at=at, request=request) as opened:
            user.save()
            opened.detail.update({"user": user.pk, "roles": list(codes)})
            for role in codes:
                RoleGrant.objects.create(user=user, role=role, granted_by_id=actor.user_id, granted_at=at)
            token = _link(user, made_by_id=actor.user_id, at=at)
        note("person_added", actor=actor, at=at, user=user.pk)
        for role in codes:
            note("role_granted", actor=actor, at=at, user=user.pk, role=role)
    return user, token


def awaited_administrators() -> list[User]:
    """Return the first administrators who have not yet signed in with a second factor, oldest first."""
    first = User.objects.filter(is_active=True, sign_in_links__made_by=None, sign_in_links__isnull=False)
    return list(first.filter(authenticator=None).distinct().order_by("pk"))


def new_link(user_id: int, *, actor: Actor | None, at: datetime) -> str:
    """Return the token of a new one-time link and end the older ones. `actor` None is the command line.

    The link only sets up a sign-in that is not yet in use. Whoever made it could follow it, so that the person has to
    be confirmed by somebody else. Raises PeopleRefused otherwise, or for oneself.
    """
    with transaction.atomic():
        user = another_for_update(user_id, actor)
        if User.objects.filter(pk=user.pk, authenticator__isnull=False).exists():
            raise PeopleRefused("This person has set up their sign-in; it is in use.")
        with act("link.made", actor=actor or INSTALLER, at=at, user=user.pk):
            end_links(user, at=at)
            if actor is not None:
                user.is_confirmed = False
                user.save(update_fields=["is_confirmed"])
            return _link(user, made_by_id=actor.user_id if actor else None, at=at)


def find_link(token: str, *, at: datetime) -> SignInLink:
    """Return the live link of a token. Raises LinkRefused."""
    link = SignInLink.objects.select_related("user").filter(token_sha256=_digest(token)).first()
    if link is None or link.used_at is not None or link.expires_at <= at or not link.user.is_active:
        raise LinkRefused
    return link


def follow_link(token: str, *, username: str, password: str, at: datetime) -> User:
    """Use a link once: the person takes a user name and a password that the caller has validated.

    Locks the link and the person. Raises LinkRefused, or PeopleRefused when the user name is taken.
    """
    with transaction.atomic():
        link = SignInLink.objects.select_for_update().filter(pk=find_link(token, at=at).pk, used_at=None).first()
        if link is None:
            raise LinkRefused
        user = User.objects.select_for_update().get(pk=link.user_id)
        if User.objects.filter(username__iexact=username).exclude(pk=user.pk).exists():
            raise PeopleRefused("Somebody else has that user name.")
        person = actors.staff(user)
        with act("link.followed", actor=person, at=at, user=user.pk):
            user.username = username
            user.set_password(password)
            user.save(update_fields=["username", "password"])
            link.used_at = at
            link.save(update_fields=["used_at"])
            if not user.is_confirmed:
                tasks.raise_once(TO_CONFIRM, at=at, about={"user": user.pk})
        note("link_followed", actor=person, at=at, user=user.pk)
    return user


def another_for_update(
    user_id: int, actor: Actor | None, *, is_agreed: bool = False, may_be_shut_out: bool = False
) -> User:
    """Lock and return a person who is not the actor. Raises NotAllowed unless the actor manages people, or the change
    was agreed to by two."""
    if actor is not None and actor.user_id == user_id:
        raise PeopleRefused(NOT_ONESELF)
    if not is_agreed:
        _require(actor)
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    is_held = may_be_shut_out and RoleGrant.objects.filter(user_id=user_id, revoked_at=None).exists()
    if user is None or not (user.is_active or is_held):
        raise PeopleRefused("There is no such person.")
    return user


def _require(actor: Actor | None) -> None:
    """Refuse whoever may not manage people. A named job of the system and the command line may."""
    if actor is not None and actor.kind != "system":
        policy.require(actor, "manage_people")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _link(user: User, *, made_by_id: int | None, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        user=user, token_sha256=_digest(token), made_at=at, made_by_id=made_by_id, expires_at=at + LINK_LIFETIME
    )
    return token


def end_links(user: User, *, at: datetime) -> None:
    """End every one-time link of a person that still works."""
    SignInLink.objects.filter(user=user, used_at=None, expires_at__gt=at).update(expires_at=at)


def act(
    verb: str, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None, **detail: str | int
) -> AbstractContextManager[ledger.Action]:
    """Open one ledger action on the stream of people, in ids and codes."""
    return ledger.action(
        SYSTEM_STREAM, verb, actor=actor.label, at=at, request=request, detail=detail, source=actor.source
    )


def note(kind: str, *, actor: Actor, at: datetime, **codes: str | int) -> None:
    """Put a change of people in the security log as well."""
    security.note(kind, actor=actor.label, at=at, act="", **codes)
