"""Counts of disclosure requests for the public: nobody is named, and no small count is shown or can be worked out.

How small counts are pooled is proved in tests/kernel/test_small_cells.py: the same code does it here.
"""

import io
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from cases.disclosure import statistics
from cases.disclosure.models import DisclosureRequest, DisclosureStatistics
from cases.disclosure.statistics import Cell
from cases.kernel.reading import smallcells
from cases.kernel.timing.quarters import Quarter
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from tests import disclosures, factories
from tests.kernel.snapshots import nothing_written

FOURTH = Quarter(2026, 4)
HEAD = ("Kind of authority", "Kind of request", "Outcome", "Requests")


def test_lines_are_in_words_and_what_is_small_stands_in_a_sum_with_something_large():
    cells = Counter({Cell("police", "cd_authorised", "given"): 40, Cell("council", "cd_authorised", "refused"): 3})
    assert list(statistics.table(cells, FOURTH)) == [HEAD, ("All others together", "", "", "43")]
    cells = Counter(
        {
            Cell("police", "cd_authorised", "given"): 40,
            Cell("council", "cd_authorised", "refused"): 9,
            Cell("council", "cd_authorised", "given"): 8,
        }
    )
    assert list(statistics.table(cells, FOURTH)) == [
        HEAD,
        ("Police force", "Authorised communications data", "Something was given", "40"),
        ("All others together", "", "", "17"),
    ]


@pytest.mark.django_db
def test_requests_of_the_quarter_are_counted_by_what_became_of_them_and_interception_never(monkeypatch):
    people = factories.office()
    for build in (disclosures.released, disclosures.refused, disclosures.cancelled, disclosures.received):
        build(people)
    disclosures.bare(people)
    assert statistics.count(FOURTH) == {
        Cell("police", "cd_authorised", "given"): 1,
        Cell("police", "cd_authorised", "refused"): 1,
        Cell("police", "cd_authorised", "cancelled"): 1,
        Cell("police", "cd_authorised", "open"): 1,
    }
    assert statistics.count(Quarter(2027, 1)) == {}
    module = "cases.management.commands.disclosure_statistics"
    monkeypatch.setattr(f"{module}.timezone.now", lambda: datetime(2027, 1, 1, tzinfo=UTC))
    out = io.StringIO()
    call_command("disclosure_statistics", "2026-q4", stdout=out)
    assert out.getvalue().splitlines() == [",".join(HEAD), "Too few to show any count,,,"]


@pytest.mark.django_db
def test_what_becomes_of_a_request_after_the_quarter_moves_no_count_of_it():
    """Else two printings of one quarter would differ by one request, of a named kind of authority."""
    people = factories.office()
    later = datetime(2027, 2, 3, 10, tzinfo=UTC)
    disclosures.released(people)
    case = disclosures.received(people)
    first = statistics.count(FOURTH)
    for state in ("refused", "void"):
        with ledger.action(case.uid, "tests.put", actor="system:tests", at=later):
            case.state = state
            case.save()
        assert statistics.count(FOURTH) == first
    facts = DisclosureRequest.objects.get(case=case)
    with ledger.action(case.uid, "tests.put", actor="system:tests", at=later):
        facts.released_at = later
        facts.save()
    assert statistics.count(FOURTH) == first
    assert first == {Cell("police", "cd_authorised", "given"): 1, Cell("police", "cd_authorised", "open"): 1}


def printed(monkeypatch, at=datetime(2027, 1, 1, tzinfo=UTC)):
    monkeypatch.setattr("cases.management.commands.disclosure_statistics.timezone.now", lambda: at)
    out = io.StringIO()
    call_command("disclosure_statistics", "2026-q4", stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_a_quarter_that_was_printed_is_printed_again_byte_for_byte_whatever_happened_since(monkeypatch):
    monkeypatch.setattr(smallcells, "SMALLEST", 1)
    people = factories.office()
    later = datetime(2027, 2, 3, 10, tzinfo=UTC)
    disclosures.released(people)
    first = printed(monkeypatch)
    line = "Police force,Authorised communications data,Something was given,1"
    assert first.splitlines() == [",".join(HEAD), line]
    row = DisclosureStatistics.objects.get()
    assert (row.quarter, row.made_at) == ("2026-q4", datetime(2027, 1, 1, tzinfo=UTC))
    event = LedgerEvent.objects.get(stream=row.uid)
    assert (event.action, event.actor) == ("disclosure.statistics_made", "system:statistics")

    # One that came in the quarter is entered late, and of the other it is put right who asked.
    known = DisclosureRequest.objects.get()
    disclosures.received(people)
    with ledger.action(known.case.uid, "tests.put", actor="system:tests", at=later):
        known.authority_kind = "council"
        known.save()

    assert len(list(statistics.table(statistics.count(FOURTH), FOURTH))) == 3
    with nothing_written():
        assert printed(monkeypatch, later) == first


@pytest.mark.django_db
def test_another_index_key_pools_nothing_else_of_a_quarter_that_was_printed(monkeypatch):
    cells = Counter(
        {Cell("police", "cd_authorised", "given"): 40, Cell("council", "cd_authorised", "given"): 30}
        | {Cell("police", "cd_authorised", "refused"): 3}
    )
    monkeypatch.setattr(statistics, "count", lambda _quarter: cells)
    orders = {number: lambda cell, number=number: cell[::number] for number in (1, -1)}
    monkeypatch.setattr(smallcells, "by_secret", lambda _place: orders[1])
    first = printed(monkeypatch)
    monkeypatch.setattr(smallcells, "by_secret", lambda _place: orders[-1])
    monkeypatch.setitem(statistics.OUTCOMES, "given", "Given")
    fresh = [",".join(line) for line in statistics.table(cells, FOURTH)]
    assert ("All others together,,,33" in first, "All others together,,,43" in fresh) == (True, True)
    with nothing_written():
        assert printed(monkeypatch, datetime(2027, 2, 3, 10, tzinfo=UTC)) == first


@pytest.mark.django_db
def test_a_part_of_a_quarter_is_refused_since_the_whole_would_tell_the_rest(monkeypatch):
    module = "cases.management.commands.disclosure_statistics"
    monkeypatch.setattr(f"{module}.timezone.now", lambda: datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    with nothing_written(), pytest.raises(CommandError, match="not over"):
        call_command("disclosure_statistics", "2026-q4")
    for text in ("2026-11-30", "2026-q5"):
        with pytest.raises(CommandError, match="such as"):
            call_command("disclosure_statistics", text)
