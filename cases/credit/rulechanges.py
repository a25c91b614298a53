"""A new set of rules is tried on what was decided before, proposed by one person and put in force by another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Any

from django import forms
from django.utils import timezone

from cases.credit import codes, rulesets
from cases.credit.models import CheckDecision, RuleSetVersion
from cases.kernel.actors import Actor
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.ledger import sealing

__all__ = ["KINDS", "MOST_TRIED", "current", "of_code", "tried"]

MOST_TRIED = 500
MOST_NAMED = 50
_OUTCOMES = {**dict(codes.OUTCOMES), rulesets.REFER: "Refer to a person"}
_REASONS, _TRIGGERS = dict(codes.REASONS), dict(codes.TRIGGERS)
_WORDS = {"is": "is", "in": "is one of", "below": "is below", "at_least": "is at least"}


def current() -> rulesets.RuleSet:
    """Return the rules that hold now: the version activated last, or those that are shipped. One query."""
    row = RuleSetVersion.objects.order_by("-pk").first()
    return rulesets.shipped() if row is None else rulesets.read(row.document)


def of_code(code: str) -> rulesets.RuleSet:
    """Return a version by its code, whether or not it still holds; those that hold where the code names none."""
    row = RuleSetVersion.objects.filter(code=code).first()
    if row is not None:
        return rulesets.read(row.document)
    return rulesets.shipped() if code == rulesets.shipped().code else current()


def tried(new: rulesets.RuleSet, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """Return what the newest checks would have come to by the rules that hold and by others: how many were looked at,
    how many differ, and which. Opens the factors of each first decision, and the read log says so; searches nobody."""
    rows = CheckDecision.objects.filter(number=1, factors__isnull=False, case__is_restricted=False)
    looked = list(rows.select_related("case").order_by("-pk")[:MOST_TRIED])
    streams = tuple(dict.fromkeys(row.case.uid for row in looked))
    reader = sealing.Reader(actor=actor.label, verb="compare", purpose="check_applicants", streams=streams)
    opened = sealing.open_rows(looked, ("factors",), reader=reader, at=at) if looked else []
    old, differing, count = current(), [], 0
    for row, values in zip(looked, opened, strict=True):
        if not isinstance(values["factors"], str):
            continue  # erased
        factors, count = json.loads(values["factors"]), count + 1
        before, after = old.judge(factors), new.judge(factors)
        if (before.outcome, before.triggers) != (after.outcome, after.triggers):
            differing.append({"check": row.case.reference, "old": _verdict(before), "new": _verdict(after)})
    return {"looked_at": count, "differ": len(differing), "named": differing[:MOST_NAMED]}


def _verdict(verdict: rulesets.Verdict) -> str:
    because = [*(_REASONS.get(code, code) for code in verdict.reasons), *(_TRIGGERS[code] for code in verdict.triggers)]
    return f"{_OUTCOMES.get(verdict.outcome, verdict.outcome)}: {'; '.join(because)}"


class RulesForm(ChangeForm):
    """A whole set of rules, filled with the one that holds. It is tried on what was decided before it is proposed."""

    hints = (
        "The first rule whose every condition holds decides. A decision keeps the version by which it was made.",
        "When you send the form it is first tried on the newest checks, and you see which would have come out "
        "otherwise. Send it once more to propose exactly that.",
    )
    code = forms.RegexField(
        label="Name of the version",
        regex=r"^[a-z0-9][a-z0-9.-]*\Z",
        max_length=40,
        help_text="A new one, for example cr-2027.01. It stands with every decision.",
    )
    document = forms.CharField(
        label="Rules",
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "code"}),
        max_length=20_000,
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("document", _as_text(current()))
        self.tried: dict[str, Any] = {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "code" not in cleaned or "document" not in cleaned:
            return cleaned
        document, faults = _read(cleaned["code"], cleaned["document"])
        for sentence in faults:
            self.add_error("document", sentence)
        if document is None or faults:
            return cleaned
        at = timezone.now()  # noqa: TID251 -- a form is where a face reads what was typed
        self.tried = tried(rulesets.read(document), actor=self.actor, at=at)
        cleaned["document"] = document
        # What was tried may come out otherwise by the next sending: a check is decided every minute.
        token = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        if cleaned.get("seen") != token:
            data: Any = self.data
            self.data = data.copy()
            self.data["seen"] = token  # type: ignore[index]  # -- a copy of what was sent may be changed
            self.add_error(None, f"Not proposed yet. {_in_words(self.tried)} Send it once more to propose it.")
        return cleaned

    def payload(self) -> dict[str, Any]:
        return {"code": self.cleaned_data["code"], "document": self.cleaned_data["document"], "tried": self.tried}


def _read(code: str, text: str) -> tuple[dict[str, Any] | None, list[str]]:
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as fault:
        return None, [f"This is no JSON: {fault}."]
    if isinstance(document, dict):
        document["code"] = code
    return document, rulesets.faults(document)


def _as_text(rules: rulesets.RuleSet) -> str:
    """Return a set of rules as people edit it: each rule in a line of its own."""
    lines = ",\n".join(f"  {json.dumps(rule)}" for rule in rules.rules)
    return f'{{\n "rules": [\n{lines}\n ],\n "otherwise": {json.dumps(rules.otherwise)}\n}}'


def _in_words(found: Mapping[str, Any]) -> str:
    named = "; ".join(f"{each['check']} from “{each['old']}” to “{each['new']}”" for each in found["named"])
    said = f"Of {found['looked_at']} checks that were looked at, {found['differ']} would have come out otherwise"
    return f"{said}: {named}." if named else f"{said}."


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if faults := rulesets.faults(payload["document"]):
        return {"document": " ".join(faults)}
    if payload["document"]["code"] != payload["code"]:
        return {"code": "The rules are of another version."}
    if payload["code"] == rulesets.shipped().code or RuleSetVersion.objects.filter(code=payload["code"]).exists():
        return {"code": "There is a version of this name. Give it a new one."}
    if _content(payload["document"]) == _content(_document(current())):
        return {"document": "These are the rules that hold."}
    return {} if payload.get("tried") else {"document": "Try the rules on what was decided before."}


def _document(rules: rulesets.RuleSet) -> dict[str, Any]:
    return {"code": rules.code, "rules": [dict(rule) for rule in rules.rules], "otherwise": dict(rules.otherwise)}


def _content(document: Mapping[str, Any]) -> list[Any]:
    return [document["rules"], document["otherwise"]]


def _said(rule: Mapping[str, Any] | None) -> str:
    """Return one rule in words, or nothing where there is none."""
    if rule is None:
        return ""
    when = [
        f"{name.replace('_', ' ')} {_WORDS[test]} {_value(value)}"
        for name, tests in rule.get("when", {}).items()
        for test, value in tests.items()
    ]
    verdict = rulesets.Verdict(
        outcome=rule["outcome"], reasons=tuple(rule.get("reasons", ())), triggers=tuple(rule.get("triggers", ()))
    )
    return f"{' and '.join(when) or 'Otherwise'}\n{_verdict(verdict)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def _describe(before: Payload, payload: Payload) -> list[Line]:
    old, new, found = before, payload["document"], payload.get("tried") or {}
    pairs = enumerate(zip_longest(old["rules"], new["rules"]), start=1)
    return [
        Line(label="Version", old=str(old["code"]), new=str(new["code"])),
        *(Line(label=f"Rule {number}", old=_said(was), new=_said(will)) for number, (was, will) in pairs),
        Line(label="Where none holds", old=_said(old["otherwise"]), new=_said(new["otherwise"])),
        Line(label="Tried", new=f"{found.get('looked_at', 0)} checks, {found.get('differ', 0)} come out otherwise"),
        *(Line(label=each["check"], old=each["old"], new=each["new"]) for each in found.get("named", ())),
    ]


def _activate(change: Change) -> None:
    document = change.payload["document"]
    RuleSetVersion(
        code=change.payload["code"],
        document=document,
        sha256=rulesets.read(document).sha256,
        activated_at=change.at,
    ).save(force_insert=True)


KINDS = (
    Kind(
        code="check_rules",
        label="Change the rules of checks",
        makers=frozenset({"credit_officer"}),
        checkers=frozenset({"credit_reviewer"}),
        subject=lambda _payload: "check_rules",
        state=lambda _payload: _document(current()),
        check=_check,
        describe=_describe,
        apply=_activate,
        title=lambda row: f"Rules of checks: {row.payload['code']}",
        form=RulesForm,
    ),
)
