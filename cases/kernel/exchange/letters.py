"""Letters to people: asked for inside a transition, made and posted by a task, proved by the post house."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from cases.kernel import calendars, edits, holds, record, releases, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseParty, Hold, Letter, LetterText, OutboxMessage, Task
from cases.ledger import api as ledger

__all__ = [
    "BY_HAND",
    "CALLBACKS",
    "FAILED",
    "HELD",
    "LETTER",
    "REFUSED",
    "RETURNED",
    "TEMPLATES",
    "Template",
    "cannot_go",
    "due",
    "given_up",
    "stuck",
    "request",
    "request_each",
]

LETTER = releases.MessageKind(
    code="letter",
    label="Letter",
    recipient_kind="post",
    purpose="inform_person",
    answer_days=2,
    answer_source="Internal target: put in the post on the next working day",
    necessity="The print and post house must have the letter and the address to put it in the post.",
    categories={
        "letter_sha256": "letter",
        "pages": "letter",
        "content_base64": "letter",
        "language": "letter",
        "class": "letter",
        "addressee.name": "identity",
        "addressee.line_1": "address",
        "addressee.line_2": "address",
        "addressee.town": "address",
        "addressee.postcode": "address",
        "addressee.country": "address",
    },
    put_right_by="nobody",
)
releases.declare(LETTER)
FAILED, RETURNED, HELD, BY_HAND = "letter_failed", "letter_returned", "letter_held", "letter_by_hand"
tasks.declare(
    {
        HELD: "A letter waits until a hold on contact ends",
        FAILED: "A letter could not be written or posted",
        RETURNED: "A letter came back",
        BY_HAND: "A letter still cannot go and nothing can be changed in its case: tell the person by hand",
    }
)


@dataclass(frozen=True, kw_only=True)
class Template:
    """One notice with its built-in wording. Later wordings are rows (lettertexts.py).

    `extra` are placeholders a later wording may use beside the common ones: names of fields of the kind's facts, or of
    what `extra_at` says, a path in the context of the letter as a built-in wording writes it.
    `says` names sealed values that are for the person, of the case's facts or of the row that `says_of` returns: they
    are opened and printed, whatever the wording.
    `kept_by` names the periods of a person with which the record about them ends.
    `rules` names the periods whose length its words give, `kept` the retention classes: in a built-in wording
    `rules.CODE.length`, `rules.CODE.served` and `kept.CODE`.
    """

    code: str
    version: int
    label: str
    template: str
    effective_from: date
    extra: Mapping[str, str] = field(default_factory=dict)
    extra_at: Mapping[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    says_of: Callable[[Letter], Any] | None = None
    kept_by: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


TEMPLATES: dict[str, Template] = {}


def declare(*templates: Template) -> None:
    """Add a family's letters. Called while families load."""
    TEMPLATES.update({template.code: template for template in templates})


def due(*, now: datetime) -> QuerySet[Letter]:
    """Return the letters that may be written: not those that a hold on contact keeps, of which a task says so."""
    for_whom = Q(party=None) | Q(party=OuterRef("party"))
    held = Hold.objects.filter(holds.in_force(now), for_whom, case=OuterRef("case"), blocks__contains=["contact"])
    is_told = _tasks_about().filter(case=OuterRef("case"), kind=HELD)
    return Letter.objects.filter(~(Exists(held) & Exists(is_told)), state="due")


def stuck() -> Exists:
    """Return the condition of a letter about which somebody is asked because it could not be written."""
    return Exists(_tasks_about().filter(case=OuterRef("case"), kind=FAILED, closed_at=None))


def _tasks_about() -> QuerySet[Task]:
    about = Task.objects.annotate(about=KeyTextTransform("letter", "detail"))
    return about.filter(about=Cast(OuterRef("uid"), TextField()))


def request(case: Case, party: CaseParty, *, template: str, at: datetime) -> Letter:
    """Ask for a letter to one person, inside the current ledger action. A task renders and posts it."""
    return Letter.objects.create(
        case=case,
        party=party,
        template=template,
        template_version=_version(template, on=calendars.london_date(at)),
        requested_at=at,
        retention_class="letter",
    )


