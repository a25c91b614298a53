"""New versions of clock rules and changes of bank holidays, as changes of the office: one person proposes, another
agrees, from a source. A rule's new version begins in the future; a holiday makes open clocks be counted anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms

from cases.kernel import calendars
from cases.kernel.actors import Actor
from cases.kernel.forms.numberfields import Whole
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import ClockRuleVersion, HolidayChange
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.kernel.timing import recounting, rulebook
from cases.kernel.timing.counting import OPEN_ENDED, ClockRule, in_words
from cases.kernel.timing.rulebook import RULES
from cases.ledger import api as ledger

__all__ = ["KINDS", "newest"]

MAKERS = frozenset({"legal_counsel", "data_protection_officer"})
CHECKERS = frozenset({"legal_counsel", "data_protection_officer"})
PLACES = [(code, label) for code, (_, label) in calendars.JURISDICTIONS.items()]
UNITS = [
    (code, code.replace("_", " ").capitalize())
    for code in ("minutes", "hours", "days", "working_days", "weeks", "months", "years")
]
ROLLS = [("none", "It stays on that day"), ("next_working_day", "It moves on to the next working day")]
BREACHES = [("task", "A task is raised"), ("record", "It is recorded, no more")]
EFFECTS = [("added", "Add a holiday"), ("removed", "Take a holiday out"), ("as_published", "Back to as published")]


def newest(code: str) -> ClockRule:
    """Return the newest version of a rule, in force or still to come: as kept, else as shipped."""
    row = ClockRuleVersion.objects.filter(code=code).order_by("-version").values().first()
    if row is None:
        return RULES[code]
    return rulebook.rule_of({**row, "effective_from": row["effective_from"].isoformat()})


class ClockRuleForm(ChangeForm):
    """The next version of a rule, filled with the newest one."""

    hints = (
        "Running periods keep the version they began with. The new one counts for what begins on its day or after.",
    )
    code = Chosen(label="Rule", choices=lambda: sorted((code, rule.label) for code, rule in RULES.items()))
    length = Whole(label="Length", min_value=0, max_value=10_000)
    unit = Chosen(label="Counted in", choices=UNITS)
    counts_first_day = forms.BooleanField(label="Beginning with: the first day is day one", required=False)
    starts_after_days = Whole(label="Days until it starts", min_value=0, max_value=60)
    deemed_working_days = Whole(label="Working days until deemed served", min_value=0, max_value=30)
    roll = Chosen(label="When it ends on a day off", choices=ROLLS)
    is_pausable = forms.BooleanField(label="It may stand still", required=False)
    may_name_end = forms.BooleanField(label="An order or agreement may name another end", required=False)
    on_breach = Chosen(label="When it is over without what was due", choices=BREACHES)
    warn_hours = Whole(label="Hours ahead that a task asks for it, or 0", min_value=0, max_value=10_000)
    jurisdictions = forms.MultipleChoiceField(label="Runs in", choices=PLACES, widget=forms.CheckboxSelectMultiple)
    source = forms.CharField(label="Source", max_length=200, help_text="The Act and section, or whose target it is.")
    effective_from = forms.DateField(label="In force from", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = str(self.initial.get("code", ""))
        if asked in RULES:
            known = dataclasses.asdict(newest(asked))
            known.pop("effective_from")
            self.initial = {**known, **self.initial}
            self.fields["code"] = forms.ChoiceField(label="Rule", choices=[(asked, RULES[asked].label)])


class HolidayForm(ChangeForm):
    """One day in one jurisdiction."""

    hints = ("Open periods of that part of the country are then counted anew; each case says from when to when.",)
    jurisdiction = Chosen(label="Where", choices=PLACES)
    day = forms.DateField(label="Day", widget=forms.DateInput(attrs={"type": "date"}))
    effect = forms.ChoiceField(label="Change", choices=EFFECTS, widget=forms.RadioSelect)
    name = forms.CharField(label="Name of the day", max_length=80)
    source = forms.CharField(label="Source", max_length=200, help_text="Such as the proclamation or the official list.")


def _date(value: Any) -> date:
    """Return a day of a payload: a date while it is proposed, its text when it is decided."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _next(payload: Payload) -> ClockRule:
    """Return the version that is proposed: what the payload says, and what no version changes."""
    last = newest(payload["code"])
    said = {field.name: payload[field.name] for field in dataclasses.fields(ClockRule) if field.name in payload}
    said |= {"effective_from": _date(payload["effective_from"]), "jurisdictions": tuple(payload["jurisdictions"])}
    return dataclasses.replace(last, **{**said, "version": last.version + 1})


def _rule_state(payload: Payload) -> dict[str, Any]:
    return {"version": newest(payload["code"]).version} if payload["code"] in RULES else {}


