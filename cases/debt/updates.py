"""What billing tells of an account flows on to the agency that has it, the same day: what is owed, and whom to reach.

A payment that the agency collected is no news to it when billing books it. What the agency is told is what is left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from cases.accounts.models import Account
from cases.accounts.people import people_of
from cases.debt import codes, effects, heard, looking, messages, opening
from cases.debt.limitation import limit
from cases.debt.models import Placement
from cases.debt.moratorium import fees
from cases.kernel import locks, parties, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseAddress, CaseParty, Task
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = ["accounts_changed", "bring_up_to_date", "rewrite"]

People = Sequence[Mapping[str, Any]]


def accounts_changed(accounts: Collection[int], *, at: datetime) -> None:
    """Tell agencies what changed about accounts that they have; an account whose file waits is looked at again; what
    an agency collected before it gave the account back is noted once billing has booked it. Inside the caller's
    transaction; locks the cases. Three queries and no more where no agency has or had any of them."""
    _look_back(accounts, at=at)
    bring_up_to_date(accounts, at=at)


def bring_up_to_date(accounts: Collection[int], *, at: datetime) -> None:
    """Tell agencies what is so by now of accounts that they have, also what billing told while their file was on its
    way; look again at those whose file waits. Inside the caller's transaction; locks the cases."""
    rows = Placement.objects.filter(account__in=accounts, case__state__in=("released", *codes.AT_AGENCY))
    placements = list(rows.select_related("case").order_by("case_id"))
    if not placements:
        return
    actor = system("placement", source=placements[0].case.source)
    found = Account.objects.filter(pk__in=[row.account_id for row in placements]).prefetch_related("holders", "flags")
    known = {account.pk: account for account in found}
    reader = Reader(actor=actor.label, verb="update", purpose="placement")
    people = people_of(list(known.values()), reader=reader, at=at)
    owed = fees.owed(list(known.values()), but=[row.pk for row in placements])
    for row in placements:
        case = locks.case_for_update(row.case_id)
        if case.state == "released":
            _stop_if_stopped(case, owed[row.account_id], actor=actor, at=at)
        else:
            _bring_up(case, people[row.account_id], owed[row.account_id], actor=actor, at=at)
    at_agency = [row.pk for row in placements if row.case.state in codes.AT_AGENCY]
    looking.look_at_held(Placement.objects.filter(pk__in=at_agency), at=at)


def _look_back(accounts: Collection[int], *, at: datetime) -> None:
    """Note what billing has booked by now of what agencies collected whose placement is over, the oldest first. What it
    has not booked long after is for people; so is what an agency learned and nobody was asked to have noted."""
    taken: dict[int, int] = {}
    asked = Task.objects.filter(case=OuterRef("pk"), kind=heard.TO_NOTE)
    unsaid = Q(~Exists(asked), case__state__in=heard.BY_STATE)
    over = Placement.objects.filter(account__in=accounts, case__is_closed=True, case__is_erased=False)
    rows = over.filter(unsaid | Q(collected_pence__gt=F("booked_pence"))).annotate(is_unsaid=Q(unsaid))
    for row in rows.select_related("account", "case").order_by("case_id"):
        if row.is_unsaid:
            _ask(row, heard.BY_STATE[row.case.state], at=at)
        if row.collected_pence > row.booked_pence:
            _book_late(row, taken, at=at)


def _ask(row: Placement, what: str, *, at: datetime) -> None:
    """Have billing note what an agency learned before anybody was asked to: until then nobody gets the account, and
    without the task nothing would ever say that it has been noted."""
    case = locks.case_for_update(row.case_id)
    with record.act(case, "placement.to_note", actor=system("placement", source=case.source), at=at):
        heard.ask_billing(case, what, account=row.account, at=at)
        case.version += 1
        case.save(update_fields=["version"])


def _book_late(row: Placement, taken: dict[int, int], *, at: datetime) -> None:
    """Book of one placement what the balance of its account fell by, but for what another one `taken` from it."""
    others = Placement.objects.filter(account=row.account_id).values_list("pk", flat=True)
    owed = fees.owed([row.account], but=list(others))[row.account_id]
    booked = _news(row, owed + taken.get(row.account_id, 0))[1] if owed != row.seen_pence else 0
    taken[row.account_id] = taken.get(row.account_id, 0) + booked
    left = row.collected_pence - row.booked_pence - booked
    is_for_people = left > 0 and _is_long_ago(row) and not row.case.tasks.filter(kind=effects.NOT_BOOKED).exists()
    if owed == row.seen_pence and not is_for_people:
        return
    case = locks.case_for_update(row.case_id)
    actor = system("placement", source=case.source)
    with record.act(case, "placement.booked_late", actor=actor, at=at, detail={"booked_pence": booked}):
        if is_for_people:
            tasks.raise_task(effects.NOT_BOOKED, case=case, at=at, pence=left)
        row.booked_pence, row.seen_pence = row.booked_pence + booked, owed
        row.save(update_fields=["booked_pence", "seen_pence"])
        case.version += 1
        case.save(update_fields=["version"])