def request_each(case: Case, wanted: Sequence[tuple[CaseParty, str]], *, at: datetime) -> list[Letter]:
    """Ask for many letters at once, each to one person by one template, inside the current ledger action; return them
    in order. One query for each template, two for all the letters."""
    today = calendars.london_date(at)
    versions = {template: _version(template, on=today) for template in {template for _, template in wanted}}
    rows = [
        Letter(
            case=case,
            party=party,
            template=template,
            template_version=versions[template],
            requested_at=at,
            retention_class="letter",
        )
        for party, template in wanted
    ]
    return ledger.bulk_create(Letter, rows)


def _version(template: str, *, on: date) -> int:
    """Return which wording holds on a day: the newest row in force, else the built-in one."""
    rows = LetterText.objects.filter(code=template, effective_from__lte=on).order_by("-version")
    return rows.values_list("version", flat=True).first() or TEMPLATES[template].version


def dispatched(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The post house put it in the post: that callback is our proof of dispatch."""
    _answer(case, content, actor=actor, at=at, state="dispatched")


def returned(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The letter came back."""
    _answer(case, content, actor=actor, at=at, state="returned")


def _answer(case: Case, content: Content, *, actor: Actor, at: datetime, state: str) -> None:
    letter = Letter.objects.filter(case=case, message=content.message).first() if content.message else None
    if letter is None:
        raise CaseError("No letter of this case belongs to that message.")
    occurred_at = min(content.occurred_at or at, at)
    with record.act(
        case,
        f"letter.{state}",
        actor=actor,
        at=at,
        occurred_at=occurred_at,
        cause=content.callback_uid,
        detail={"template": letter.template},
    ):
        if state == "dispatched":
            letter.dispatched_date = calendars.london_date(occurred_at)
        letter.state = "returned" if letter.state == "returned" else state  # the proof of dispatch may come last
        letter.save(update_fields=["state", "dispatched_date"])
        if state == "returned":
            tasks.raise_task(RETURNED, case=case, at=at, letter=str(letter.uid))


def cannot_go(letter: Letter, *, problem: str, at: datetime, **detail: Any) -> None:
    """Have somebody look at a letter that could not be written or posted, inside the current ledger action on the
    locked case. Where it is for the very reason for which somebody looked at it before, and nothing can be changed in
    the case as it stands, it is taken back and the person is told by hand: it would be asked about for ever."""
    case, about = letter.case, {"letter": str(letter.uid), "problem": problem}
    detail |= about
    looked_at = Task.objects.filter(case=case, kind=FAILED, closed_at__isnull=False, detail__contains=about)
    if not looked_at.exists() or edits.takes_changes(case) is None:
        tasks.raise_task(FAILED, case=case, at=at, **detail)
        return
    letter.state = "withdrawn"
    letter.save(update_fields=["state"])
    tasks.raise_task(BY_HAND, case=case, at=at, **detail)


def refused(case: Case, message: OutboxMessage, errors: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """The post house did not take the letter: it is due again, and waits until the task about it is closed."""
    codes = tasks.codes_of(errors)
    detail = {"message": str(message.public_id), "codes": codes}
    with record.act(case, "letter.refused", actor=system("delivery", source=case.source), at=at, detail=detail):
        for letter in Letter.objects.select_for_update().filter(case=case, message=message, state="rendered"):
            letter.state = "due"
            letter.save(update_fields=["state"])
            cannot_go(letter, problem="refused", at=at, codes=codes)


def given_up(case: Case, message: OutboxMessage) -> bool:
    """A letter that its post house, which is none any more, never had is due again: another posts it, or a task says
    that there is none. Says whether it is. Inside the current ledger action on the locked case."""
    if message.attempts or message.channel.agency.is_active:
        return False
    letters = list(Letter.objects.select_for_update().filter(case=case, message=message, state="rendered"))
    for letter in letters:
        letter.state = "due"
        letter.save(update_fields=["state"])
    return bool(letters)


CALLBACKS = {"letter.dispatched": dispatched, "letter.returned": returned}
REFUSED = {LETTER.code: refused}
