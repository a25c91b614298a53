"""Many accounts are asked back at once: all that an agency has, a batch, or a list (domain 5A.5; above 100 accounts a
manager agrees first)."""

from datetime import timedelta

import pytest

from cases.debt import batches, effects, limitation, recalling
from cases.debt.models import Placement
from cases.kernel import transitions, verdicts
from cases.kernel.actors import Actor
from cases.kernel.background import jobrun, jobs
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.exchange import agencies
from cases.kernel.models import BatchFile, Case, Channel, Clock, Job, JobRow, Letter, Proposal, Task
from cases.kernel.office import proposals
from cases.kernel.office.proposals import ProposalRefused
from cases.ledger import verify
from tests import placements
from tests.accounts import portfolio
from tests.debt.test_placement import told
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
ADDRESS = "/office/changes/new/recall_accounts/"


def at_agency(people, count: int = 3) -> list[Case]:
    """Return accounts of one batch that an agency has."""
    batch = placements.built(people, *(portfolio.row(number) for number in range(count)))
    file = placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    batches.sent(file, "delivered", AT)
    return [placements.said(line.case, "placement.answered") for line in batches.lines_of(batch)]


def asked(actor: Actor, *, agency: str = "", batch: str = "", accounts: tuple[int, ...] = ()) -> Proposal:
    payload = {"agency": agency, "batch": batch, "accounts": list(accounts)}
    return proposals.propose(recalling.RECALL, payload, actor=actor, at=AT, reason="It has lost its permission.")


def work() -> Job:
    jobrun.work(clock=lambda: AT, seconds=60)
    return Job.objects.get(kind=recalling.JOB)


def states(cases: list[Case]) -> list[str]:
    return [Case.objects.get(pk=case.pk).state for case in cases]


def left_out() -> list[tuple[str, str]]:
    rows = JobRow.objects.filter(job__kind=recalling.JOB, state="skipped").order_by("pk")
    return list(rows.values_list("subject", "reason"))


def test_all_that_an_agency_has_is_recalled_each_by_its_own_message_and_clock(people):
    cases = at_agency(people)
    other = placements.paid(people)
    assert asked(people[placements.ANALYST], agency=placements.CODE).state == "agreed"
    job = work()
    assert (states(cases), states([other])) == (["recall_requested"] * 3, ["paid"])
    assert sorted(row["reference"] for row in told("dca_recall")) == sorted(case.reference for case in cases)
    assert Clock.objects.filter(case__in=cases, rule="placement_recall", ended_at=None).count() == 3
    assert (job.state, job.done, job.total, job.skipped, job.failed) == ("done", 3, 3, 0, 0)
    for case in cases:
        assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


def test_a_batch_is_recalled_and_what_is_gone_or_asked_back_already_is_left_out_and_said(people, monkeypatch):
    first, second, third = at_agency(people)
    elsewhere = placements.active(people)
    placements.said(first, "placement.remitted", amount_pence=first.placement.balance_pence)
    batch = second.placement.batch
    asked(people[placements.ANALYST], batch=batch.reference)
    asked_back = jobs.KINDS[recalling.JOB].rows(Job.objects.get(kind=recalling.JOB))
    assert len(list(asked_back)) == 2  # what is over is not of the batch's any more
    work()
    assert states([first, second, third, elsewhere]) == ["paid", "recall_requested", "recall_requested", "active"]


def test_of_a_list_what_no_agency_has_is_told_by_its_place(people):
    (here,) = at_agency(people, 1)
    waiting, back, gone = placements.released(people), placements.recall_requested(people), placements.paid(people)
    cases = (here, waiting, back, gone)
    accounts = tuple(Placement.objects.get(pk=case.pk).account_id for case in cases)
    asked(people[placements.ANALYST], accounts=accounts)
    job = work()
    assert states(list(cases)) == ["recall_requested", "released", "recall_requested", "paid"]
    assert left_out() == [
        (f"2:{accounts[1]}", "not_left"),
        (f"3:{accounts[2]}", "is_recalled"),
        (f"4:{accounts[3]}", "not_placed"),
    ]
    names = jobs.names(job, people[placements.ANALYST], [subject for subject, _ in left_out()])
    assert names[f"4:{accounts[3]}"] == f"Line 4, {gone.reference}"
    # A colleague of another desk learns no reference of the line.
    assert jobs.names(job, people["a.byrne"], [f"4:{accounts[3]}"]) == {f"4:{accounts[3]}": "Line 4"}


def test_of_more_than_the_office_lets_one_person_recall_a_manager_agrees_first(people, monkeypatch):
    monkeypatch.setitem(limitation._limits(), "recall_alone", 2)
    cases = at_agency(people)
    row = asked(people[placements.ANALYST], agency=placements.CODE)
    assert (row.state, row.needs, Job.objects.filter(kind=recalling.JOB).count()) == (
        "open",
        ["collections_manager"],
        0,
    )
    both = placements.other_manager(people)  # the analyst, who holds the manager's role as well
    with nothing_written(), pytest.raises(NotAllowed):
        proposals.decide(row.uid, "agreed", actor=both, at=AT, reason="Mine.")
    assert states(cases) == ["active"] * 3
    proposals.decide(row.uid, "agreed", actor=people[placements.MANAGER], at=AT, reason="It must.")
    work()
    assert states(cases) == ["recall_requested"] * 3


