"""How an account in arrears becomes a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from cases.accounts.models import Account
from cases.accounts.people import people_of
from cases.credit.defaults import codes
from cases.credit.defaults.models import Default
from cases.kernel import intake
from cases.kernel.actors import system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = [
    "KIND",
    "NotInArrears",
    "is_decided",
    "open_arrears",
    "open_disputed",
    "open_facts",
    "refuse_second",
    "subjects",
]

KIND = "default"


class NotInArrears(CaseError):
    """No payment of the account is behind, or a case or a default of it is there already."""


# After one of these the same arrears make no case again; arrears that began later do.
_SETTLED = ("removed", "void")


def _known() -> Exists:
    """Return the condition of an account that has an open case, whose default was on file for its six years, or whose
    case about the very arrears was taken off or void."""
    mine = Default.objects.filter(account=OuterRef("pk"))
    return Exists(mine.filter(Q(case__is_closed=False) | _decided()))


def _decided() -> Q:
    """Return the condition of a case after which the account, or its very arrears, never come to a default again."""
    same = Q(account__oldest_unpaid_date=None) | Q(account__oldest_unpaid_date__lte=F("case__closed_date"))
    return Q(case__state="expired") | (Q(case__state__in=_SETTLED) & same)


def is_decided(row: Default) -> bool:
    """Say whether another case of the account ended so that no default comes of this one. One query."""
    return Default.objects.filter(_decided(), account=row.account_id).exclude(pk=row.pk).exists()


def _in_arrears() -> QuerySet[Account]:
    """Return the accounts of people with at least one payment behind, of which no case is there yet."""
    return Account.objects.filter(payments_behind__gte=1, default_date=None, is_business=False).exclude(_known())


def in_arrears() -> Iterable[int]:
    """Yield the accounts of people with at least one payment behind, of which no case is there yet. One query."""
    return _in_arrears().order_by("pk").values_list("pk", flat=True).iterator()


def open_cases() -> Iterable[int]:
    """Yield the cases from which a default may still come. One query."""
    rows = Case.objects.filter(kind=KIND, state__in=codes.OPEN).order_by("pk")
    return rows.values_list("pk", flat=True).iterator()


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case, inside the current ledger action."""
    account = facts["account"]
    row = Default(
        case=case,
        key=case.key,
        account=account,
        first_missed_date=account.oldest_unpaid_date,
        payments_behind=account.payments_behind or 0,
        arrears_pence=account.balance_pence,
    )
    sealing.seal(row, {"account_reference": facts["account_reference"]}, key=case.key)
    row.save(force_insert=True)


@transaction.atomic
def open_arrears(account_id: int, *, at: datetime, source: str = "") -> Case:
    """Open the case of an account in arrears, with its holders. Locks the account, so that two workers open one.
    Raises NotInArrears; nothing is then written."""
    Account.objects.select_for_update().filter(pk=account_id).first()
    # Asked anew once the lock is held: the statement that waited for it sees the rows of before.
    if not _in_arrears().filter(pk=account_id).exists():
        raise NotInArrears("No payment is behind, or a case is there already.")
    return _open(account_id, at=at, source=source)


@transaction.atomic
def open_disputed(account_id: int, *, at: datetime) -> Case:
    """Open the case of an account that an agency has, whether or not a payment is behind, so that a dispute about it
    has its clock and its answer. Locks the account. Raises NotInArrears where another case works on it."""
    Account.objects.select_for_update().get(pk=account_id)
    if Default.objects.filter(account=account_id, case__is_closed=False).exists():
        raise NotInArrears("A case is there already.")
    return _open(account_id, at=at)


def _open(account_id: int, *, at: datetime, source: str = "") -> Case:
    account = Account.objects.prefetch_related("holders", "flags").get(pk=account_id)
    actor = system("arrears", source=source)
    reader = Reader(actor=actor.label, verb="open", purpose="credit_default")
    (opened,) = sealing.open_rows([account], ["number"], reader=reader, at=at)
    people = people_of([account], reader=reader, at=at)[account.pk]
    facts = {"account": account, "account_reference": opened["number"] or ""}
    return intake.open_case(KIND, actor=actor, at=at, facts=facts, people=people)


def refuse_second(row: Default) -> None:
    """Refuse that a case works on an account beside another that is open or holds a default. Locks the account. Raises
    NotInArrears with the reference of the other."""
    Account.objects.select_for_update().get(pk=row.account_id)
    others = Default.objects.filter(account=row.account_id).exclude(pk=row.pk)
    other = others.filter(Q(case__is_closed=False) | Q(default_date__isnull=False)).select_related("case").first()
    if other is not None:
        raise NotInArrears(f"{other.case.reference} is about the same account. Go on there.")


def subjects() -> Iterable[str]:
    """Yield what is looked at each day: accounts that come new into arrears, then every open case."""
    return chain((f"account:{pk}" for pk in in_arrears()), (f"case:{pk}" for pk in open_cases()))
