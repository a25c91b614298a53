"""Correcting a case: facts and people. Sealed values are not shown; an empty box leaves what is there,
a ticked box takes it away."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from cases.kernel import casetypes, edits, parties, policy
from cases.kernel.casetypes import CaseType
from cases.kernel.edits import Edit
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseAddress
from cases.kernel.reading import timeline
from cases.ledger.sealed import SealedTextField
from cases.web import asking
from cases.web.onecase.opening import says_something
from cases.web.refusals import Problem, form_problems, refused_problems, screen, status_of

__all__ = ["add_address", "add_person", "address", "facts", "person"]

KEPT = "The case holds a value."


def _editable(request: HttpRequest, uid: UUID) -> tuple[Case, CaseType]:
    actor = asking.actor_of(request)
    case = policy.get_visible(actor, uid)
    policy.require(actor, "edit", case=case)
    return case, casetypes.get(case.kind)


def _sealed(model: Any) -> set[str]:
    return {column.name for column in model._meta.concrete_fields if isinstance(column, SealedTextField)}


def _say_what_is_kept(form: Any, row: Any) -> None:
    """Say of which fields the case holds a value; those it may be without are offered for taking away."""
    sealed = _sealed(type(row))
    form.removable = {}
    for name in [each for each in form.fields if each in sealed]:
        if getattr(row, name) is not None and not form.fields[name].required:
            form.removable[name] = form.fields[name].label
        form.fields[name].required = False
        if getattr(row, name) is not None:
            form.fields[name].help_text = KEPT


def _removed(request: HttpRequest, form: Any) -> dict[str, None]:
    """Return the fields to take away, each with no value. One that is typed anew as well is a fault of the form."""
    found = dict.fromkeys(name for name in request.POST.getlist("remove") if name in form.removable)
    form.removed = list(found)
    form.full_clean()
    for name in [each for each in found if form.data.get(each)]:
        form.add_error(name, "Either type a new value or remove the old one.")
    return found


def _write(request: HttpRequest, case: Case, form: Any, write: Callable[[Edit], Any], title: str) -> HttpResponse:
    version = request.POST.get("version", "")
    try:
        with edits.change(
            case.pk,
            actor=asking.actor_of(request),
            at=asking.now(),
            version=int(version) if version.isdecimal() and len(version) < 10 else None,
            request=asking.info(request),
        ) as edit:
            write(edit)
    except CaseError as error:
        problems = refused_problems(error, form)
        if isinstance(error, edits.EditConflict):
            problems = [Problem(sentence=f"{error} {timeline.last_change(case)}")]
        return _show(request, case, form, title, problems, status_of(error))
    messages.success(request, "The case was changed.")
    return redirect("web:case", uid=case.uid)


def _show(
    request: HttpRequest,
    case: Case,
    form: Any,
    title: str,
    problems: list[Problem] | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    case.refresh_from_db(fields=["version"])
    refusal = None if problems else edits.takes_changes(case)
    if refusal:
        problems, status = [Problem(sentence=refusal)], HTTPStatus.CONFLICT
    shown = {"case": case, "form": form, "title": title, "problems": problems or [], "is_over": bool(refusal)}
    return render(request, "cases/edit.html", shown, status=status)


def _facts_form(casetype: CaseType, row: Any, data: Any = None) -> Any:
    sealed = _sealed(casetype.facts)
    known = {name: value for name, value in model_to_dict(row).items() if name not in sealed}
    for name in [each for each in known if each.endswith("_pence")]:
        known[name.removesuffix("_pence")] = f"{known[name] / 100:.2f}" if known[name] is not None else None
    form = casetype.facts_form(data, initial=known)
    _say_what_is_kept(form, row)
    return form


@screen
@require_http_methods(["GET", "POST"])
def facts(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Correct the facts. Open approvals that no longer fit become void."""
    case, casetype = _editable(request, uid)
    row = casetype.facts._default_manager.get(pk=case.pk)
    form = _facts_form(casetype, row, request.POST if request.method == "POST" else None)
    title = "Correct the facts"
    if request.method == "GET":
        return _show(request, case, form, title)
    removed = _removed(request, form)
    if not form.is_valid():
        return _show(request, case, form, title, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    sealed, columns = _sealed(casetype.facts), {column.name for column in casetype.facts._meta.concrete_fields}
    values = {
        name: value
        for name, value in form.cleaned_data.items()
        if name in columns and (value if name in sealed else getattr(row, name) != value)
    }
    values |= removed
    return _write(request, case, form, lambda edit: edit.facts(**values) if values else None, title)


@screen
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Correct what the case says about one person."""
    case, casetype = _editable(request, uid)
    row = case.parties.filter(number=number, is_detached=False).first()
    if row is None:
        raise Http404
    known = {"role": row.role, "is_innocent": row.is_innocent, "source": row.source}
    form = casetype.party_form(request.POST if request.method == "POST" else None, initial=known)
    _say_what_is_kept(form, row)
    title = f"Correct person {number}"
    if request.method == "GET":
        return _show(request, case, form, title)
    removed = _removed(request, form)
    if not form.is_valid():
        return _show(request, case, form, title, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    typed = form.person()
    values = {name: text for name, text in typed["values"].items() if text} | removed

    def write(edit: Edit) -> None:
        source = typed.get("source")
        edit.party(number, role=typed["role"], is_innocent=typed["is_innocent"], source=source, **values)
        for address in typed["addresses"]:
            edit.address(number, **{name: text for name, text in address.items() if text})

    return _write(request, case, form, write, title)


@screen
@require_http_methods(["GET", "POST"])
def add_person(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Add a person to the case."""
    case, casetype = _editable(request, uid)
    form = casetype.party_form(request.POST if request.method == "POST" else None)
    title = "Add a person"
    if request.method == "GET":
        return _show(request, case, form, title)
    if form.is_valid() and not says_something(form.person()):
        form.add_error(None, "Type at least one thing about the person.")
    if not form.is_valid():
        return _show(request, case, form, title, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    return _write(request, case, form, lambda edit: edit.add_party(form.person()), title)


def _place_of(case: Case, number: int, place: int) -> CaseAddress:
    row = parties.address_at(case, place)
    if row is None or row.party.number != number or row.is_detached or row.party.is_detached:
        raise Http404
    return row


@screen
@require_http_methods(["GET", "POST"])
def add_address(request: HttpRequest, uid: UUID, number: int) -> HttpResponse:
    """Add an address to what the case says about one person."""
    case, casetype = _editable(request, uid)
    if casetype.address_form is None or not case.parties.filter(number=number, is_detached=False).exists():
        raise Http404
    form: Any = casetype.address_form(request.POST if request.method == "POST" else None)
    title = f"Add an address of person {number}"
    if request.method == "GET":
        return _show(request, case, form, title)
    if form.is_valid() and len(form.place()) < 2:
        form.add_error(None, "Type at least one line of the address.")
    if not form.is_valid():
        return _show(request, case, form, title, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    return _write(request, case, form, lambda edit: edit.add_address(number, **form.place()), title)


@screen
@require_http_methods(["GET", "POST"])
def address(request: HttpRequest, uid: UUID, number: int, place: int) -> HttpResponse:
    """Correct one address of a person. What is left empty stays as it is; one of which nothing is left is gone."""
    case, casetype = _editable(request, uid)
    row = _place_of(case, number, place)
    if casetype.address_form is None:
        raise Http404
    form: Any = casetype.address_form(
        request.POST if request.method == "POST" else None, initial={"kind": row.kind, "source": row.source}
    )
    _say_what_is_kept(form, row)
    title = f"Correct an address of person {number}"
    if request.method == "GET":
        return _show(request, case, form, title)
    removed = _removed(request, form)
    if not form.is_valid():
        return _show(request, case, form, title, form_problems(form), HTTPStatus.UNPROCESSABLE_ENTITY)
    return _write(
        request, case, form, lambda edit: edit.change_address(number, place, **{**form.place(), **removed}), title
    )