def test_who_may_not_recall_one_recalls_no_hundred_and_nothing_is_recalled_of_nobody(people):
    at_agency(people, 1)
    for who in ("a.byrne", placements.MANAGER):
        with nothing_written(), pytest.raises(NotAllowed):
            asked(people[who], agency=placements.CODE)
    for payload in ({"agency": placements.CODE, "batch": "PL-2026-001"}, {}, {"batch": "PL-1999-001"}):
        with nothing_written(), pytest.raises(ProposalRefused):
            asked(people[placements.ANALYST], **payload)


def test_an_agency_that_nothing_can_be_sent_to_is_told_by_hand(people):
    """Domain 5A.9: an agency that is insolvent. What it has is asked back all the same, and somebody tells it."""
    cases = at_agency(people, 2)
    channel = Channel.objects.get(agency__code=placements.CODE, direction="out")
    agencies.change_channel(channel, "tests.closed", actor=people["o.thackray"], at=AT, state="disabled")
    asked(people[placements.ANALYST], agency=placements.CODE)
    job = work()
    assert (states(cases), told("dca_recall"), job.failed) == (["recall_requested"] * 2, [], 0)
    kind = effects.RECALL_BY_HAND
    assert Task.objects.filter(kind=kind, case__in=cases, closed_at=None).count() == 2
    placements.said(cases[0], "placement.ceased")
    assert Task.objects.filter(kind=kind, case__in=cases, closed_at=None).count() == 1


def test_pages_lead_to_the_recall_and_show_how_far_it_is(people):
    cases = at_agency(people, 2)
    batch = cases[0].placement.batch
    client = client_of(placements.ANALYST, is_stepped_up=True)
    page = client.get(f"/debt/batches/{batch.uid}/").text
    assert f"{ADDRESS}?batch={batch.reference}" in page
    assert ADDRESS not in client_of(placements.MANAGER).get(f"/debt/batches/{batch.uid}/").text
    assert f'value="{batch.reference}"' in client.get(f"{ADDRESS}?batch={batch.reference}").text
    wrong = client.post(ADDRESS, {"agency": placements.CODE, "batch": batch.reference, "reason": "Both."})
    assert (wrong.status_code, recalling._ONE in wrong.text) == (422, True)
    unknown = client.post(ADDRESS, {"accounts": "nobody-1", "reason": "It is wrong."})
    assert (unknown.status_code, "Billing has not told us of these accounts: nobody-1." in unknown.text) == (422, True)
    assert Proposal.objects.count() == 0
    numbers = "\n".join(placements.number_of(Placement.objects.get(pk=case.pk)) for case in cases)
    answer = client.post(ADDRESS, {"accounts": numbers, "reason": "It has lost its permission."})
    assert answer.status_code == 302, answer.text
    assert "2 accounts of a list" in client.get(answer.url).text
    work()
    assert "2 of 2 recalled" in client.get("/debt/batches/").text
    assert BatchFile.objects.filter(kind="dca_recall").count() == 2


def test_what_an_agency_does_not_confirm_in_time_people_note_and_a_manager_agrees(people):
    case, analyst, manager = placements.recall_requested(people), people[placements.ANALYST], people[placements.MANAGER]
    with nothing_written(counted=1), pytest.raises(CaseError, match="its answer is not late"):
        transitions.apply(case.pk, "note_ceased", actor=analyst, at=AT, reason="They rang.")
    case = placements.recall_late(people)
    later = AT + timedelta(days=5)
    with nothing_written(counted=1), pytest.raises(CaseError):
        transitions.apply(case.pk, "note_ceased", actor=analyst, at=later)
    transitions.apply(case.pk, "note_ceased", actor=analyst, at=later, reason="They rang: all of it has ceased.")
    (asked_of,) = case.approvals.filter(closed_at=None)
    with nothing_written(counted=1), pytest.raises(CaseError):
        verdicts.decide(asked_of.uid, "agreed", actor=placements.other_manager(people), at=later)
    verdicts.decide(asked_of.uid, "agreed", actor=manager, at=later)
    assert states([case]) == ["recalled"]
    assert Letter.objects.filter(case=case, template="placement_n8").exists()
    assert not Task.objects.filter(case=case, kind="placement_recall_late", closed_at=None).exists()
    # Its late confirmation changes nothing any more, and the account is free for another agency.
    number = placements.number_of(Placement.objects.select_related("account").get(pk=case.pk))
    _, (new,) = placements.build([number], agency_code=placements.CODE, actor=analyst, at=later)
    assert new.state == "in_batch"
