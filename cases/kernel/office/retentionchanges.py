"""A new version of how long a class of records is kept, as a change of the office: proposed, agreed to, from a source.

It holds for what comes to its trigger on its day or after; what came before keeps the date it got.
"""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from typing import Any

from django import forms

from cases.kernel import calendars, retention
from cases.kernel.actors import Actor
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.retention import RetentionClass

__all__ = ["KINDS"]

OFFICERS = frozenset({"legal_counsel", "data_protection_officer"})
LONGEST_MONTHS = 1200


def _choices() -> list[tuple[str, str]]:
    return sorted(((code, rule.name) for code, rule in retention.CLASSES.items()), key=lambda pair: pair[1])


class RetentionForm(ChangeForm):
    """The next version of a class, filled with the newest one."""

    hints = (
        "What has come to its trigger already keeps its date. Legal holds and open complaints suspend every period.",
    )
    code = Chosen(label="Class", choices=_choices)
    months = Whole(label="Months", min_value=0, max_value=LONGEST_MONTHS)
    days = Whole(label="Days more", min_value=0, max_value=3650)
    source = forms.CharField(label="Source", max_length=200, help_text="The Act and section, or the schedule.")
    effective_from = forms.DateField(label="In force from", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = str(self.initial.get("code", ""))
        if asked in retention.CLASSES:
            last = _newest(asked)
            known = {"months": last.months, "days": last.days, "source": last.source}
            self.initial = {**known, **self.initial}
            self.fields["code"] = forms.ChoiceField(label="Class", choices=[(asked, last.name)])


def _newest(code: str) -> RetentionClass:
    return retention.versions(code)[code][-1]


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _next(payload: Payload) -> RetentionClass:
    last = _newest(payload["code"])
    return dataclasses.replace(
        last,
        version=last.version + 1,
        months=int(payload["months"]),
        days=int(payload["days"]),
        source=payload["source"],
        effective_from=_date(payload["effective_from"]),
    )


def _state(payload: Payload) -> dict[str, Any]:
    return {"version": _newest(payload["code"]).version} if payload["code"] in retention.CLASSES else {}


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if payload["code"] not in retention.CLASSES:
        return {"code": "There is no such class."}
    last, begins = _newest(payload["code"]), _date(payload["effective_from"])
    if begins <= max(calendars.london_date(at), last.effective_from):
        return {"effective_from": "A version takes effect in the future, after the one before it."}
    if (int(payload["months"]), int(payload["days"])) == (0, 0) and (last.months, last.days) != (0, 0):
        return {"months": "Then nothing would be kept: say for how long."}
    return {}


def _describe(before: Payload, payload: Payload) -> list[Line]:
    known = retention.versions(payload["code"])[payload["code"]]
    old = next((rule for rule in known if rule.version == before.get("version")), known[-1])
    new = dataclasses.replace(
        old,
        months=int(payload["months"]),
        days=int(payload["days"]),
        source=payload["source"],
        effective_from=_date(payload["effective_from"]),
    )
    day = "%-d %B %Y"
    return [
        Line(label="Class", old=old.name, new=new.name),
        Line(label="Counted from", old=old.trigger, new=new.trigger),
        Line(label="Kept", old=old.period, new=new.period),
        Line(label="Source", old=old.source, new=new.source),
        Line(label="In force from", old=f"{old.effective_from:{day}}", new=f"{new.effective_from:{day}}"),
    ]


def _enter(change: Change) -> None:
    retention.load(at=change.at)
    retention.add_version(_next(change.payload), actor=change.actor, at=change.at)


KINDS = (
    Kind(
        code="retention_class",
        label="Change how long records are kept",
        makers=OFFICERS,
        checkers=OFFICERS,
        subject=lambda payload: f"retention/{payload['code']}",
        state=_state,
        check=_check,
        describe=_describe,
        apply=_enter,
        title=lambda row: f"Change how long is kept: {row.payload['code'].replace('_', ' ')}",
        form=RetentionForm,
    ),
)
