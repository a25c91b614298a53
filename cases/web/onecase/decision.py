"""The decision panel: what was asked and by whom, every move that is open, and why the others are not."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cases.kernel import casetypes, roles, verdicts
from cases.kernel.calendars import LONDON
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.lifecycle import COMMON, Transition
from cases.kernel.models import Case
from cases.kernel.office.codelists import CodeField, CodesField
from cases.kernel.reading import deciding
from cases.kernel.reading.queries import CaseFile
from cases.kernel.reading.timeline import Entry
from cases.kernel.standing import Standing
from cases.kernel.transitions import Offer
from cases.kernel.verdicts import Proposal
from cases.ledger import sealing
from cases.web.onecase.commonforms import COMMON_FORMS
from cases.web.wording import words

__all__ = ["bind", "form_of", "panel"]

COMMON_NAMES = frozenset(row.name for row in COMMON)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One verdict as a button."""

    code: str
    label: str
    look: str = ""


ANSWERS: Mapping[str, tuple[Answer, ...]] = {
    "before": (
        Answer(code="agreed", label="Agree", look="primary"),
        Answer(code="refused", label="Decline"),
    ),
    "after": (
        Answer(code="confirmed", label="Confirm", look="primary"),
        Answer(code="not_confirmed", label="Do not confirm"),
    ),
}
TAKE_BACK = (Answer(code="withdrawn", label="Take it back"),)


def form_of(kind: str, name: str) -> Any:
    """Return the form of a move: the kind's own, or that of a move every kind has; None where nothing is typed."""
    return casetypes.get(kind).transition_forms.get(name) or COMMON_FORMS.get(name)


