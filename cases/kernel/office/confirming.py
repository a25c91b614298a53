"""Confirming that it is the right person who signed in: roles and teams count for nothing before.

Whoever makes a one-time link sees it, and could follow it. So somebody else than they says that the colleague is one,
and that it was they who set up the sign-in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.kernel import tasks
from cases.kernel.actors import Actor
from cases.kernel.models import SignInLink, User
from cases.kernel.office import grants, people
from cases.kernel.office.changeforms import ChangeForm, PersonField
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS"]


def _waiting() -> list[tuple[int, str]]:
    """Return those who set up their sign-in and whom nobody has confirmed."""
    rows = User.objects.filter(is_active=True, is_confirmed=False, authenticator__isnull=False).distinct()
    return list(rows.order_by("display_name", "pk").values_list("pk", "display_name"))


class ConfirmForm(ChangeForm):
    """Whom one knows to have signed in."""

    hints = (
        "Whoever makes a link can follow it. Ask the person themselves, face to face or on a number that you knew "
        "before, whether they set up this sign-in and under which name.",
        "From then on their roles and teams count.",
    )
    user = PersonField(label="Person", choices=_waiting)


def _newest_link(user_id: int) -> SignInLink | None:
    return SignInLink.objects.filter(user_id=user_id).order_by("-pk").first()


def _state(payload: Payload) -> dict[str, Any]:
    user, link = User.objects.filter(pk=payload["user"]).first(), _newest_link(payload["user"])
    return {
        "is_confirmed": user is None or user.is_confirmed,
        "username": user.username if user else "",
        "link": link.pk if link else 0,
    }


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    user_id = payload["user"]
    sentence, link = grants.person_refusal(user_id, actor), _newest_link(user_id)
    if not sentence and link is not None and link.made_by_id == actor.user_id:
        sentence = "You made their link, so another person confirms that it was they who followed it."
    is_set_up = User.objects.filter(pk=user_id, authenticator__isnull=False).exists()
    if not sentence and not is_set_up:
        sentence = "They have not set up their sign-in yet."
    return {"user": sentence} if sentence else {}


def _describe(before: Payload, payload: Payload) -> list[Line]:
    user, link = User.objects.filter(pk=payload["user"]).first(), _newest_link(payload["user"])
    maker = User.objects.filter(pk=link.made_by_id or 0).first() if link else None
    return [
        Line(label="Person", old=str(user), new=str(user)),
        Line(label="Signs in as", old=before["username"], new=before["username"]),
        Line(label="Link made by", old=str(maker or "the command line"), new=str(maker or "the command line")),
        Line(label="Known to be this person", old="yes" if before["is_confirmed"] else "no", new="yes"),
    ]


def _apply(change: Change) -> None:
    user = people.another_for_update(change.payload["user"], change.actor, is_agreed=True)
    with people.act("person.confirmed", actor=change.actor, at=change.at, request=change.request, user=user.pk):
        user.is_confirmed = True
        user.save(update_fields=["is_confirmed"])
        tasks.close_office(people.TO_CONFIRM, actor=change.actor, at=change.at, user=user.pk)
    people.note("person_confirmed", actor=change.actor, at=change.at, user=user.pk)


KINDS = (
    Kind(
        code="person_confirm",
        label="Confirm who signed in",
        makers=grants.OFFICERS | grants.ADMINISTRATORS,
        checkers=None,
        subject=lambda payload: f"person/{payload['user']}/sign_in",
        about=lambda payload: int(payload["user"]),
        state=_state,
        check=_check,
        describe=_describe,
        apply=_apply,
        title=lambda row: f"Confirm that {row.about} signed in",
        form=ConfirmForm,
    ),
)
