"""When each person's marker ends: by what kind of filing it is and whether the person is innocent."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from cases.fraud import insiders, periods
from cases.kernel import calendars, clocks, retention
from cases.kernel.models import Case, CaseParty, Clock

__all__ = ["of_the_filing", "rule_of", "start_or_restart"]

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


def start_or_restart(case: Case, *, filed_at: datetime, at: datetime) -> None:
    """Give each person of a locked case the clock that is theirs, inside the current ledger action.

    Who has the right one keeps it, and whoever's marker has ended gets no other. Whose part was found to be another,
    and who was taken out, loses the old one; the new one counts from the filing. A person first named by an amendment
    counts from `at`.
    """
    running = {
        clock.party_id: clock
        for clock in Clock.objects.filter(case=case, rule__in=periods.EXPIRIES, ended_at=None).exclude(party=None)
    }
    parties = list(insiders.others(case))
    standing = set(of_the_filing(case, at=at).values_list("pk", flat=True))
    was_known = set(Clock.objects.filter(case=case, rule__in=periods.EXPIRIES).values_list("party_id", flat=True))
    for party in parties:
        rule, clock = rule_of(case, party), running.pop(party.pk, None)
        if party.pk not in standing or (clock is not None and clock.rule == rule):
            continue
        if clock is not None:
            _cancel(clock, at=at)
        _start(case, party, rule, at=filed_at if party.pk in was_known or not was_known else at)
    for clock in running.values():
        _cancel(clock, at=at)
    kept = {code: rules[-1].months for code, rules in retention.versions(*_KEPT.values()).items()}
    longest = max(
        (_KEPT[rule_of(case, party)] for party in parties), key=lambda code: kept[code], default="fraud_victim"
    )
    case.retention_class = longest


def _cancel(clock: Clock, *, at: datetime) -> None:
    clock.state, clock.ended_at = "cancelled", at
    clock.save(update_fields=["state", "ended_at"])


def _start(case: Case, party: CaseParty, rule: str, *, at: datetime) -> None:
    clocks.start(case, rule, started_at=at, party=party)
    party.retention_class = _KEPT[rule]
    party.dispose_after_date = retention.dispose_after(party.retention_class, trigger_date=calendars.london_date(at))
    party.save(update_fields=["retention_class", "dispose_after_date"])
