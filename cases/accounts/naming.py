"""Which accounts of ours a case names, in its facts or of a person."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Model

from cases.accounts import storing
from cases.accounts.models import Account
from cases.kernel import casetypes
from cases.kernel.actors import Actor
from cases.kernel.models import Case, CaseParty
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = ["named_by"]

NUMBER = "account_reference"


def named_by(case: Case, *, actor: Actor, purpose: str, at: datetime) -> list[Account]:
    """Return the accounts that billing has told us of among those that a case names by number. Opens the numbers: one
    access row for its people and one for its facts, where they name any. Three queries beside."""
    reader = Reader(actor=actor.label, verb="match", purpose=purpose, streams=(case.uid,))
    people = CaseParty.objects.filter(case=case, is_detached=False, account_reference__isnull=False)
    rows: list[list[Model]] = [[*people.order_by("number")]]
    facts = casetypes.get(case.kind).facts
    if NUMBER in {column.name for column in facts._meta.concrete_fields}:
        rows.append([*facts._default_manager.filter(**{"pk": case.pk, f"{NUMBER}__isnull": False})])
    opened = [values for each in rows if each for values in sealing.open_rows(each, [NUMBER], reader=reader, at=at)]
    numbers = dict.fromkeys(line.strip() for values in opened for line in (values[NUMBER] or "").splitlines())
    found = storing.find_each([number for number in numbers if number]) if numbers else []
    return list({account.pk: account for account in found if account is not None}.values())
