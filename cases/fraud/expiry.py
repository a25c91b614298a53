"""When each person's marker ends: by what kind of filing it is and whether the person is innocent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from django.db.models import Q, QuerySet

from cases.fraud import insiders, periods
from cases.kernel import calendars, clocks, retention
from cases.kernel.models import Case, CaseParty, Clock
from cases.kernel.prepared import Prepared
from cases.kernel.retention import RetentionClass
from cases.ledger import api as ledger

__all__ = ["of_the_filing", "rule_of", "standing", "start_or_restart"]

_KEPT = {"k24_adverse": "fraud_adverse", "k24_victim": "fraud_victim", "k24_protective": "fraud_protective"}


def rule_of(case: Case, party: CaseParty) -> str:
    """Return the clock of one person's marker. An innocent person never gets the adverse one."""
    if not party.is_innocent:
        return "k24_adverse"
    is_protective = case.fraud_referral.fpa_case_type == "protective_registration"
    return "k24_protective" if is_protective else "k24_victim"


def of_the_filing(case: Case, *, at: datetime) -> QuerySet[CaseParty]:
    """Return the people a filing is about at a moment, by number: not who was taken out, nor a member of our staff, nor
    whose marker has ended, whether or not the end was noted yet. A marker that ended stays ended (K24)."""
    has_ended = Q(state="met") | Q(ended_at=None, due_at__lt=at)
    over = Clock.objects.filter(has_ended, case=case, rule__in=periods.EXPIRIES).exclude(party=None)
    return insiders.others(case).exclude(pk__in=over.values("party_id"))


def standing(case: Case, *, at: datetime) -> list[CaseParty]:
    """Return what `of_the_filing` does, read. One query."""
    return _STANDING.objects(case=case.pk, at=at)


_STANDING = Prepared(of_the_filing, case=-(10**15) - 1, at=datetime(1900, 1, 1, tzinfo=UTC))
_CLOCKS = Prepared(
    lambda case: Clock.objects.filter(case=case, rule__in=periods.EXPIRIES).order_by("pk"), case=-(10**15) - 1
)


def start_or_restart(case: Case, *, filed_at: datetime, at: datetime) -> list[CaseParty]:
    """Give each person of a locked case the clock that is theirs, inside the current ledger action.

    Who has the right one keeps it, and whoever's marker has ended gets no other. Whose part was found to be another,
    and who was taken out, loses the old one; the new one counts from the filing. A person first named by an amendment
    counts from `at`. Returns of whom a marker stands then, as `standing` would read it.
    """
    known = _CLOCKS.objects(case=case.pk)
    was_known = {clock.party_id for clock in known}
    running = {clock.party_id: clock for clock in known if clock.ended_at is None and clock.party_id is not None}
    parties, over = insiders.people(case), _over(known, at=at)
    versions = retention.versions(*_KEPT.values())
    due: list[tuple[CaseParty, str, datetime]] = []
    for party in parties:
        rule, clock = rule_of(case, party), running.pop(party.pk, None)
        if party.pk in over or (clock is not None and clock.rule == rule):
            continue
        if clock is not None:
            _cancel(clock, at=at)
        due.append((party, rule, filed_at if party.pk in was_known or not was_known else at))
    started = _start(case, due, versions)
    for clock in running.values():
        _cancel(clock, at=at)
    kept = {code: rules[-1].months for code, rules in versions.items()}
    longest = max(
        (_KEPT[rule_of(case, party)] for party in parties), key=lambda code: kept[code], default="fraud_victim"
    )
    case.retention_class = longest
    over = _over([*known, *started], at=at)
    return [party for party in parties if party.pk not in over]


def _over(known: Iterable[Clock], *, at: datetime) -> set[int | None]:
    """Return the people whose marker has ended, as `of_the_filing` asks it."""
    return {each.party_id for each in known if each.state == "met" or (each.ended_at is None and each.due_at < at)}


def _cancel(clock: Clock, *, at: datetime) -> None:
    clock.state, clock.ended_at = "cancelled", at
    clock.save(update_fields=["state", "ended_at"])


def _start(
    case: Case, due: Sequence[tuple[CaseParty, str, datetime]], kept: Mapping[str, Sequence[RetentionClass]]
) -> list[Clock]:
    for party, rule, began in due:
        party.retention_class = _KEPT[rule]
        party.dispose_after_date = retention.last_day(
            kept[party.retention_class], trigger_date=calendars.london_date(began)
        )
    started = clocks.start_each(case, due)
    ledger.bulk_update(CaseParty, [party for party, _, _ in due], ["retention_class", "dispose_after_date"])
    return started
