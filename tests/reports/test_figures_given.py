"""Figures that are given to others: what leaves is read before two people agree, and no name is typed."""

import csv
import hashlib
import io
import json
from dataclasses import replace

import pytest

from cases.kernel.errors import NotAllowed
from cases.kernel.models import Case, FiguresRelease, Task
from cases.kernel.office import kinds, proposals
from cases.ledger.models import AccessEvent, LedgerEvent
from cases.reports import press
from cases.reports.figures import files, releasing, tables
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.reports.test_figures import FOURTH, LATER, OFFICER, history, made, opened
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
STATISTICS = "The office of national statistics"
TELL_OF_SOMEBODY = (
    *("zqforename", "zqsurname", "zqtown", "zq row", "zq-4471", "zq@example", "447700900123", "1984-11-15", "tr18 0zz"),
    *("det-", "frd-", "caller passed"),
)


def proposed(people, *, by="d.osei", recipient="statistics_office", use="yearly_report"):
    said = {"quarter": FOURTH.code, "recipient": recipient, "use": use}
    return proposals.propose("figures_release", said, actor=people[by], at=LATER, reason="They asked for it.")


def agreed(people, row, *, by=OFFICER):
    return proposals.decide(row.uid, "agreed", actor=people[by], at=LATER, reason="Nobody is in it.")


def test_figures_go_to_others_when_a_second_person_agrees_and_a_task_has_made_the_files():
    people = factories.office()
    history(people)
    figures = made(people)
    row = proposed(people)
    assert not FiguresRelease.objects.exists()
    agreed(people, row)
    release = FiguresRelease.objects.get()
    assert (release.profile, release.recipient, release.state) == (*("EXTERNAL_ANON", "statistics_office", "queued"),)
    assert (release.maker_id, release.approver_id) == (people["d.osei"].user_id, people[OFFICER].user_id)
    event = LedgerEvent.objects.get(stream=figures.uid, action="figures.released")
    assert event.content()["detail"]["recipient"] == "statistics_office"

    assert files.make_due(now=LATER) == 1

    release.refresh_from_db()
    assert release.state == "done"
    client = client_of(OFFICER)
    sent = client.get(f"/figures/releases/{release.uid}/table/").content.decode()
    lines = list(csv.reader(io.StringIO(sent)))
    assert lines[:2] == [
        ["kind", "table", "counted", "count"],
        ["All kinds", "Cases opened, by kind", "Fraud referral", "24"],
    ]
    assert ["Fraud referral", "How it was ordered", "Telephone", "14"] in lines
    # How the office itself works is for nobody else.
    assert {line[1] for line in lines[1:]} & {
        "Where open cases stand",
        "Cases by the periods in them that ended",
    } == set()
    words = reading.text_of(client.get(f"/figures/releases/{release.uid}/paper/").content)
    for text in (STATISTICS, "A yearly report", "October to December 2026", "How it was ordered", "In all"):
        assert reading.squeezed(text) in reading.squeezed(words)
    assert AccessEvent.objects.filter(streams__contains=[figures.uid], verb="download").count() == 2
    page = client.get(f"/figures/{FOURTH.code}/").text
    assert STATISTICS in page
    for text in (json.dumps(figures.tables), sent, words, page):
        known = [*TELL_OF_SOMEBODY, *(str(uid) for uid in Case.objects.values_list("uid", flat=True))]
        assert [each for each in known if each in text.lower()] == []


def test_who_proposes_decides_nothing_and_nobody_else_does_either():
    people = factories.office()
    history(people)
    made(people)
    both = replace(people["d.osei"], roles=people["d.osei"].roles | {"data_protection_officer"})
    row = proposed(people | {"d.osei": both})
    with nothing_written(), pytest.raises(NotAllowed, match="another person decides"):
        proposals.decide(row.uid, "agreed", actor=both, at=LATER, reason="Fine.")
    with nothing_written(), pytest.raises(NotAllowed):
        agreed(people, row, by="c.adebayo")
    with nothing_written(), pytest.raises(NotAllowed):
        proposed(people, by="p.nair", recipient="public")


def test_what_is_not_made_or_too_few_is_given_to_nobody():
    people = factories.office()
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="There are no figures"):
        proposed(people)
    opened(people, 3)
    made(people)
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="too few"):
        proposed(people)


