"""The only writer of facts, people, evidence and notes of an open case. Voids approvals that no longer fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, Max, Sum

from cases.kernel import approvals, casetypes, conflicts, formats, locks, parties, policy, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.disposal import unnaming
from cases.kernel.errors import CaseError
from cases.kernel.evidence import scanning, taking
from cases.kernel.finding import index
from cases.kernel.models import Case, CaseAddress, CaseParty, Evidence, Note, User
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.sealed import SealedTextField

__all__ = [
    "Edit",
    "EditConflict",
    "EditRefused",
    "add_note",
    "assign",
    "attach",
    "change",
    "close_task",
    "keep",
    "takes_changes",
    "takes_documents",
]

# The giver did not look who has the case.
ANYBODY = -1
MOST_DOCUMENTS = 500
MOST_BYTES = 4 * 1024**3
NO_MORE_PEOPLE = "Nobody more can be added to this case."
OVER = "This case can no longer be changed in its present state."


class EditRefused(CaseError):
    """The case cannot be changed like this now."""


class EditConflict(EditRefused):
    """Somebody changed the case after the page was read."""


@dataclass(kw_only=True)
class Edit:
    """An open change of one locked case. Families write their own rows through it."""

    case: Case
    actor: Actor
    at: datetime
    shapes: bool
    known_people: set[int] = field(default_factory=set)

    def facts(self, **values: Any) -> None:
        """Change facts; sealed ones are given as text. What the queue shows of them changes with them."""
        casetype = casetypes.get(self.case.kind)
        row: Any = casetype.facts._default_manager.select_related("key").get(pk=self.case.pk)
        sealed = {n: v for n, v in values.items() if isinstance(row._meta.get_field(n), SealedTextField)}
        for name, value in values.items():
            if name not in sealed:
                setattr(row, name, value)
        if sealed:
            formats.refuse_card_numbers(sealed.values())
            sealing.seal(row, {name: text or None for name, text in sealed.items()}, key=row.key)
        row.save(update_fields=list(values))
        index.change_facts(self.case, values)
        now_said = {column.name: getattr(row, column.attname) for column in row._meta.concrete_fields}
        self.case.topic, self.case.amount_pence = casetype.topic(now_said), casetype.amount(now_said)

    def _person(self, number: int) -> CaseParty:
        """Return a person of the case. Raises EditRefused for one who was detached: they stay as they were."""
        row = CaseParty.objects.select_related("key").get(case=self.case, number=number)
        if row.is_detached:
            raise EditRefused("This person was detached from the case and stays as they were.")
        if row.party_id is not None:
            self.known_people.add(row.party_id)
        return row

    def party(
        self,
        number: int,
        *,
        role: str | None = None,
        is_innocent: bool | None = None,
        source: str | None = None,
        **values: str | None,
    ) -> None:
        """Change what the case says about one person, where that comes from, and which part they play in it."""
        row = self._person(number)
        casetypes.get(self.case.kind).check_person(values, at=self.at)
        part = {"role": role, "is_innocent": is_innocent, "source": source or None}
        changed = {name: value for name, value in part.items() if value not in (None, getattr(row, name))}
        for name, value in changed.items():
            setattr(row, name, value)
        if changed:
            row.save(update_fields=list(changed))
        if values:
            parties.change(row, values, key=row.key)

    def address(self, number: int, kind: str, **values: str | None) -> None:
        """Change the address of this kind of one person, or add it where there is none."""
        party = self._person(number)
        row = CaseAddress.objects.filter(party=party, kind=kind, is_detached=False).order_by("pk").first()
        if row is None:
            parties.add_address(party, {**values, "kind": kind})
        else:
            parties.change(row, values, key=party.key)

    def add_address(self, number: int, kind: str, **values: str | None) -> CaseAddress:
        """Add one more address of a person, of whatever kind there are already."""
        party = self._person(number)
        return parties.add_address(party, {**values, "kind": kind})

    def change_address(
        self, number: int, place: int, *, kind: str, source: str | None = None, **values: str | None
    ) -> None:
        """Change one address of a person, by its number within the case; one of which nothing is left is set apart.
        Raises EditRefused when it is not theirs."""
        row = parties.address_at(self.case, place)
        if row is None or row.party.number != number or row.is_detached or row.party.is_detached:
            raise EditRefused("This person has no such address.")
        self._person(number)
        part = {"kind": kind, "source": source or row.source}
        changed = {name: value for name, value in part.items() if value != getattr(row, name)}
        for name, value in changed.items():
            setattr(row, name, value)
        if changed:
            row.save(update_fields=list(changed))
        parties.change(row, values, key=row.party.key)
        if all(getattr(row, name) is None for name in parties.ADDRESS_FIELDS):
            row.is_detached = True
            row.save(update_fields=["is_detached"])

    def add_party(self, person: Mapping[str, Any]) -> CaseParty:
        """Add a person, with addresses, as parties.add takes them. Raises EditRefused where the kind of case takes no
        one more."""
        if not casetypes.get(self.case.kind).may_add_person(self.case):
            raise EditRefused(NO_MORE_PEOPLE)
        last = CaseParty.objects.filter(case=self.case).order_by("-number").values_list("number", flat=True).first()
        casetypes.get(self.case.kind).check_person(person.get("values", {}), at=self.at)
        retention_class = casetypes.get(self.case.kind).retention_class
        rows = parties.add(
            self.case, [person], first_number=(last or 0) + 1, retention_class=retention_class, at=self.at
        )
        return rows[0]


@contextmanager
def change(
    case_id: int,
    *,
    actor: Actor,
    at: datetime,
    act: str = "edit",
    verb: str = "case.edited",
    shapes: bool = True,
    version: int | None = None,
    reason: str = "",
    request: ledger.RequestInfo | None = None,
) -> Iterator[Edit]:
    """Change a case: locks its row, checks `act`, writes one ledger event, voids approvals whose digest no longer
    fits, all in one transaction. `shapes` says that what an approval is about may change. Raises NotAllowed,
    EditRefused (EditConflict when `version` is stale); nothing is then written."""
    with transaction.atomic():
        case = locks.case_for_update(case_id)
        policy.require(actor, act, case=case)
        if refusal := conflicts.why_not(actor, case):
            raise EditRefused(refusal)
        if shapes and not _may_change(case, act):
            raise EditRefused(OVER)
        if version is not None and version != case.version:
            raise EditConflict("Somebody changed this case while you were reading it.")
        with record.act(case, verb, actor=actor, at=at, reason=reason, request=request) as action:
            edit = Edit(case=case, actor=actor, at=at, shapes=shapes)
            yield edit
            if edit.known_people:
                _tell_of(edit)
            if shapes:
                casetypes.get(case.kind).changed(case, at=at)
                voided = approvals.void_if_changed(case, at=at)
                action.detail.update({"approvals_voided": len(voided)} if voided else {})
            case.version += 1
            case.changed_at = at
            case.save()


def _tell_of(edit: Edit) -> None:
    """Something of people who are known in other cases too was changed: let whoever goes by all of it follow."""
    rows = CaseParty.objects.select_related("case").filter(party__in=edit.known_people, is_detached=False)
    casetypes.tell("person_changed", list(rows.order_by("pk")), edit.case, at=edit.at)


def _may_change(case: Case, act: str) -> bool:
    lifecycle = casetypes.get(case.kind).lifecycle
    return case.state in lifecycle.editable | (lifecycle.papers if act == "attach" else frozenset())


def takes_changes(case: Case) -> str | None:
    """Return the sentence why facts and people of a case stay as they are in its state, before anything is typed; None
    where they can be changed. Locks nothing: `change` looks again."""
    return None if _may_change(case, "edit") else OVER


def takes_documents(case: Case) -> str | None:
    """Return the sentence why a case takes no document in, before one is read; None where it does. Locks nothing:
    `keep` looks again."""
    return None if _may_change(case, "attach") and case.key.destroyed_at is None else OVER


def add_note(
    case_id: int,
    text: str,
    *,
    actor: Actor,
    at: datetime,
    uid: UUID | None = None,
    request: ledger.RequestInfo | None = None,
) -> Note:
    """Write a note, sealed under a key of its own. It changes nothing an approval is about. `uid` is that of the form
    it came by: IntegrityError where it is there already."""
    with change(case_id, actor=actor, at=at, act="note", verb="case.noted", shapes=False, request=request) as edit:
        if not text.strip():
            raise EditRefused("Write something first.")
        formats.refuse_card_numbers([text])
        key = sealing.new_key(unnaming.NOTE_KEY, at=at, parent=edit.case.key)
        note = Note(case=edit.case, author_id=actor.user_id, written_at=at, key=key, **({"uid": uid} if uid else {}))
        sealing.seal(note, {"text": text.strip()}, key=key)
        note.save()
        index.add_note(note, text)
    return note


def assign(
    case_id: int,
    user: User | None,
    *,
    actor: Actor,
    at: datetime,
    was: int | None = ANYBODY,
    request: ledger.RequestInfo | None = None,
) -> Case:
    """Give the case to a person of its team, or to nobody. `was` says with whom (an id, None for nobody) whoever asks
    saw it; raises EditConflict when it is with another now."""
    taking = user is not None and user.pk == actor.user_id
    act = "take" if taking else "assign"
    with change(case_id, actor=actor, at=at, act=act, verb="case.assigned", shapes=False, request=request) as edit:
        if was not in (ANYBODY, edit.case.assignee_id) and not (user and user.pk == edit.case.assignee_id):
            holder = edit.case.assignee
            raise EditConflict(f"{holder.display_name if holder else 'Nobody'} has this case now.")
        if edit.case.is_closed:
            raise EditRefused("This case is closed.")
        if user and not edit.case.team.memberships.filter(user=user, ended_at=None, user__is_active=True).exists():
            raise EditRefused("That person is not in the case's team, or cannot sign in now.")
        if user and conflicts.is_tied(user.pk, edit.case):
            raise EditRefused(conflicts.SENTENCE if taking else "That person cannot be given this case.")
        edit.case.assignee = user
    return edit.case


def close_task(
    case_id: int,
    number: int,
    *,
    actor: Actor,
    at: datetime,
    reason: str,
    outcome: str = "done",
    request: ledger.RequestInfo | None = None,
) -> Case:
    """Close one open task of the case by hand, with what was done; its family does what follows. Raises EditRefused
    when there is none of that number, it ends only by the act it waits for, or nothing is said."""
    with change(
        case_id,
        actor=actor,
        at=at,
        act="close_task",
        verb="task.closed",
        shapes=False,
        reason=reason.strip(),
        request=request,
    ) as edit:
        task = edit.case.tasks.filter(pk=number, closed_at=None).first()
        if task is None:
            raise EditRefused("This task is closed already.")
        if "notice" in task.detail:
            raise EditRefused("This task ends when somebody decides about what the agency says.")
        if refusal := tasks.ends_with(task.kind):
            raise EditRefused(refusal)
        if not reason.strip():
            raise EditRefused(tasks.SAY_WHAT)
        tasks.close(task, actor=actor, at=at, outcome=outcome)
        if follow := {**tasks.FOLLOWS, **casetypes.get(edit.case.kind).task_ends}.get(task.kind):
            follow(edit.case, task, at=at)
        is_dormant = casetypes.get(edit.case.kind).lifecycle.state(edit.case.state).is_dormant
        edit.case.is_dormant = is_dormant and tasks.rests(edit.case)
    return edit.case


def attach(
    case_id: int,
    *,
    kind: str,
    file_name: str,
    media_type: str,
    data: bytes,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> Evidence:
    """Take in a document whose bytes are at hand, and keep it. Raises FileRefused, NotAllowed, EditRefused."""
    case = Case.objects.select_related("key").get(pk=case_id)
    if case.key.destroyed_at is not None:
        raise EditRefused(OVER)
    taken = taking.take(case, [data], file_name=file_name, media_type=media_type, at=at)
    return keep(case_id, taken, kind=kind, actor=actor, at=at, request=request)


def _original(case: Case, number: int | None, taken: taking.Taken) -> Evidence | None:
    """Return the document that is redacted, if one is named. Raises EditRefused."""
    if number is None:
        return None
    found = case.evidence.filter(number=number, redacts=None, blob__key__destroyed_at=None).first()
    if found is None:
        raise EditRefused("There is no such original. A redacted copy is of a document that is none itself.")
    if found.sha256 == taken.sha256:
        raise EditRefused("This is the original byte for byte: nothing is redacted in it.")
    return found


def keep(
    case_id: int,
    taken: taking.Taken,
    *,
    kind: str,
    actor: Actor,
    at: datetime,
    redacts: int | None = None,
    admissibility: str = "",
    uid: UUID | None = None,
    request: ledger.RequestInfo | None = None,
) -> Evidence:
    """Record a file that was taken in as a document of the case, to be scanned; drop it when anything refuses. A
    connection that breaks says nothing of whether it was recorded: the sweep removes the file a day later if not.

    `redacts` is the number of the original of which it is a redacted copy; it is then of the original's kind.
    `admissibility` says how it was come by and what it may be used for; it is sealed. Raises NotAllowed, CardNumber,
    and EditRefused when the case has as many documents as one may have, or no such original. `uid` is that of the form
    it came by: IntegrityError where it is there already.
    """
    try:
        formats.refuse_card_numbers([admissibility])
        with change(
            case_id, actor=actor, at=at, act="attach", verb="case.evidence_added", shapes=True, request=request
        ) as edit:
            case = edit.case
            total = case.evidence.aggregate(count=Count("pk"), size=Sum("size"), last=Max("number"))
            if total["count"] >= MOST_DOCUMENTS or (total["size"] or 0) + taken.size > MOST_BYTES:
                raise EditRefused("This case holds as many documents as one may: 500, or 4 GB.")
            original = _original(case, redacts, taken)
            row = Evidence(
                case=case,
                number=(total["last"] or 0) + 1,
                kind=original.kind if original else kind,
                redacts=original,
                key=case.key,
                media_type=taken.media_type,
                size=taken.size,
                sha256=taken.sha256,
                blob=taken.record(),
                obtained_by_id=actor.user_id,
                obtained_at=at,
                **({"uid": uid} if uid else {}),
            )
            said = {"file_name": taken.file_name, "admissibility": admissibility.strip() or None}
            sealing.seal(row, said, key=case.key)
            row.save()
            scanning.ask(row)
    except (OperationalError, InterfaceError):
        raise
    except BaseException:
        taken.drop()
        raise
    return row
