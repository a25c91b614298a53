"""Who works here: the list, adding a person, giving and taking roles. For administrators; shows no case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.kernel import directory, grants, people, policy, proposals, roles
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Team
from cases.web import asking, office, stepup
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["urlpatterns"]

MANAGE = "manage_people"


class PersonForm(forms.Form):
    """A new member of staff."""

    display_name = forms.CharField(label="Name", max_length=120, help_text="As colleagues should see it.")
    codes = forms.MultipleChoiceField(
        label="Roles",
        required=False,
        choices=[(code, f"{roles.ROLES[code].label}: may {roles.ROLES[code].may}") for code in roles.HUMAN],
        widget=forms.CheckboxSelectMultiple,
        help_text="Roles that decide, release or see everything are proposed: another person agrees first.",
    )
    reason = forms.CharField(
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text="Kept in the record. Why this person, and who asked for it.",
    )


def _actor(request: HttpRequest) -> Actor:
    actor = asking.actor_of(request)
    policy.require(actor, MANAGE)
    return actor


def _person(user_id: int) -> directory.Listed:
    found = next((listed for listed in directory.everybody() if listed.user.pk == user_id), None)
    if found is None:
        raise Http404
    return found


def _labelled(codes: tuple[str, ...]) -> list[roles.Role]:
    return [roles.ROLES[code] for code in codes if code in roles.ROLES]


@screen
@require_GET
def everybody(request: HttpRequest) -> HttpResponse:
    """List the people with their roles and teams."""
    _actor(request)
    rows = [{"person": listed, "roles": _labelled(listed.roles)} for listed in directory.everybody()]
    return render(request, "cases/people/list.html", {"rows": rows})


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def add(request: HttpRequest) -> HttpResponse:
    """Add a person and show their one-time link, once."""
    actor = _actor(request)
    form = PersonForm(request.POST or None)
    if request.method == "POST" and (answer := stepup.require(request)) is not None:
        return answer
    problems: list[Problem] = []
    if form.is_valid():
        try:
            user, token = grants.add_person(
                form.cleaned_data["display_name"],
                codes=form.cleaned_data["codes"],
                reason=form.cleaned_data["reason"],
                actor=actor,
                at=asking.now(),
                request=asking.info(request),
            )
        except CaseError as refusal:
            problems = [Problem(sentence=str(refusal))]
        else:
            return _show_link(request, user.pk, token)
    problems += form_problems(form) if form.is_bound else []
    return render(
        request, "cases/people/add.html", {"form": form, "problems": problems}, status=422 if problems else 200
    )


def _show_link(request: HttpRequest, user_id: int, token: str) -> HttpResponse:
    link = request.build_absolute_uri(reverse("welcome", args=[token]))
    return render(request, "cases/people/link.html", {"person": _person(user_id).user, "link": link})


@screen
@require_GET
def person(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show one person and what may be changed about them."""
    return _show(request, user_id, _actor(request))


def _show(
    request: HttpRequest, user_id: int, actor: Actor, problems: tuple[Problem, ...] = (), status: int = 200
) -> HttpResponse:
    listed = _person(user_id)
    context: dict[str, Any] = {
        "person": listed,
        "roles": _labelled(listed.roles),
        "grantable": [
            roles.ROLES[code]
            for code in roles.HUMAN
            if code not in listed.roles and not roles.conflict(code, listed.roles)
        ],
        "teams": Team.objects.exclude(memberships__user=listed.user, memberships__ended_at=None).order_by("name"),
        "is_me": listed.user.pk == actor.user_id,
        "waiting": [office.entry(row) for row in grants.waiting_about(listed.user)],
        "privileged": roles.PRIVILEGED,
        "typed": {name: request.POST.get(name, "") for name in ("role", "reason")},
        "problems": problems,
    }
    return render(request, "cases/people/person.html", context, status=status)


Change = Callable[[HttpRequest, int, Actor], str]


def _proposed(request: HttpRequest, kind: str, user_id: int, actor: Actor) -> str:
    row = proposals.propose(
        kind,
        {"user": user_id, "role": request.POST.get("role", "")},
        actor=actor,
        at=asking.now(),
        reason=request.POST.get("reason", ""),
        request=asking.info(request),
    )
    return office.outcome(row)


def _grant(request: HttpRequest, user_id: int, actor: Actor) -> str:
    return _proposed(request, "role_grant", user_id, actor)


def _revoke(request: HttpRequest, user_id: int, actor: Actor) -> str:
    return _proposed(request, "role_revoke", user_id, actor)


def _join(request: HttpRequest, user_id: int, actor: Actor) -> str:
    team = Team.objects.filter(code=request.POST.get("team", "")).first()
    if team is None:
        raise people.PeopleRefused("Choose a team.")
    people.add_to_team(user_id, team, actor=actor, at=asking.now())
    return f"Added to {team.name}."


def _deactivate(request: HttpRequest, user_id: int, actor: Actor) -> str:
    people.deactivate(user_id, actor=actor, at=asking.now(), request=asking.info(request))
    return "Access ended."


CHANGES: dict[str, Change] = {"grant": _grant, "revoke": _revoke, "join": _join, "deactivate": _deactivate}


@screen
@require_POST
def change(request: HttpRequest, user_id: int, name: str) -> HttpResponse:
    """Make one change to a person, after confirmation with the second factor."""
    actor = _actor(request)
    if name not in CHANGES:
        raise Http404
    if (answer := stepup.require(request)) is not None:
        return answer
    try:
        said = CHANGES[name](request, user_id, actor)
    except CaseError as refusal:
        return _show(request, user_id, actor, tuple(office.problems_of(refusal)), status_of(refusal))
    messages.success(request, said)
    return redirect("person", user_id=user_id)


@screen
@require_POST
@never_cache
def link(request: HttpRequest, user_id: int) -> HttpResponse:
    """Make a new one-time link for somebody who has not set up their sign-in, and show it once."""
    actor = _actor(request)
    if (answer := stepup.require(request)) is not None:
        return answer
    try:
        token = people.new_link(user_id, actor=actor, at=asking.now())
    except people.PeopleRefused as refusal:
        return _show(request, user_id, actor, (Problem(sentence=str(refusal)),), status_of(refusal))
    return _show_link(request, user_id, token)


urlpatterns = [
    path("people/", everybody, name="people"),
    path("people/new/", add, name="person_new"),
    path("people/<int:user_id>/", person, name="person"),
    path("people/<int:user_id>/link/", link, name="person_link"),
    path("people/<int:user_id>/<slug:name>/", change, name="person_change"),
]
