"""Which accounts a notice is about, and which other debts the same person has. Opens the debtor alone, no account."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet

from cases.accounts import likeness, storing
from cases.accounts.likeness import Likely
from cases.accounts.models import Account
from cases.debt import title
from cases.debt.moratorium import codes, opening
from cases.debt.moratorium.models import MoratoriumDebt
from cases.kernel import calendars
from cases.kernel.finding.matching import ASKED, CERTAIN
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.timing.places import HOME_KINDS
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = [
    "debts_of",
    "debtor_of",
    "is_certain",
    "is_sold",
    "likeliest",
    "look",
    "meant",
    "name_again",
    "next_number",
    "score",
    "waiting_for",
]

# The longest that a moratorium lasts by time alone: six months in Scotland.
_MAY_GO_ON = timedelta(days=184)


def debts_of(case: Case) -> QuerySet[MoratoriumDebt]:
    """Return the debts of a moratorium in their order, each with its account."""
    return MoratoriumDebt.objects.filter(case=case).select_related("account", "holder", "hold").order_by("number")


def debtor_of(case: Case) -> CaseParty | None:
    """Return whose moratorium it is."""
    return CaseParty.objects.filter(case=case, role="debtor", is_detached=False).order_by("number").first()


def next_number(case: Case) -> int:
    """Return the number of the next debt of a case."""
    last = MoratoriumDebt.objects.filter(case=case).aggregate(last=Max("number"))["last"]
    return int(last or 0) + 1


def look(case: Case, *, at: datetime) -> None:
    """Look for the accounts that the notice names and for others of the debtor, inside the current ledger action on the
    locked case. What was found before and is not settled is looked at anew.

    An account of a business, or on which nothing is owed, is not sought; one that is named is always looked at.
    """
    reader = Reader(actor="system:moratoria", verb="match", purpose="moratorium", streams=(case.uid,))
    debts = list(debts_of(case).filter(standing__in=("named", "unknown", "candidate")))
    _name_accounts(debts, reader=reader, at=at)
    named = {debt.account_id for debt in debts if debt.account_id}
    found = likeness.likely(_values(case, reader=reader, at=at), accounts=sorted(named))
    best: dict[int, Likely] = {}
    for each in found:
        best.setdefault(each.holder.account_id, each)
    for debt in debts:
        debt.standing = "candidate" if debt.account_id else "unknown"
        _note(debt, best.pop(debt.account_id or 0, None))
        debt.save()
    settled = set(MoratoriumDebt.objects.filter(case=case, account__isnull=False).values_list("account_id", flat=True))
    for account_id, each in best.items():
        if account_id not in settled and _is_sought(each.holder.account):
            debt = opening.add_debt(
                case, next_number(case), origin="search", standing="candidate", account=each.holder.account
            )
            _note(debt, each)
            debt.save()


def name_again(case: Case, *, at: datetime) -> list[MoratoriumDebt]:
    """Return the debts of a case whose account was none of ours, and is known by now and no other debt's, each with
    it; nothing is written. Two queries and an access row, none where every account was known."""
    unknown = list(debts_of(case).filter(standing="unknown"))
    if unknown:
        reader = Reader(actor="system:moratoria", verb="match", purpose="moratorium", streams=(case.uid,))
        _name_accounts(unknown, reader=reader, at=at)
    settled = set(debts_of(case).filter(account__isnull=False).values_list("account_id", flat=True))
    return [debt for debt in unknown if debt.account_id and debt.account_id not in settled]


def waiting_for(accounts: Collection[int], *, at: datetime) -> list[int]:
    """Return the moratoria not over that name one of these accounts in a debt whose account was none of ours, and those
    answered as not found which began so lately that they may go on. Two queries and an access row, one query where no
    moratorium waits for any."""
    lately = Q(case__state="not_found", case__moratorium__start_date__gt=calendars.london_date(at) - _MAY_GO_ON)
    waiting = Q(case__state__in=("received", *codes.IN_FORCE)) | lately
    rows = MoratoriumDebt.objects.filter(waiting, standing__in=("named", "unknown"), origin="notice")
    debts = list(rows.select_related("case", "key").filter(case__is_erased=False).order_by("case_id", "number"))
    if not debts:
        return []
    streams = tuple({debt.case.uid for debt in debts})
    reader = Reader(actor="system:moratoria", verb="match", purpose="moratorium", streams=streams)
    opened = sealing.open_rows(debts, ["account_reference"], reader=reader, at=at)
    found = storing.find_each([values["account_reference"] or "" for values in opened])
    known = {debt.case_id for debt, each in zip(debts, found, strict=True) if each and each.pk in set(accounts)}
    return sorted(known)


def likeliest(case: Case, account: Account, *, at: datetime) -> Likely | None:
    """Return who of those who hold an account is likeliest the debtor, the account being named, with the score."""
    reader = Reader(actor="system:moratoria", verb="match", purpose="moratorium", streams=(case.uid,))
    found = likeness.likely(_values(case, reader=reader, at=at), accounts=[account.pk])
    return next((each for each in found if each.holder.account_id == account.pk), None)


def score(case: Case, debt: MoratoriumDebt, *, at: datetime) -> None:
    """Note how far whoever holds the account of one debt is the debtor, inside the current ledger action."""
    _note(debt, likeliest(case, debt.account, at=at) if debt.account is not None else None)
    debt.save()


def _is_sought(account: Account) -> bool:
    return account.balance_pence > 0 and not account.is_business


def _name_accounts(debts: Sequence[MoratoriumDebt], *, reader: Reader, at: datetime) -> None:
    """Give each debt the account of the number by which the notice names it, if it is one of ours, each once."""
    named = [debt for debt in debts if debt.origin != "search"]
    opened = sealing.open_rows(named, ["account_reference"], reader=reader, at=at) if named else []
    accounts = storing.find_each([values["account_reference"] or "" for values in opened])
    taken: set[int] = set()
    for debt, account in zip(named, accounts, strict=True):
        debt.account = account if account is not None and account.pk not in taken else None
        taken |= {account.pk} if account is not None else set()


def _note(debt: MoratoriumDebt, found: Likely | None) -> None:
    """Keep how far who holds the account is the debtor."""
    debt.holder = found.holder if found else None
    debt.score = found.score.points if found else 0
    debt.parts = {name: verdict for name, (verdict, _) in found.score.parts.items()} if found else {}
    held = debt.account.holders.filter(ended_date=None).count() if debt.account is not None else 0
    debt.is_joint = held > 1


def _values(case: Case, *, reader: Reader, at: datetime) -> dict[str, str | None]:
    """Open what the notice says of the debtor."""
    party = debtor_of(case)
    if party is None:
        return {}
    (values,) = sealing.open_rows([party], ["forename", "surname", "date_of_birth"], reader=reader, at=at)
    homes = CaseAddress.objects.filter(party=party, kind__in=HOME_KINDS, is_detached=False).order_by("pk")
    for home in homes[:1]:
        (place,) = sealing.open_rows([home], ["postcode"], reader=reader, at=at)
        values |= place
    return values


def meant(debts: Sequence[MoratoriumDebt]) -> list[MoratoriumDebt]:
    """Return the debts a notice is about: those it names; where it names no account, those found. Of these, the ones
    that are certain."""
    return [debt for debt in _pool(debts) if debt.account_id and debt.score >= CERTAIN]


def _pool(debts: Sequence[MoratoriumDebt]) -> list[MoratoriumDebt]:
    return [debt for debt in debts if debt.origin != "search"] or list(debts)


def is_certain(debts: Sequence[MoratoriumDebt]) -> bool:
    """Say whether no person has to look: an account is meant, and each account that may be is held by the debtor."""
    known = [debt for debt in _pool(debts) if debt.account_id]
    return bool(known) and all(debt.score >= CERTAIN for debt in known)


def is_sold(debts: Sequence[MoratoriumDebt]) -> bool:
    """Say whether every debt that a notice is about was sold, and none is ours that may be the debtor's: where one is,
    the moratorium is applied, so that it can be told of, and added. One query."""
    known = {debt.account_id for debt in meant(debts) if debt.account_id}
    others = {debt.account_id for debt in debts if debt.account_id and debt.score >= ASKED}
    return bool(known) and (known | others) <= set(title.buyers(known | others))
