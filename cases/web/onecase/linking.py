"""The page of a case's links with other cases: the list, a form to link, and removing a link with a reason."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from cases.kernel import policy
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.linking import links
from cases.kernel.linking.links import Listed
from cases.kernel.models import Case
from cases.kernel.reading import queries
from cases.web import asking
from cases.web.desk import rows
from cases.web.onecase import casepage
from cases.web.refusals import Problem, form_problems, screen, status_of

__all__ = ["linked", "unlink"]

_WHY = forms.Textarea(attrs={"rows": 2})


class LinkForm(forms.Form):
    """Which other case, and how the two belong together."""

    kind = Chosen(
        label="This case is", choices=[(kind.code, kind.label) for kind in links.KINDS.values() if kind.is_by_hand]
    )
    reference = forms.CharField(label="Reference of the other case", max_length=24)
    reason = forms.CharField(label="Why", widget=_WHY, required=False, help_text="Sealed with this case. May be empty.")


def _shown(each: Listed) -> dict[str, object]:
    row = rows.row(each.other)
    return {"link": each.link, "label": each.label, "row": row, "is_one_way": each.is_one_way, "may": each.may_remove}


@screen
@require_http_methods(["GET", "POST"])
def linked(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Show the cases this one is linked with, as far as I may see them (GET); link it with another (POST)."""
    form, problems, status = LinkForm(), list[Problem](), HTTPStatus.OK
    if request.method == "POST":
        case = policy.get_visible(asking.actor_of(request), uid)
        policy.require(asking.actor_of(request), "link", case=case)
        form = LinkForm(request.POST)
        problems, status = _link(request, case, form)
        if not problems:
            return redirect("web:linked", uid=uid)
    return _page(request, uid, form, problems=problems, status=status)


def _page(
    request: HttpRequest,
    uid: UUID,
    form: LinkForm,
    *,
    problems: list[Problem],
    status: HTTPStatus,
    removing: str = "",
    typed: str = "",
) -> HttpResponse:
    actor, at = asking.actor_of(request), asking.now()
    file = queries.case_file(actor, uid)
    if not (why := casepage.purpose_of(request, file, actor)):
        return casepage.ask_purpose(request, file.case)
    reader = asking.reader(request, "view", why, file.case.uid, fields=("links",))
    listed = [_shown(each) for each in links.listed(file.case, actor, reader=reader, at=at)]
    shown = {"form": form, "problems": problems, "listed": listed, "removing": removing, "typed": typed}
    return render(request, "cases/linked.html", casepage.header(file, "linked", actor) | shown, status=status)


def _link(request: HttpRequest, case: Case, form: LinkForm) -> tuple[list[Problem], HTTPStatus]:
    if not form.is_valid():
        return form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        links.make(
            case.pk,
            form.cleaned_data["kind"],
            form.cleaned_data["reference"],
            actor=asking.actor_of(request),
            at=asking.now(),
            reason=form.cleaned_data["reason"],
            request=asking.info(request),
        )
    except CaseError as error:
        return [Problem(sentence=str(error), anchor="id_reference")], status_of(error)
    messages.success(request, "The cases are linked.")
    return [], HTTPStatus.OK


@screen
@require_POST
def unlink(request: HttpRequest, uid: UUID, link: UUID) -> HttpResponse:
    """Remove a link, with a reason."""
    actor, reason = asking.actor_of(request), request.POST.get("reason", "")
    case = policy.get_visible(actor, uid)
    try:
        links.remove(case.pk, link, actor=actor, at=asking.now(), reason=reason, request=asking.info(request))
    except (NotVisible, NotAllowed):
        raise
    except CaseError as error:
        problems = [Problem(sentence=str(error), anchor=f"why-{link}")]
        return _page(
            request, uid, LinkForm(), problems=problems, status=status_of(error), removing=str(link), typed=reason
        )
    messages.success(request, "The link is removed.")
    return redirect("web:linked", uid=uid)