def test_whoever_decides_reads_every_count_that_would_leave_as_it_leaves():
    people = factories.office()
    history(people)
    figures = made(people)
    row = proposed(people)

    page = client_of(OFFICER).get(f"/office/changes/{row.uid}/")

    lines = {line.label: line.new for line in page.context["lines"]}
    table = files.table(figures, tables.EXTERNAL_ANON)
    assert lines["SHA-256 of the table"] == hashlib.sha256(table).hexdigest()
    assert (lines["To"], lines["To be used for"]) == (STATISTICS, "A yearly report")
    assert lines["All kinds: Cases opened, by kind"] == "Fraud referral: 24"
    assert lines["Fraud referral: How it was ordered"] == "Web: 10\nTelephone: 14"
    read = [
        [*label.split(": ", 1), *count.rsplit(": ", 1)]
        for label, counts in lines.items()
        if ": " in label
        for count in counts.splitlines()
    ]
    assert read == list(csv.reader(io.StringIO(table.decode())))[1:]
    assert "Telephone: 14" in page.text and "Where open cases stand" not in page.text
    agreed(people, row)
    files.make_due(now=LATER)
    release = FiguresRelease.objects.get()
    sent = client_of(OFFICER).get(f"/figures/releases/{release.uid}/table/").content
    assert (sent, release.sha256) == (table, lines["SHA-256 of the table"])


def test_figures_go_to_an_organisation_of_a_list_and_no_name_that_somebody_typed_is_kept():
    people = factories.office()
    history(people)
    made(people)
    for given, fault in (
        ({"recipient": "Zqforename Zqsurname"}, "Choose an organisation of the list."),
        ({"use": "For Zqforename Zqsurname."}, "Choose what they are for."),
    ):
        with nothing_written(), pytest.raises(proposals.ProposalRefused, match=fault):
            proposed(people, **given)
        typed = {"quarter": FOURTH.code, "recipient": "public", "use": "press", "reason": "They asked.", **given}
        assert set(releasing.ReleaseForm(typed, actor=people["d.osei"]).errors) == set(given)
    row = proposed(people)
    assert (row.subject, row.payload) == (
        "figures/2026-q4/statistics_office",
        {"quarter": "2026-q4", "recipient": "statistics_office", "use": "yearly_report"},
    )


def test_a_release_to_whom_somebody_typed_is_read_as_before_and_one_that_waits_is_not_agreed_to(monkeypatch):
    people = factories.office()
    history(people)
    made(people)
    typed = {"recipient": "Drama Office of Statistics", "use": "A yearly report on fraud."}
    with monkeypatch.context() as of_old:
        unchecked = replace(kinds.get("figures_release"), check=lambda *_args, **_more: {})
        of_old.setitem(kinds._kinds, "figures_release", unchecked)
        agreed(people, proposed(people, **typed))
        waiting = proposed(people, **typed)
    assert files.make_due(now=LATER) == 1
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="Choose an organisation of the list"):
        agreed(people, waiting)
    client, release = client_of(OFFICER), FiguresRelease.objects.get()
    words = reading.text_of(client.get(f"/figures/releases/{release.uid}/paper/").content)
    for text in (words, client.get(f"/figures/{FOURTH.code}/").text):
        for each in typed.values():
            assert reading.squeezed(each) in reading.squeezed(text)
    change = client.get(f"/office/changes/{waiting.uid}/")
    assert {line.label: line.new for line in change.context["lines"]}["To"] == typed["recipient"]
    proposals.decide(waiting.uid, "refused", actor=people[OFFICER], at=LATER, reason="To nobody of the list.")


@pytest.mark.parametrize("fault", [press.PressFailed("The pages could not be set."), ValueError("a fault of ours")])
def test_files_that_cannot_be_made_are_a_task_and_not_handed_out(monkeypatch, fault):
    people = factories.office()
    history(people)
    made(people)
    agreed(people, proposed(people))

    def broken(_paper, **_more):
        raise fault

    monkeypatch.setattr(press, "press", broken)
    assert files.make_due(now=LATER) == 0
    release = FiguresRelease.objects.get()
    assert release.state == "failed"
    assert Task.objects.get(kind="figures_failed").detail == {"release": str(release.uid)}
    assert client_of(OFFICER).get(f"/figures/releases/{release.uid}/table/").status_code == 404
    assert files.make_due(now=LATER) == 0


def test_only_whoever_may_give_them_away_opens_the_files():
    people = factories.office()
    history(people)
    made(people)
    agreed(people, proposed(people))
    files.make_due(now=LATER)
    release = FiguresRelease.objects.get()
    answers = {
        name: client_of(name).get(f"/figures/releases/{release.uid}/table/").status_code
        for name in ("d.osei", "j.merriweather", "l.forsgren", "p.nair")
    }
    assert answers == {"d.osei": 200, "j.merriweather": 200, "l.forsgren": 403, "p.nair": 403}
    page = client_of("l.forsgren").get(f"/figures/{FOURTH.code}/").text
    assert STATISTICS in page
    assert "/figures/releases/" not in page
