"""What an agency says it collected beside what was booked: per line and in total, with a task that a manager ends."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from cases.agencies import application, fetching, filesin, matching, openpgp
from cases.agencies.transports.sftp import Found
from cases.debt import batches, figures, looking, remitting
from cases.debt.models import DebtFigure, Placement, Remittance, RemittanceLine
from cases.kernel import actors, calendars, verdicts
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.exchange import agencies, batchformat
from cases.kernel.exchange.batchformat import Header
from cases.kernel.models import Approval, BatchFile, Callback, Case, Channel, Task
from cases.kernel.personal import taskdesk
from cases.ledger import api as ledger
from cases.ledger import verify
from tests import placements
from tests.accounts import portfolio
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db


class Sender:
    """The agency as it signs files for us; what it sends is taken at once."""

    def __init__(self):
        placements.enter()
        self.channel = Channel.objects.select_related("agency", "health").get(agency__code=placements.CODE)
        self.secret, public = openpgp.make_pair("Drama Recoveries")
        ours, self.ours = openpgp.make_pair("Backoffice")
        actor = actors.system("tests")
        agencies.add_key(
            self.channel, ours, name="openpgp-1", kind="openpgp", public=self.ours.armored, actor=actor, at=AT
        )
        agencies.add_partner_key(
            self.channel.agency,
            public.armored,
            kind="openpgp",
            fingerprint=public.fingerprint,
            expires_at=None,
            actor=actor,
            at=AT,
        )

    def pays(self, rows, number=1, *, written_at=None):
        """Send one file of remittances; return its row once it was taken or refused, and its lines applied."""
        now = timezone.now()
        text = io.StringIO()
        writer = csv.DictWriter(text, ["reference", *placements.remittance(0), "is_settlement"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        us, at = "backoffice", written_at or now
        header = Header(kind="pay", sequence_no=number, sender=placements.CODE, recipient=us, created_at=at)
        plain = batchformat.write(header, text.getvalue().encode())
        carried = openpgp.seal_signed(plain, recipient=self.ours.armored, signer=self.secret, at=now)
        name = batchformat.name_of(header)
        fetching._store(self.channel, Found(name=name, size=len(carried), changed_at=number), carried, now=now)
        filesin.take_stored(now=now)
        application.apply_pending(now=now)
        return BatchFile.objects.filter(direction="in", name=name).latest("pk")


def two_active(people):
    batch = placements.built(people, portfolio.row(0), portfolio.row(1))
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    batches.sent(file, "delivered", AT)
    return [placements.said(line.case, "placement.answered") for line in batches.lines_of(batch)]


def row(case, pence, **told):
    return {"reference": case.reference, **placements.remittance(pence), "is_settlement": "", **told}


def open_task():
    return Task.objects.get(kind="remittance_differs", closed_at=None)


def test_a_file_that_agrees_is_booked_line_by_line(people):
    first, second = two_active(people)
    file = Sender().pays([row(first, 1234), row(second, 5001)])
    assert file.state == "taken"
    (found,) = remitting.listed()
    # 18 % of £12.34 is £2.22 and VAT on it £0.44; 18 % of £50.01 is £9.00 and VAT £1.80.
    assert (found.total_amount_pence, found.total_booked_pence, found.apart_pence) == (6235, 6235, 0)
    assert (found.total_commission_pence, found.total_vat_pence, found.total_net_pence) == (1122, 224, 4889)
    assert (found.line_count, found.wrong_count, found.net_apart_pence) == (2, 0, 0)
    assert [(line.case_id, line.booked_pence) for line in found.lines.order_by("number")] == [
        (first.pk, 1234),
        (second.pk, 5001),
    ]
    assert not Task.objects.filter(kind="remittance_differs").exists()
    assert Case.objects.get(pk=second.pk).state == "paid"
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []


def test_a_file_that_differs_is_refused_whole_and_says_by_how_much(people):
    first, second = two_active(people)
    sender = Sender()
    # It kept a penny more of the first than was agreed, and knows an account that it does not have.
    wrong = row(first, 1234, commission_pence=223, net_pence=967)
    file = sender.pays([wrong, row(second, 2000), {**row(second, 700), "reference": "PLC-2026-999999"}])
    assert (file.state, file.reason) == ("refused", "account_unknown")
    assert not Callback.objects.filter(type="placement.remitted").exists()
    (found,) = remitting.listed()
    assert (found.total_amount_pence, found.total_booked_pence, found.apart_pence) == (3934, 0, 3934)
    assert (found.total_commission_pence, found.total_due_commission_pence) == (223 + 360 + 126, 222 + 360)
    lines = found.lines.order_by("number")
    assert [(line.number, line.case_id, line.why, line.short_pence) for line in lines] == [
        (1, first.pk, "commission_differs", 1),
        (2, second.pk, "", 0),
        (3, None, "account_unknown", 0),
    ]
    detail = open_task().detail
    assert remitting.in_words(detail) == (
        "£39.34 said, £0.00 booked, £39.34 apart, £0.01 short of what was agreed (line 1 £12.34, line 3 £7.00)"
    )
    # Of the account that is none of ours nothing was agreed: what is kept of it is in no difference.
    assert (found.foreign_pence, found.commission_apart_pence, found.vat_apart_pence) == (700, 1, 0)
    assert (found.due_net_pence, found.net_apart_pence) == (968 + 1568, -1)
    page = client_of("c.adebayo").get(f"/debt/remittances/{found.uid}/").text
    assert "£7.00 is said of accounts that are none of ours" in page
    assert sum(Placement.objects.values_list("collected_pence", flat=True)) == 0

    assert sender.pays([row(first, 1234), row(second, 2000)], number=1).state == "taken"
    refused = Remittance.objects.get(is_refused=True)
    assert (refused.outcome, refused.closed_by) == ("put_right", None)
    assert not Task.objects.filter(kind="remittance_differs", closed_at=None).exists()
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []


def test_a_line_that_cannot_be_booked_is_kept_apart_and_the_others_are_booked(people):
    first, second = two_active(people)
    placements.said(second, "placement.returned")
    file = Sender().pays([row(first, 9000), row(second, 2000), row(first, 1000)])
    assert file.state == "taken"
    (found,) = remitting.listed()
    assert (found.total_amount_pence, found.total_booked_pence, found.apart_pence) == (12000, 1000, 11000)
    assert list(found.lines.order_by("number").values_list("why", "booked_pence")) == [
        ("more_than_owed", 0),
        ("not_with_agency", 0),
        ("", 1000),
    ]
    assert not Callback.objects.exclude(state="applied").exists()
    task = open_task()
    assert remitting.in_words(task.detail) == (
        "£110.00 said, £0.00 booked, £110.00 apart (line 1 £90.00, line 2 £20.00)"
    )
    assert Placement.objects.get(pk=first.pk).collected_pence == 1000

    manager, analyst = people[placements.MANAGER], people[placements.ANALYST]
    with nothing_written(), pytest.raises(NotAllowed):
        remitting.close(found.uid, "billing_books", actor=analyst, at=AT)
    with nothing_written(), pytest.raises(remitting.RemittanceRefused, match="Choose"):
        remitting.close(found.uid, "forgotten", actor=manager, at=AT)
    with nothing_written(), pytest.raises(taskdesk.TaskRefused, match="page of the remittance"):
        taskdesk.done(task.uid, actor=manager, at=AT, reason="Seen.")
    remitting.close(found.uid, "billing_books", actor=manager, at=AT)
    with nothing_written(), pytest.raises(remitting.RemittanceRefused, match="Nothing"):
        remitting.close(found.uid, "billing_books", actor=manager, at=AT)
    closed = Remittance.objects.get()
    assert (closed.outcome, closed.closed_by_id) == ("billing_books", manager.user_id)
    assert not Task.objects.filter(kind="remittance_differs", closed_at=None).exists()


def test_what_comes_by_message_is_held_to_the_same_agreement(people):
    first, second = two_active(people)
    placements.said(first, "placement.remitted", amount_pence=1000, commission_pence=181)
    placements.said(second, "placement.remitted", amount_pence=1000, commission_pence=181, net_pence=783)
    placements.said(second, "placement.remitted", amount_pence=1000)
    (found,) = remitting.listed()
    assert (found.day, found.line_count, found.wrong_count) == (AT.date(), 3, 2)
    assert list(found.lines.order_by("number").values_list("why", "booked_pence")) == [
        ("amounts_do_not_add_up", 0),
        ("commission_differs", 0),
        ("", 1000),
    ]
    remitting.close(found.uid, "agency_corrects", actor=people[placements.MANAGER], at=AT)
    # What differs later on the same day opens it again.
    placements.said(second, "placement.remitted", amount_pence=90_000)
    assert Remittance.objects.get().closed_at is None
    assert open_task().detail["wrong"] == 3


@pytest.mark.parametrize("pence", [-2500, 0])
def test_nothing_and_less_than_nothing_is_booked_by_nobody(people, pence):
    case = placements.active(people)
    placements.said(case, "placement.remitted", amount_pence=pence, is_settlement=True)
    (line,) = RemittanceLine.objects.all()
    assert (line.amount_pence, line.booked_pence, line.why) == (pence, 0, "not_an_amount")
    assert open_task().detail["wrong"] == 1
    placement = Placement.objects.select_related("case").get(pk=case.pk)
    assert (placement.collected_pence, placement.commission_pence, placement.case.state) == (0, 0, "active")


@pytest.mark.parametrize("word", ["Yes", "YES", "true", "1", "y"])
def test_a_file_that_says_otherwise_than_yes_or_no_whether_it_is_settled_is_refused_whole(people, word):
    first, second = two_active(people)
    file = Sender().pays([row(first, 2000, is_settlement=word), row(second, 2000, is_settlement="no")])
    assert (file.state, file.reason) == ("refused", "is_settlement_unknown")
    assert sum(Placement.objects.values_list("collected_pence", flat=True)) == 0


@pytest.mark.parametrize("word", ["no", "yes", "false", 0, 1, None])
def test_a_message_settles_by_true_and_by_nothing_else(people, word):
    case = placements.active(people)
    with nothing_written(), pytest.raises(remitting.RemittanceRefused, match="true or false"):
        placements.said(case, "placement.remitted", amount_pence=4500, is_settlement=word)
    assert Case.objects.get(pk=case.pk).state == "active"
    assert not RemittanceLine.objects.exists()


def test_a_settlement_is_booked_when_a_manager_agrees(people):
    first, _ = two_active(people)
    Sender().pays([row(first, 2000, is_settlement="yes")])
    line = RemittanceLine.objects.get()
    assert (line.booked_pence, line.why) == (0, "")
    (approval,) = Case.objects.get(pk=first.pk).approvals.filter(closed_at=None, mode="before")
    verdicts.decide(approval.uid, "agreed", actor=people[placements.MANAGER], at=timezone.now())
    line.refresh_from_db()
    assert (line.booked_pence, Case.objects.get(pk=first.pk).state) == (2000, "settled")
    assert RemittanceLine.objects.count() == 1


def asked_of_manager(people, *, by_message=False):
    """A settlement of £20 of £50 that waits for a manager; return its case, its approval and its line."""
    case = two_active(people)[0]
    if by_message:
        placements.said(case, "placement.remitted", amount_pence=2000, is_settlement=True)
    else:
        Sender().pays([row(case, 2000, is_settlement="yes")])
    return case, Approval.objects.get(case=case, closed_at=None, mode="before"), RemittanceLine.objects.get()


def answer(approval, verdict, people, *, at=None, reason=""):
    manager = people[placements.MANAGER]
    return verdicts.decide(approval.uid, verdict, actor=manager, at=at or timezone.now(), reason=reason)


@pytest.mark.parametrize("by_message", [True, False])
def test_a_settlement_that_a_manager_refuses_is_a_difference_that_a_person_closes(people, by_message):
    _, approval, line = asked_of_manager(people, by_message=by_message)
    client = client_of("c.adebayo")
    address = f"/debt/remittances/{line.remittance.uid}/"
    assert "1 line waits for a manager" in client.get("/debt/remittances/").text
    assert "A manager has to agree to the settlement" in client.get(address).text
    assert not Task.objects.filter(kind="remittance_differs").exists()
    answer(approval, "refused", people, reason="Too little.")

    line.refresh_from_db()
    assert (line.booked_pence, line.why) == (0, "settlement_refused")
    assert remitting.in_words(open_task().detail) == "£20.00 said, £0.00 booked, £20.00 apart (line 1 £20.00)"
    assert "1 line differs" in client.get("/debt/remittances/").text
    assert "A manager did not agree to the settlement" in client.get(address).text
    client.post(f"{address}close/", {"outcome": "agency_pays_back"})
    assert "The agency pays it back to the customer" in client.get(address).text
    assert not Task.objects.filter(kind="remittance_differs", closed_at=None).exists()
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []


def test_a_settlement_that_was_overtaken_is_a_difference(people):
    case, _, line = asked_of_manager(people)
    placements.said(case, "placement.remitted", amount_pence=5000)
    line.refresh_from_db()
    assert (Case.objects.get(pk=case.pk).state, line.why) == ("paid", "settlement_overtaken")
    assert open_task().detail["said_pence"] == 2000
    assert list(RemittanceLine.objects.order_by("pk").values_list("booked_pence", flat=True)) == [0, 5000]


def test_a_part_payment_leaves_a_settlement_to_be_agreed_to_where_the_rule_still_allows_it(people):
    case, approval, line = asked_of_manager(people)
    looking.look(Case.objects.get(pk=case.pk), at=AT + timedelta(days=1))  # the night changes nothing of it
    placements.said(case, "placement.remitted", amount_pence=1000)
    answer(approval, "agreed", people)
    line.refresh_from_db()
    assert (line.booked_pence, Case.objects.get(pk=case.pk).state) == (2000, "settled")
    assert Placement.objects.get(pk=case.pk).collected_pence == 3000


def test_a_settlement_by_which_more_would_be_collected_than_was_owed_is_agreed_to_by_nobody(people):
    case, approval, line = asked_of_manager(people)
    placements.said(case, "placement.remitted", amount_pence=4000)
    with nothing_written(counted=1), pytest.raises(CaseError, match="More was collected than was owed"):
        answer(approval, "agreed", people)
    answer(approval, "refused", people, reason="More than was owed.")
    line.refresh_from_db()
    assert (line.booked_pence, line.why) == (0, "settlement_refused")
    assert Placement.objects.get(pk=case.pk).collected_pence == 4000


def test_what_a_person_says_nothing_follows_from_is_a_difference(people):
    case = placements.sent(people)
    Sender().pays([row(case, 5000)])
    callback, line = Callback.objects.get(type="placement.remitted"), RemittanceLine.objects.get()
    assert (callback.state, callback.reason, line.why) == ("failed", "refused:TransitionRefused", "")
    matching.ignore(callback, actor=people["o.thackray"], at=timezone.now(), reason="It never had it.")
    line.refresh_from_db()
    assert (line.booked_pence, line.why, open_task().detail["wrong"]) == (0, "nothing_follows", 1)


def vat(day, rate):
    with ledger.action(uuid4(), "test.rate", actor="tests", at=AT):
        DebtFigure.objects.create(code=figures.VAT, value=rate, effective_from=day, source="Finance Act")


def test_vat_is_that_of_the_day_on_which_the_agency_says_what_it_collected(people):
    # Finance (No. 2) Act 2010 s. 3: 20 per cent from 4 January 2011. The later rate is made up.
    assert figures.vat_rate(on=date(2011, 1, 4)) == 2000
    with pytest.raises(ValueError, match="no rate"):
        figures.vat_rate(on=date(2011, 1, 3))
    first, second = two_active(people)
    later = AT.date() + timedelta(days=2)
    vat(later, 2250)
    placements.said(first, "placement.remitted", amount_pence=1000, at=AT + timedelta(days=1))
    placements.said(first, "placement.remitted", amount_pence=1000, at=AT + timedelta(days=2))
    # 18 % of £10.00 is £1.80, and 22.5 % of that 40.5 p, a half penny rounded up.
    told = {"amount_pence": 1000, "commission_pence": 180, "vat_pence": 41, "net_pence": 779}
    placements.said(second, "placement.remitted", at=AT + timedelta(days=2), **told)
    assert list(RemittanceLine.objects.order_by("pk").values_list("due_vat_pence", "why")) == [
        (36, ""),
        (41, "commission_differs"),
        (41, ""),
    ]


def test_a_file_is_held_to_the_rate_of_the_day_on_which_it_was_written_by_whoever_takes_and_books_it(people):
    """Written on the eve of another rate, fetched on its first day: the agency's invoice is of the old one."""
    case, other = two_active(people)
    now = timezone.now()
    vat(calendars.london_date(now), 2250)
    eve, sender = now - timedelta(days=1), Sender()
    assert sender.pays([row(case, 1000)], written_at=eve).state == "taken"
    at_new_rate = {"commission_pence": 180, "vat_pence": 41, "net_pence": 779}
    assert sender.pays([row(other, 1000, **at_new_rate)], number=2, written_at=eve).reason == "commission_differs"
    assert sender.pays([row(other, 1000, **at_new_rate)], number=3).state == "taken"
    booked = RemittanceLine.objects.filter(remittance__is_refused=False).order_by("pk")
    assert list(booked.values_list("due_vat_pence", "booked_pence", "why")) == [(36, 1000, ""), (41, 1000, "")]