def bind(offer_form: Any, name: str, case: Case, data: Any = None) -> Any:
    """Return a move's own form with ids of its own, empty or bound to what was posted."""
    return offer_form(data, case=case, auto_id=f"{name}_%s")


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{words(str(key)).lower()}: {_said(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_said(each) for each in value) or "none"
    if isinstance(value, datetime):
        return f"{value.astimezone(LONDON):%-d %b %Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    return "" if value is None else str(value)


def _typed(form: Any, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what was typed for an act as labels and words: by the form's own `shown`, else as its fields call them."""
    if hasattr(form, "shown"):
        return list(form.shown(inputs))
    fields = getattr(form, "base_fields", {})
    return [
        (str(fields[name].label) if name in fields else words(name), _said(_chosen(fields.get(name), value)))
        for name, value in inputs.items()
    ]


def _chosen(field: Any, value: Any) -> Any:
    """Return what a choice is called; codes stay as they are where the choices are not those of the form itself."""
    if not value:
        return value
    if isinstance(field, CodeField | CodesField):
        known = field.codes.labels()
    elif isinstance(field, Chosen) or isinstance(getattr(field, "choices", None), list):
        known = {code: label for label, code in _flat(list(field.choices))}
    else:
        return value
    if isinstance(value, list | tuple):
        return [known.get(each, each) for each in value]
    return known.get(value, value) if isinstance(value, str) else value


def _flat(choices: Sequence[tuple[Any, Any]]) -> list[tuple[str, Any]]:
    """Return (label, code) of every choice, those of groups too."""
    found: list[tuple[str, Any]] = []
    for code, label in choices:
        found += _flat(label) if isinstance(label, list | tuple) else [(str(label), code)]
    return found


def opened(file: CaseFile, reader: sealing.Reader, at: datetime) -> dict[int, dict[str, Any]]:
    """Return what was typed for each open proposal, read for a page and under its purpose; nothing is read where there
    is none."""
    rows = [each for each in file.approvals if each["typed"]]
    if not rows:
        return {}
    pieces = [
        Proposal(
            uid=UUID(each["uid"]),
            key_id=each["key_id"],
            typed=sealing.Sealed(base64.b64decode(each["typed"])),
        )
        for each in rows
    ]
    given = verdicts.words_of(pieces, reader=reader, at=at, case=file.case)
    return {row["id"]: each for row, each in zip(rows, given, strict=True)}


def _needs(approval: Mapping[str, Any]) -> list[str]:
    return [roles.ROLES[code].label if code in roles.ROLES else code for code in approval["needs"]]


def _sent(file: CaseFile, approval: Mapping[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
    """Return an approval that steps of the lifecycle answer, with the maker's reason."""
    lifecycle = casetypes.get(file.case.kind).lifecycle
    move = next((each for each in lifecycle.transitions if each.opens == approval["act"]), None)
    verb = f"{file.case.kind}.{move.name}" if move else ""
    entry = next((each for each in entries if each.verb == verb), None)
    return {
        **approval,
        "needs": _needs(approval),
        "label": move.label if move else "",
        "reason": entry.reason if entry else "",
    }


def _proposed(
    file: CaseFile, approval: Mapping[str, Any], given: Mapping[str, Any], standing: Standing, typed: Any
) -> dict[str, Any]:
    """Return an act of several people, and how this person may answer; with what was typed for it. Of what was done at
    once that is opened to whoever looks at it alone: it stands on the page, masked as everything there is."""
    name = approval["act"]
    move = casetypes.get(file.case.kind).lifecycle[name]
    refusals = standing.seconding(move, dict(approval))
    is_mine = approval["maker_id"] == standing.actor.user_id
    answers = ANSWERS[approval["mode"]] if not refusals else TAKE_BACK if is_mine else ()
    is_done = approval["mode"] == "after"
    if is_mine and is_done:
        answers = ()
    is_shown = not is_done or not refusals
    return {
        **approval,
        "needs": _needs(approval),
        "label": move.label,
        "reason": given["reason"],
        "by": approval["maker"] or given["by"].partition(":")[2] or "The system",
        "typed": _typed(form_of(file.case.kind, name), given["inputs"]) if is_shown else [],
        "is_after": is_done,
        "is_act": True,
        "is_grave": move.is_grave_to_second and bool(answers) and not is_mine,
        "answers": answers,
        "asks": _asked(move, approval, standing) if answers and not is_mine else "",
        "refusals": refusals,
        "said": typed.reason if typed.step == approval["uid"] else "",
    }


def _asked(move: Transition, approval: Mapping[str, Any], standing: Standing) -> str:
    """Return what this person is asked with their agreement; nothing where it asks nothing."""
    asking = [each.asks for each in move.agreed_by if each.asks and each.role in standing.actor.roles]
    return asking[0] if asking and approval["mode"] == "before" else ""


def _move(offer: Offer, file: CaseFile, typed: Any) -> dict[str, Any]:
    move: Transition = offer.transition
    is_typed = typed.step == move.name
    form = typed.form if is_typed else None
    form_class = form_of(file.case.kind, move.name)
    if form is None and form_class is not None:
        form = bind(form_class, move.name, file.case)
    return {
        "move": move,
        "form": form,
        "reason": typed.reason if is_typed else "",
        "is_open": is_typed,
        "is_grave": offer.is_grave,
        "button": {"primary": "primary", "danger": "danger-fill"}.get(move.tone, ""),
        "proposes": any(each.when is None for each in move.agreed_by),
    }


def _weight(offer: Offer) -> int:
    """The move that carries the case on comes first."""
    return 0 if offer.transition.tone == "primary" else 1


def panel(
    file: CaseFile,
    offers: Sequence[Offer],
    entries: Sequence[Entry],
    *,
    standing: Standing,
    typed: Any,
    reader: sealing.Reader,
    at: datetime,
) -> dict[str, Any]:
    """Return the panel: what was asked, open moves with their forms, and refused ones with their sentences."""
    given = opened(file, reader, at)
    asked = [
        _proposed(file, each, given[each["id"]], standing, typed) if each["id"] in given else _sent(file, each, entries)
        for each in file.approvals
    ]
    moves = [_move(offer, file, typed) for offer in sorted(offers, key=_weight) if offer.is_open]
    decides = any(offer.is_open and offer.transition.decides for offer in offers)
    closed = [offer.transition for offer in offers if not offer.is_open]
    own = {move.name for move in casetypes.get(file.case.kind).lifecycle.transitions}
    return {
        "moves": [each for each in moves if each["move"].name not in COMMON_NAMES - own],
        "common": [each for each in moves if each["move"].name in COMMON_NAMES - own],
        "refused": [offer for offer in offers if not offer.is_open],
        "asked": asked,
        "alone": deciding.alone(file.case, standing, closed, file.approvals),
        "is_mine": bool(asked)
        and (decides or any(each.get("answers") and not each["refusals"] for each in asked if each.get("is_act"))),
    }
