"""Entries of code lists as changes of the office: label, place, and from when until when a code can be chosen.

An open list gains a code the same way; none is ever removed."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django import forms

from cases.kernel.actors import Actor
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import CodeEntry
from cases.kernel.office import codelists
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.codelists import CodeList
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS"]

CODE = r"^[a-z][a-z0-9_]*\Z"
CODE_HELP = "Small letters, digits and underscores, such as fixed_wireless."


class EntryForm(ChangeForm):
    """What people read for one code, its place and its time."""

    hints: tuple[str, ...] = (
        "The stored code never changes, and a code that is in use is never removed: it is ended by a date.",
    )
    list_code: Any = forms.CharField(widget=forms.HiddenInput)
    code: Any = forms.CharField(widget=forms.HiddenInput)
    label = forms.CharField(label="Label", max_length=120)
    position = Whole(label="Place in the list", min_value=1, max_value=999)
    active_from = forms.DateField(
        label="Can be chosen from", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    active_until = forms.DateField(
        label="Can be chosen until", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fill()

    def _fill(self) -> None:
        self.initial = {
            **_now({"list_code": self.initial.get("list_code"), "code": self.initial.get("code")}),
            **self.initial,
        }


class NewEntryForm(EntryForm):
    """A code that an open list gains."""

    hints: tuple[str, ...] = (
        "The stored code never changes afterwards, and it is never removed: it can be ended by a date.",
        "Systems and agencies that send or read the code must know it before it is used.",
    )
    list_code = Chosen(label="List", choices=lambda: _open_lists())
    code = forms.RegexField(
        CODE,
        label="Stored code",
        max_length=24,
        error_messages={"invalid": CODE_HELP},
        help_text=CODE_HELP,
    )

    def _fill(self) -> None:
        known = codelists.get(str(self.initial.get("list_code", "")))
        if known is not None:
            self.initial = {"position": len(known) + 1, **self.initial}


def _open_lists() -> list[tuple[str, str]]:
    return [(each.code, each.label) for each in codelists.all_lists() if each.is_open]


def _now(payload: Payload) -> dict[str, Any]:
    """Return what stands in a list for a code: its row, or as declared."""
    row = CodeEntry.objects.filter(list_code=payload["list_code"], code=payload["code"]).first()
    if row is not None:
        dates = {name: str(getattr(row, name) or "") for name in ("active_from", "active_until")}
        return {"label": row.label, "position": row.position, **dates}
    known = codelists.get(str(payload["list_code"]))
    for number, (code, label) in enumerate(known.pairs if known else (), 1):
        if code == payload["code"]:
            return {"label": label, "position": number, "active_from": "", "active_until": ""}
    return {}


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    codelists.refresh()
    known = codelists.get(payload["list_code"])
    if known is None or payload["code"] not in dict(known):
        return {"code": "There is no such code in this list."}
    if payload.get("active_until") and not [code for code, _ in known.choices() if code != payload["code"]]:
        return {"active_until": "It is the only code that can be chosen; the list would be empty."}
    return _check_label(known, payload) or _check_days(payload)


def _check_new(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    codelists.refresh()
    known = codelists.get(payload["list_code"])
    if known is None or not known.is_open:
        return {"list_code": "This list is closed: rules stand on its codes."}
    if not re.match(CODE, payload["code"]):
        return {"code": CODE_HELP}
    if payload["code"] in dict(known):
        return {"code": "The list has that code already; an ended one is changed, not added again."}
    if payload["label"].casefold() in {label.casefold() for _, label in known}:
        return {"label": "Another code of the list has that label."}
    return _check_label(known, payload) or _check_days(payload)


def _check_label(known: CodeList, payload: Payload) -> dict[str, str]:
    why = known.why_not(payload["label"])
    return {"label": why} if why else {}


def _check_days(payload: Payload) -> dict[str, str]:
    begins, ends = (str(payload.get(name) or "") for name in ("active_from", "active_until"))
    return {"active_until": "It ends before it begins."} if begins and ends and ends < begins else {}


def _describe(before: Payload, payload: Payload) -> list[Line]:
    known = codelists.get(payload["list_code"])
    name = f"{known.label if known else payload['list_code']}: {payload['code']}"
    words = (("label", "Label"), ("position", "Place"), ("active_from", "From"), ("active_until", "Until"))
    return [
        Line(label="Code", old=name if before else "", new=name),
        *(
            Line(label=label, old=str(before.get(field) or ""), new=str(payload.get(field) or ""))
            for field, label in words
        ),
    ]


def _apply(change: Change) -> None:
    said = change.payload
    row = CodeEntry.objects.filter(list_code=said["list_code"], code=said["code"]).first()
    row = row or CodeEntry(list_code=said["list_code"], code=said["code"])
    row.label, row.position = said["label"], said["position"]
    row.active_from, row.active_until = (
        date.fromisoformat(said[name]) if said.get(name) else None for name in ("active_from", "active_until")
    )
    row.save()


KINDS = (
    Kind(
        code="code_entry",
        label="Change an entry of a code list",
        makers=frozenset({"system_administrator"}),
        checkers=frozenset({"data_protection_officer"}),
        subject=lambda payload: f"code/{payload['list_code']}/{payload['code']}",
        state=_now,
        check=_check,
        describe=_describe,
        apply=_apply,
        title=lambda row: f"Change {row.payload['code']} of {row.payload['list_code'].replace('_', ' ')}",
        form=EntryForm,
    ),
    Kind(
        code="code_new",
        label="Add a code to a code list",
        makers=frozenset({"system_administrator"}),
        checkers=frozenset({"data_protection_officer"}),
        subject=lambda payload: f"code/{payload['list_code']}/{payload['code']}",
        state=_now,
        check=_check_new,
        describe=_describe,
        apply=_apply,
        title=lambda row: f"Add {row.payload['code']} to {row.payload['list_code'].replace('_', ' ')}",
        form=NewEntryForm,
    ),
)