def test_what_is_said_to_be_of_a_day_long_ago_is_reckoned_as_of_this_quarter():
    for said_at, day in (
        (datetime(1990, 1, 1, tzinfo=UTC), date(2026, 8, 14)),
        (AT + timedelta(days=9), AT.date()),
        (AT - timedelta(days=31), date(2026, 10, 14)),
        (None, AT.date()),
    ):
        assert remitting.day_of(said_at, came_at=AT) == day


@pytest.mark.parametrize("count", [1, 30])
def test_the_pages_show_amounts_in_as_many_statements_at_any_size(people, count):
    (first, _), sender = two_active(people), Sender()
    bad = row(first, 1234, commission_pence=223, net_pence=967)
    sender.pays([bad] * count)
    client = client_of("c.adebayo")
    found = statements(client, "/debt/remittances/")
    assert len(found) == 6, shortly(found)
    last = Remittance.objects.latest("pk")
    address = f"/debt/remittances/{last.uid}/"
    found = statements(client, address)
    assert len(found) <= 6, shortly(found)
    page = client.get(address).text
    assert [words for words in ("£2.23", "£2.22", "£0.01") if words not in page] == []
    assert (f"{address}?after=25~" in page.replace("&amp;", "&")) == (count > 25)
    assert "page of the remittance" not in page
    tasks = client.get("/tasks/?view=team").text
    assert f"What a recovery agency says it collected differs from what we booked: £{12.34 * count:.2f} said" in tasks
    assert address in tasks
    client.post(f"{address}close/", {"outcome": "agency_corrects"})
    assert "The agency says it again, put right" in client.get(address).text
    assert client_of("r.penhale").post(f"{address}close/", {"outcome": "agency_corrects"}).status_code == 403
