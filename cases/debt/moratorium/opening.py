"""How a notice becomes a case: its facts, the debts it names, and the clocks that run from its receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from cases.debt.moratorium import codes, periods
from cases.debt.moratorium.models import Moratorium, MoratoriumDebt
from cases.kernel import calendars, clocks, formats
from cases.kernel.finding import terms
from cases.kernel.intake import FieldErrors, IntakeRefused
from cases.kernel.models import Agency, Case
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = [
    "SOONEST",
    "add_debt",
    "changed",
    "check_people",
    "jurisdiction",
    "midnight",
    "named_by",
    "names_nobody",
    "open_facts",
]

TOKEN = "moratorium_reference"
# How many days ahead a day may lie that is typed or told; how many a breathing space lasts, with its first day (K13).
SOONEST, LASTS = 31, 60
# Two notices of one reference that come at once wait for each other.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('cases.moratoria'))"


def names_nobody(_facts: Mapping[str, Any]) -> bool:
    """A moratorium is a debtor's: without a person there is none."""
    return False


def check_people(people: Sequence[Mapping[str, Any]]) -> None:
    """Raise IntakeRefused unless there is one debtor, and one adviser at most."""
    roles = Counter(person["role"] for person in people)
    if roles["debtor"] != 1 or roles["adviser"] > 1:
        raise IntakeRefused("A notice is of one debtor. Name one, and one adviser at most.")


def jurisdiction(regime: str) -> str:
    """Return the part of the United Kingdom whose law a regime is of."""
    return "sct" if regime == codes.SCOTTISH else "eaw"


def midnight(day: date) -> datetime:
    """Return the beginning of a day in London."""
    return datetime.combine(day, time(), tzinfo=calendars.LONDON)


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and the debts it names, and start its clocks, inside the current ledger action.

    Raises FieldErrors for a reference of the register that is here already, formats.CardNumber.
    """
    formats.refuse_card_numbers([facts.get("register_reference")])
    at, regime, place = case.opened_at, facts["regime"], jurisdiction(facts["regime"])
    sender = Agency.objects.get(code=facts["agency_code"]) if facts.get("agency_code") else None
    _refuse_known(case, facts["register_reference"], notifier=sender.pk if sender else None)
    if sender is None:
        _refuse_day(regime, facts["start_date"], today=calendars.london_date(at))
    row = Moratorium(
        case=case,
        key=case.key,
        regime=regime,
        agency=sender,
        register_token=sealing.keyed_hash(TOKEN, terms.account(facts["register_reference"])),
        start_date=facts["start_date"],
        is_address_withheld=bool(facts.get("is_address_withheld")),
    )
    sealing.seal(
        row, {"register_reference": facts["register_reference"], "notice": facts.get("notice") or None}, key=case.key
    )
    row.save(force_insert=True)
    for number, debt in enumerate(facts["debts"], start=1):
        add_debt(case, number, origin="notice", standing="named", **debt)
    clocks.start(case, periods.MATCH, started_at=max(at, midnight(row.start_date)), jurisdiction=place)
    for rule in (periods.TELL, periods.ANSWER):
        clocks.start(case, rule, started_at=at, jurisdiction=place)
    clocks.refresh_due(case)
    case.save(update_fields=["due_at"])


def changed(case: Case, *, at: datetime) -> None:
    """What was typed wrong is put right, inside the current ledger action: the debtor is looked for anew. Raises
    FieldErrors where the day or the reference that is typed now would be refused of a new case."""
    row = Moratorium.objects.get(pk=case.pk)
    before = Moratorium.history.filter(case_id=row.pk).exclude(event_id=ledger.current().uid).order_by("-history_id")
    if before.values_list("regime", "start_date").first() != (row.regime, row.start_date):
        _refuse_day(row.regime, row.start_date, today=calendars.london_date(at))
    reader = Reader(actor="system:moratoria", verb="match", purpose="moratorium", streams=(case.uid,))
    (values,) = sealing.open_rows([row], ["register_reference"], reader=reader, at=at)
    reference = values["register_reference"] or ""
    if bytes(row.register_token) not in sealing.kept_hashes(TOKEN, terms.account(reference)):
        _refuse_known(case, reference, notifier=row.agency_id)
    row.register_token = sealing.keyed_hash(TOKEN, terms.account(reference))
    row.save(update_fields=["register_token"])
    if case.state == "received" and not case.clocks.filter(rule=periods.MATCH, ended_at=None).exists():
        begins = max(at, midnight(row.start_date))
        clocks.start(case, periods.MATCH, started_at=begins, jurisdiction=jurisdiction(row.regime))


def add_debt(
    case: Case,
    number: int,
    *,
    origin: str,
    standing: str,
    account_reference: str = "",
    amount_pence: int | None = None,
    **values: Any,
) -> MoratoriumDebt:
    """Write one debt of a moratorium, inside the current ledger action."""
    debt = MoratoriumDebt(
        case=case, key=case.key, number=number, origin=origin, standing=standing, claimed_pence=amount_pence, **values
    )
    sealing.seal(debt, {"account_reference": account_reference or None}, key=case.key)
    debt.save(force_insert=True)
    return debt


def _refuse_known(case: Case, reference: str, *, notifier: int | None) -> None:
    """Refuse a reference that is here: of the same register, or of one that a person typed of no register. Two
    registers may count alike: a notice of the other one is another debtor's."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
    others = _of_reference(reference).exclude(pk=case.pk).exclude(case__state__in=["void", "merged"])
    if notifier is not None:
        others = others.filter(Q(agency=None) | Q(agency=notifier))
    known = others.select_related("case").first()
    if known is not None:
        sentence = f"This notice is here already, as {known.case.reference}."
        raise FieldErrors([("/register_reference", "known", sentence)])


def _refuse_day(regime: str, start: date, *, today: date) -> None:
    """Refuse a first protected day that somebody typed and no notice can mean: a wrong year would leave the debtor
    unprotected. What the register sends is taken as it comes."""
    if start > today + timedelta(days=SOONEST):
        sentence = f"No notice says so long before. The first protected day is at most {SOONEST} days ahead."
        raise FieldErrors([("/start_date", "too_late", sentence)])
    if regime == "breathing_space" and start + timedelta(days=LASTS) <= today:
        raise FieldErrors([("/start_date", "is_over", "A breathing space from that day is over. Compare the year.")])


def _of_reference(reference: str) -> Any:
    return Moratorium.objects.filter(register_token__in=sealing.kept_hashes(TOKEN, terms.account(reference)))


def named_by(agency_id: int, reference: str, **_said: object) -> Iterable[int]:
    """Return the cases that an agency means by a reference of its register: those of which it notified us, or a
    person who had the notice from it. One query."""
    rows = _of_reference(reference).exclude(case__state__in=["void", "merged"])
    found = rows.values_list("pk", "agency_id")
    return [case_id for case_id, notifier in found if notifier in (None, agency_id)]


def days_before(start: date, days: int) -> datetime:
    """Return the beginning of the day so many days before a first protected day."""
    return midnight(start - timedelta(days=days))