def _check_rule(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if payload["code"] not in RULES:
        return {"code": "There is no such rule."}
    last, begins = newest(payload["code"]), _date(payload["effective_from"])
    if last.unit == OPEN_ENDED:
        return {"code": "This rule has no length: it is a hold until it is released."}
    if begins <= max(calendars.london_date(at), last.effective_from):
        return {"effective_from": "A version takes effect in the future, after the one before it."}
    if int(payload["length"]) == 0 and payload["unit"] != "working_days":
        return {"length": "Only working days may be none: then it ends the same working day."}
    return {}


_COLUMNS = (
    ("Counts", in_words),
    ("Runs in", lambda rule: ", ".join(calendars.JURISDICTIONS[code][1] for code in rule.jurisdictions)),
    ("May stand still", lambda rule: "yes" if rule.is_pausable else "no"),
    ("At its end", lambda rule: dict(BREACHES)[rule.on_breach]),
    ("Task ahead", lambda rule: f"{rule.warn_hours} hours" if rule.warn_hours else "none"),
    ("Source", lambda rule: rule.source),
    ("In force from", lambda rule: f"{rule.effective_from:%-d %B %Y}"),
)


def _describe_rule(before: Payload, payload: Payload) -> list[Line]:
    """Return old and new, line by line; the old is the version it was proposed against."""
    new = _next(payload)
    rows = ClockRuleVersion.objects.filter(code=new.code, version=before.get("version", 0)).values()[:1]
    old = next((rulebook.rule_of({**row, "effective_from": row["effective_from"].isoformat()}) for row in rows), None)
    old = old or RULES[new.code]
    return [Line(label="Rule", old=old.label, new=new.label)] + [
        Line(label=label, old=words(old), new=words(new)) for label, words in _COLUMNS
    ]


def _enter_rule(change: Change) -> None:
    rulebook.load(at=change.at)
    rulebook.add_version(_next(change.payload), actor=change.actor, at=change.at)


def _holiday(payload: Payload) -> HolidayChange | None:
    return HolidayChange.objects.filter(jurisdiction=payload["jurisdiction"], day=_date(payload["day"])).first()


def _holiday_state(payload: Payload) -> dict[str, str]:
    row = _holiday(payload)
    return {"effect": row.effect, "name": row.name, "source": row.source} if row else {}


def _check_holiday(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    day, today = _date(payload["day"]), calendars.london_date(at)
    years = calendars.listed_years(today)
    if day.year not in years and payload["effect"] != "as_published":
        return {"day": f"Choose a day from {years[0]} to {years[-1]}: the list of holidays shows no other year."}
    is_published = day in calendars.published(payload["jurisdiction"], day.year)
    sentences = {
        "added": "That day is a published holiday already." if is_published else "",
        "removed": "" if is_published else "That day is no published holiday.",
        "as_published": "" if _holiday(payload) else "That day is as published already.",
    }
    sentence = sentences.get(payload["effect"], "Choose one.")
    if day.weekday() > 4:
        sentence = "That day is a Saturday or Sunday, so no period counts it."
    return {"day": sentence} if sentence else {}


def _describe_holiday(before: Payload, payload: Payload) -> list[Line]:
    words = dict(EFFECTS)
    day = f"{_date(payload['day']):%A %-d %B %Y}"
    place = calendars.JURISDICTIONS[payload["jurisdiction"]][1]
    return [
        Line(label="Where", old=place, new=place),
        Line(label="Day", old=day, new=day),
        Line(label="Change", old=words.get(before.get("effect", ""), "As published"), new=words[payload["effect"]]),
        Line(label="Name", old=before.get("name", ""), new=payload["name"]),
        Line(label="Source", old=before.get("source", ""), new=payload["source"]),
    ]


def _enter_holiday(change: Change) -> None:
    """Write the day down and queue the recount of that jurisdiction's open clocks, in this one transaction."""
    said, row = change.payload, _holiday(change.payload)
    row = row or HolidayChange(jurisdiction=said["jurisdiction"], day=_date(said["day"]))
    row.effect, row.name, row.source = said["effect"], said["name"], said["source"]
    detail: Mapping[str, object] = {"jurisdiction": row.jurisdiction, "day": row.day.isoformat(), "effect": row.effect}
    with ledger.action(
        rulebook.STREAM,
        "calendar.changed",
        actor=change.actor.label,
        at=change.at,
        cause=change.proposal.uid,
        detail=detail,
        source=change.actor.source,
    ):
        row.save()
    recounting.begin(row.jurisdiction, change=row.uid, actor=change.actor, at=change.at)


KINDS = (
    Kind(
        code="clock_rule",
        label="Change a period",
        makers=MAKERS,
        checkers=CHECKERS,
        subject=lambda payload: f"clock_rule/{payload['code']}",
        state=_rule_state,
        check=_check_rule,
        describe=_describe_rule,
        apply=_enter_rule,
        title=lambda row: f"Change the period {RULES[row.payload['code']].label}",
        form=ClockRuleForm,
    ),
    Kind(
        code="holiday",
        label="Change a bank holiday",
        makers=MAKERS | {"system_administrator"},
        checkers=CHECKERS,
        subject=lambda payload: f"holiday/{payload['jurisdiction']}/{_date(payload['day']).isoformat()}",
        state=_holiday_state,
        check=_check_holiday,
        describe=_describe_holiday,
        apply=_enter_holiday,
        title=lambda row: (
            f"{dict(EFFECTS)[row.payload['effect']]}: {row.payload['name']}, {_date(row.payload['day']):%-d %B %Y}"
        ),
        form=HolidayForm,
    ),
)
