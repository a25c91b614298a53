"""Cases whose time is over, and how two people erase them."""

from datetime import date, timedelta

from cases.kernel import transitions
from cases.kernel.background import jobrun
from cases.kernel.disposal import disposals, overdue
from cases.kernel.models import (
    Case,
    Disposal,
)
from cases.ledger import sealing
from tests import factories
from tests.factories import AT

KIND, HIDDEN = "fraud_referral", "suspicion_report"
LEAD, OFFICER, ANALYST = "d.osei", "j.merriweather", "p.nair"
KEPT_UNTIL = date(2027, 11, 14)
ON_THE_DAY = AT + timedelta(days=365)
OVER = AT + timedelta(days=366)
READER = sealing.Reader(actor="staff:1", verb="view", purpose="casework")


def closed(people, at=AT):
    """A referral that was closed without filing: kept 12 months."""
    case = factories.investigating(people)
    return transitions.apply(case.pk, "close_no_action", actor=people["a.byrne"], at=at, reason="A mistake.")


def proposed(people, by=LEAD, at=OVER, kind=KIND, last=KEPT_UNTIL, **inputs):
    return disposals.propose(kind, last_date=last, actor=people[by], at=at, **inputs)


def agreed(row, people, by=OFFICER, at=OVER, **inputs):
    return disposals.decide(row.uid, is_agreed=True, actor=people[by], at=at, **inputs)


def work(at=OVER):
    jobrun.work(clock=lambda: at, seconds=60)


def fresh(case):
    return Case.objects.select_related("key").get(pk=case.pk)


def erased(case):
    return fresh(case).key.destroyed_at is not None


def left(row):
    job = Disposal.objects.select_related("job").get(pk=row.pk).job
    return job.done, [(code, count) for _, code, count in disposals.jobs.left_out(job)]


def listed(kind=KIND, at=OVER):
    """What the page names, as references."""
    return [case.reference for case in overdue.due(kind, today=at.date(), last_date=at.date(), most=50)]
