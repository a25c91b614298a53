"""Who works here: the list, one person, adding one, giving and taking roles. For administrators; shows no case."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.kernel import policy, roles
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Proposal, Team, User
from cases.kernel.office import directory, grants, people, proposals
from cases.web import asking, stepup
from cases.web.administration import office
from cases.web.keyset import Pageful, pageful
from cases.web.refusals import Problem, form_problems, screen, status_of
from cases.web.wording import words

__all__ = ["urlpatterns"]

VIEW, MANAGE = "view_people", "manage_people"
FACTORS = {"totp": "Authenticator app", "webauthn": "Security key or passkey", "recovery_codes": "Recovery codes"}
CHANGES = {"grant": "role_grant", "revoke": "role_revoke"}
REASON = forms.CharField(
    label="Reason",
    widget=forms.Textarea(attrs={"rows": 2}),
    max_length=2000,
    help_text="Kept in the record. Why this person, and who asked for it.",
)


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
    reason = REASON


def _actor(request: HttpRequest, act: str = MANAGE) -> Actor:
    actor = asking.actor_of(request)
    policy.require(actor, act)
    return actor


def _user(user_id: int) -> User:
    found = directory.person(user_id)
    if found is None:
        raise Http404
    return found


def _labelled(codes: tuple[str, ...]) -> list[roles.Role]:
    return [roles.ROLES[code] for code in codes if code in roles.ROLES]


@screen
@require_http_methods(["GET", "POST"])
def everybody(request: HttpRequest) -> HttpResponse:
    """List the people with their roles and teams. A search is posted: names belong in no address."""
    actor = _actor(request, VIEW)
    asked = request.POST.get("q", "").replace("\0", "").strip()[:80]
    has_left = request.GET.get("view") == "left"
    if asked:
        page = Pageful(rows=directory.found(asked))
    else:
        page = pageful(directory.about(is_active=not has_left), request, by="display_name")
    shown = {
        "rows": [{"person": each, "roles": _labelled(each.roles)} for each in directory.listed(page.rows)],
        "page": page,
        "q": asked,
        "has_left": has_left,
        "can_manage": policy.can(actor, MANAGE).is_allowed,
        "most": directory.MOST_FOUND,
    }
    return render(request, "cases/people/list.html", shown)


@screen
@require_http_methods(["GET", "POST"])
@never_cache
def add(request: HttpRequest) -> HttpResponse:
    """Add a person and show their one-time link, once."""
    actor = _actor(request)
    form = PersonForm(request.POST or None)
    problems: list[Problem] = []
    if form.is_valid():
        if (answer := stepup.require(request)) is not None:
            return answer
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
            return _show_link(request, user, token)
    problems += form_problems(form) if form.is_bound else []
    shown = {"form": form, "problems": problems, "pairs": _pairs()}
    return render(request, "cases/people/add.html", shown, status=422 if problems else 200)


def _pairs() -> dict[str, list[str]]:
    """Return every sentence on roles that may not meet, with the pairs it keeps apart."""
    found: dict[str, list[str]] = {}
    for pair, sentence in roles.TOXIC_PAIRS.items():
        found.setdefault(sentence, []).append(" and ".join(sorted(roles.ROLES[code].label.lower() for code in pair)))
    return {sentence: sorted(pairs) for sentence, pairs in found.items()}


def _show_link(request: HttpRequest, user: User, token: str) -> HttpResponse:
    link = request.build_absolute_uri(reverse("welcome", args=[token]))
    waiting = [office.entry(row) for row in grants.waiting_about(user)]
    return render(request, "cases/people/link.html", {"person": user, "link": link, "waiting": waiting})


@screen
@require_GET
def person(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show one person: rights, teams, sign-in, and what the security log has of late."""
    return _show(request, user_id, _actor(request, VIEW))


def _show(
    request: HttpRequest, user_id: int, actor: Actor, problems: list[Problem] | None = None, status: int = HTTPStatus.OK
) -> HttpResponse:
    (listed,) = directory.listed([_user(user_id)])
    user = listed.user
    can_change = user.is_active and user.pk != actor.user_id and policy.can(actor, MANAGE).is_allowed
    sentences = {code: roles.refusal(code, held=listed.roles) for code in roles.HUMAN if code not in listed.roles}
    shown = {
        "person": listed,
        "held": directory.held_by(user),
        "toxic": directory.toxic(listed.roles),
        "waiting": [office.entry(row) for row in grants.waiting_about(user)],
        "grantable": [roles.ROLES[code] for code, sentence in sentences.items() if not sentence],
        "barred": [(roles.ROLES[code], sentence) for code, sentence in sentences.items() if sentence],
        "privileged": roles.PRIVILEGED,
        "seats": user.memberships.filter(ended_at=None).select_related("team").order_by("team__name"),
        "has_other_teams": can_change and Team.objects.exists(),
        "factors": _factors(user),
        "sessions": UserSession.objects.filter(user=user).order_by("-created_at")[:10],
        "security": [{"at": each.at, "what": words(each.kind)} for each in directory.recent_security(user)],
        "is_me": user.pk == actor.user_id,
        "can_confirm": user.pk != actor.user_id and policy.can(actor, "propose.person_confirm").is_allowed,
        "can_change": can_change,
        "problems": problems or [],
        "typed": {name: request.POST.get(name, "") for name in ("role", "reason")},
    }
    return render(request, "cases/people/person.html", shown, status=status)


def _factors(user: User) -> list[dict[str, Any]]:
    rows = Authenticator.objects.filter(user=user).order_by("pk")
    return [{"label": FACTORS.get(row.type, row.type), "row": row} for row in rows]


@screen
@require_POST
def change(request: HttpRequest, user_id: int, name: str) -> HttpResponse:
    """Propose to give or take a role, after confirmation with the second factor."""
    actor = _actor(request)
    if name not in CHANGES:
        raise Http404
    said, at = {"user": user_id, "role": request.POST.get("role", "")}, asking.now()
    reason, info = request.POST.get("reason", ""), asking.info(request)

    def propose() -> Proposal:
        return proposals.propose(CHANGES[name], said, actor=actor, at=at, reason=reason, request=info)

    try:
        row = stepup.confirmed(request, propose)
    except CaseError as refusal:
        return _show(request, user_id, actor, office.problems_of(refusal), status_of(refusal))
    if isinstance(row, HttpResponse):
        return row
    messages.success(request, office.outcome(row))
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
        return _show(request, user_id, actor, [Problem(sentence=str(refusal))], status_of(refusal))
    return _show_link(request, _user(user_id), token)


urlpatterns = [
    path("people/", everybody, name="people"),
    path("people/new/", add, name="person_new"),
    path("people/<int:user_id>/", person, name="person"),
    path("people/<int:user_id>/link/", link, name="person_link"),
    path("people/<int:user_id>/<slug:name>/", change, name="person_change"),
]
