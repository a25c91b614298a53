"""A court extends a moratorium: POCA 2002 s.336A to 336C, dates counted by hand.

The refusal reaches us on 14 November 2026, so the moratorium's 31 days end on 14 December 2026. One extension ends on
14 January 2027 at the latest (31 days beginning with 15 December), all of them together on 18 June 2027 (186 days).
"""

from datetime import date, datetime, timedelta

import pytest

from cases.kernel.calendars import LONDON
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import Clock, Task
from cases.kernel.restricted import quietholds
from cases.kernel.timing import extensions, sweeps
from cases.ledger.models import LedgerEvent
from tests import suspicions
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
RULE = "k25_moratorium"
SAID = {"ground": "court", "until": date(2027, 1, 14), "ordered_date": date(2026, 12, 10)}
ORDERED = datetime(2026, 12, 10, 15, 0, tzinfo=LONDON)


@pytest.fixture
def case(people):
    return suspicions.moratorium(people)


def extend(
    case, people, *, by="h.castellan", rule=RULE, at=ORDERED, reason="Leeds Crown Court, T2026-0417.", **changes
):
    return extensions.extend(case.pk, rule, actor=people[by], at=at, reason=reason, **(SAID | changes))


def end(case):
    return Clock.objects.get(case=case, rule=RULE).due_date


def test_extended_moratorium_ends_on_the_new_day_and_the_hold_stays_until_then(people, case):
    assert end(case) == date(2026, 12, 14)
    sweeps.warn_of_ends(now=datetime(2026, 12, 12, 12, 0, tzinfo=LONDON))
    extend(case, people)

    assert end(case) == date(2027, 1, 14)
    assert not Task.objects.filter(case=case, kind="clock_soon", closed_at=None).exists()
    assert quietholds.blocked(account="NM-7001") == {"pay_out"}
    sweeps.end_due_clocks(now=datetime(2027, 1, 14, 23, 0, tzinfo=LONDON))
    case.refresh_from_db()
    assert case.state == "moratorium"
    sweeps.end_due_clocks(now=datetime(2027, 1, 15, 0, 1, tzinfo=LONDON))
    case.refresh_from_db()
    assert case.state == "consented" and quietholds.blocked(account="NM-7001") == frozenset()


def test_extension_is_one_event_with_both_days_and_the_court_sealed(people, case):
    extend(case, people)

    event = LedgerEvent.objects.get(stream=case.uid, action="clock.extended")
    assert event.content()["detail"] == {
        "rule": RULE,
        "ground": "court",
        "ordered_date": "2026-12-10",
        "from_date": "2026-12-14",
        "to_date": "2027-01-14",
    }
    assert "Leeds" not in event.body


def test_extensions_follow_each_other_up_to_186_days_in_all(people, case):
    days = [date(2027, 1, 14), date(2027, 2, 14), date(2027, 3, 17), date(2027, 4, 17), date(2027, 5, 18)]
    for day in (*days, date(2027, 6, 18)):
        extend(case, people, until=day, ground="court")

    with nothing_written(), pytest.raises(extensions.ExtensionRefused, match="The latest day is 18 June 2027"):
        extend(case, people, until=date(2027, 6, 19))


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"until": date(2027, 1, 15)}, "until", "The latest day is 14 January 2027"),
        ({"until": date(2026, 12, 14)}, "until", "The moratorium ends 14 December 2026 already"),
        ({"ordered_date": date(2026, 11, 13)}, "until", "It cannot be older than the refusal"),
        ({"ordered_date": date(2026, 12, 11)}, "ordered_date", "That day is still to come."),
        ({"ground": "letter"}, "ground", "Choose what gives the later end."),
        ({"reason": " "}, "reason", "Say who gave it"),
    ],
)
def test_refused_extension_writes_nothing_and_names_its_field(people, case, changes, field, sentence):
    with nothing_written(), pytest.raises(extensions.ExtensionRefused) as refused:
        extend(case, people, **changes)

    assert sentence in refused.value.errors[field]


def test_only_the_officers_extend_and_only_what_runs(people, case):
    with nothing_written(), pytest.raises(NotAllowed):
        extend(case, people, by="p.nair")
    with nothing_written(), pytest.raises(NotVisible):
        extend(case, people, rule="k25_notice_period")
    other = suspicions.submitted(people)
    with nothing_written(), pytest.raises(extensions.ExtensionRefused, match="not running"):
        extend(other, people)


def test_page_extends_and_keeps_what_was_typed_when_refused(people, case, monkeypatch):
    monkeypatch.setattr("cases.web.asking.now", lambda: ORDERED)
    client = client_of("h.castellan")
    path = f"/cases/{case.uid}/periods/{RULE}/"
    typed = {"ground": "pending", "ordered_date": "2026-12-09", "until": "2027-01-20", "reason": "Leeds, T2026-0417"}

    assert path in client.get(f"/cases/{case.uid}/").content.decode()
    refused = client.post(path, typed)
    done = client.post(path, typed | {"until": "2027-01-14"})

    assert refused.status_code == 422 and "Leeds, T2026-0417" in refused.content.decode()
    assert done.status_code == 302 and end(case) == date(2027, 1, 14)
    assert client_of("a.byrne").get(path).status_code == 404


def test_report_is_kept_five_years_from_its_closing_not_from_its_submission(people):
    case = suspicions.closed(people)

    assert case.suspicion_report.submitted_date == AT.date()
    assert case.closed_date >= case.suspicion_report.submitted_date
    later = AT + timedelta(days=400)
    report = suspicions.consented(people)
    suspicions._after(report, "close", people["h.castellan"], at=later)
    report.refresh_from_db()
    assert (report.closed_date, report.dispose_after_date) == (date(2027, 12, 19), date(2032, 12, 19))