def _is_long_ago(row: Placement) -> bool:
    """Say whether billing has told of an account so long after its placement was over that it has booked by then what
    it will book."""
    ended = row.case.closed_date
    return ended is not None and row.account.as_of > ended + timedelta(days=limit("booked_within"))


def _stop_if_stopped(case: Case, owed: int, *, actor: Actor, at: datetime) -> None:
    """Keep the waiting file of an account from leaving that was paid, or that something stops now."""
    (stopped,) = opening.look_again([case.placement], actor=actor, at=at)
    if stopped or owed < case.placement.balance_pence:
        with record.act(case, "placement.file_stopped", actor=actor, at=at):
            effects.stop_file(case, at=at)
            case.version += 1
            case.save()


def _bring_up(case: Case, people: People, owed: int, *, actor: Actor, at: datetime) -> None:
    """Note what changed about one account, and promise the agency a file where that is news to it."""
    row = Placement.objects.select_for_update().get(pk=case.pk)
    change, booked = _news(row, owed)
    digest = opening.digest_of(people)
    is_moved = row.told_digest not in ("", digest)
    if not (change or booked or is_moved):
        return
    detail = {"change_pence": change, "contact": is_moved}
    with record.act(case, "placement.updated", actor=actor, at=at, detail=detail):
        row.balance_pence += change
        row.booked_pence += booked
        row.seen_pence, row.told_digest = owed, digest
        row.save(update_fields=["balance_pence", "booked_pence", "seen_pence", "told_digest"])
        case.placement = row
        if is_moved and not rewrite(case, people, actor=actor, at=at):
            tasks.raise_task(effects.UPDATE, case=case, at=at)
        if change or is_moved:
            _promise(case, row, actor=actor, at=at)
        case.version += 1
        case.amount_pence = row.balance_pence
        case.save()


def _news(row: Placement, owed: int) -> tuple[int, int]:
    """Return by how much what is owed changed, and how much of a fall is what the agency itself collected."""
    change = owed - (row.balance_pence if row.seen_pence is None else row.seen_pence)
    booked = min(-change, row.collected_pence - row.booked_pence) if change < 0 else 0
    booked = max(booked, 0)
    return change + booked, booked


_WHO = ("forename", "surname", "date_of_birth")


def rewrite(case: Case, people: People, *, actor: Actor, at: datetime) -> bool:
    """Write what is known by now of the people of a placement over what its case says, person by person, inside the
    current ledger action. Say whether that could be done: where somebody came or went, a person looks, and nothing is
    written. Opens who they were: one access row."""
    known = list(CaseParty.objects.select_related("key").filter(case=case, is_detached=False).order_by("number"))
    reader = Reader(actor=actor.label, verb="update", purpose="placement", streams=(case.uid,))
    before = sealing.open_rows(known, list(_WHO), reader=reader, at=at) if known else []
    if len(known) != len(people):
        return False
    if not all(_is_same(was, told["values"]) for was, told in zip(before, people, strict=True)):
        return False
    for party, told in zip(known, people, strict=True):
        parties.change(party, told["values"], key=party.key)
        home = CaseAddress.objects.filter(party=party, kind="current", is_detached=False).order_by("pk").first()
        for address in told["addresses"]:
            if home is None:
                parties.add_address(party, address)
            else:
                parties.change(home, {name: value for name, value in address.items() if name != "kind"}, key=party.key)
    return True


def _is_same(was: Mapping[str, str | None], told: Mapping[str, str | None]) -> bool:
    """Say whether two accounts of a person are surely of one: no other birth, and the same first name, or where one of
    them says none the same last name. A twin, or who took over the place of another, is somebody else."""
    (first, then), (last, after), (born, birth) = (
        tuple((each[name] or "").strip().casefold() for each in (was, told)) for name in _WHO
    )
    if born and birth and born != birth:
        return False
    return first == then if first and then else last == after


def _promise(case: Case, row: Placement, *, actor: Actor, at: datetime) -> None:
    """Promise a file of one row; where none can go, a person tells the agency."""
    try:
        with transaction.atomic():
            (told,) = messages.place([row], actor=actor, at=at)
            told["amount_pence"] = row.balance_pence - row.collected_pence
            messages.tell(case, messages.DCA_UPDATE, actor=actor, at=at, **told)
    except CaseError:
        tasks.raise_task(effects.UPDATE, case=case, at=at)
