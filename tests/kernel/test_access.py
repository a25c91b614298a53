"""The monthly look at who holds which right."""

from datetime import UTC, date, datetime

import pytest

from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import AccessAnswer, AccessReview, Proposal, RoleGrant, Task, Team
from cases.kernel.office import access, proposals
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import LedgerEvent
from tests import factories
from tests.kernel.snapshots import nothing_written

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
KEEP_NAIR = {"role:fraud_analyst": "kept", "team:fraud": "kept"}
KEEP_BYRNE = {"role:fraud_analyst": "kept", "role:fraud_approver": "kept", "team:fraud": "kept"}
KEEP_OSEI = {"role:fraud_approver": "kept", "team:fraud": "kept"}


@pytest.fixture
def office(db):
    return factories.office()


@pytest.fixture
def review(office):
    access.open_month(now=AT)
    return AccessReview.objects.get(team__code="fraud")


def say(review, office, of, verdicts, *, by="d.osei", reason="Still on the fraud desk."):
    return access.answer(review.uid, office[of].user_id, verdicts, reason=reason, actor=office[by], at=AT)


def test_each_team_with_people_has_one_review_a_month_and_its_task(office):
    counts = [access.open_month(now=AT), access.open_month(now=AT)]
    access.open_month(now=datetime(2026, 12, 1, 9, 0, tzinfo=UTC))

    assert counts == [9, 0]
    row = AccessReview.objects.get(team__code="fraud", month=date(2026, 11, 1))
    task = Task.objects.get(kind="access_review", detail={"review": str(row.uid)})
    assert task.team.code == "fraud" and task.due_at == row.due_at == datetime(2026, 11, 16, 23, 59, 59, tzinfo=UTC)
    assert AccessReview.objects.count() == 18


def test_who_is_in_no_team_is_reviewed_as_well(office):
    payload = {"user": office["p.nair"].user_id, "team": "fraud", "standing": "none"}
    proposals.propose("team_member", payload, actor=office["o.thackray"], at=AT, reason="Between teams.")

    access.open_month(now=AT)

    row = AccessReview.objects.get(team=None)
    (person,) = access.persons(row, office["o.thackray"], at=AT)
    assert person.user.username == "p.nair" and [right.code for right in person.rights] == ["role:fraud_analyst"]
    assert person.may_answer


def test_last_answer_completes_the_review_and_an_auditor_signs_it(office, review):
    say(review, office, "p.nair", KEEP_NAIR)
    say(review, office, "a.byrne", KEEP_BYRNE)
    say(review, office, "d.osei", KEEP_OSEI, by="o.thackray", reason="He leads the desk.")

    review.refresh_from_db()
    assert review.completed_at == AT and not Task.objects.filter(
        kind="access_review", team__code="fraud", closed_at=None
    )
    access.sign(review.uid, reason="", actor=office["b.lacombe"], at=AT)
    review.refresh_from_db()
    assert review.signed_by_id == office["b.lacombe"].user_id


def test_reason_is_sealed_in_the_reviews_own_stream(office, review):
    say(review, office, "p.nair", KEEP_NAIR)

    events = list(LedgerEvent.objects.filter(stream=review.uid).order_by("seq"))
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="test", streams=(review.uid,))
    assert [event.action for event in events] == ["access.review_opened", "access.answered"]
    assert sealing.open_reasons(events, reader=reader, at=AT)[1] == "Still on the fraud desk."
    assert "fraud desk" not in events[1].body


def test_lead_who_wants_a_right_gone_asks_the_administrators_and_the_task_ends_with_it(office, review):
    say(review, office, "a.byrne", KEEP_BYRNE | {"role:fraud_approver": "removed"}, reason="No longer decides.")

    task = Task.objects.get(kind="access_removal")
    user_id = office["a.byrne"].user_id
    assert task.detail == {"user": user_id, "right": "role:fraud_approver"} and task.team is None
    assert RoleGrant.objects.filter(user_id=user_id, role="fraud_approver", revoked_at=None).exists()

    payload = {"user": user_id, "role": "fraud_approver"}
    row = proposals.propose("role_revoke", payload, actor=office["o.thackray"], at=AT, reason="As asked.")
    proposals.decide(row.uid, "agreed", actor=office["j.merriweather"], at=AT, reason="Agreed.")

    task.refresh_from_db()
    assert task.closed_at == AT


def test_two_leads_who_want_the_same_right_gone_ask_for_it_once(office):
    rights = Team.objects.get(code="rights")
    with ledger.action(rights.uid, "tests.seated", actor="system:tests", at=AT):
        rights.memberships.create(user_id=office["a.byrne"].user_id)
    access.open_month(now=AT)
    gone = {"role:fraud_analyst": "kept", "role:fraud_approver": "removed", "team:fraud": "kept", "team:rights": "kept"}
    for code, lead in (("fraud", "d.osei"), ("rights", "j.merriweather")):
        row = AccessReview.objects.get(team__code=code)
        person = next(each for each in access.persons(row, office[lead], at=AT) if each.user.username == "a.byrne")
        say(row, office, "a.byrne", {right.code: gone[right.code] for right in person.rights}, by=lead)

    assert AccessAnswer.objects.filter(right="role:fraud_approver", verdict="removed").count() == 2
    assert Task.objects.filter(kind="access_removal").count() == 1


def test_administrators_answer_proposes_what_is_to_go(office, review):
    said = {"role:fraud_analyst": "removed", "team:fraud": "kept"}
    say(review, office, "p.nair", said, by="o.thackray", reason="Moved on.")

    row = Proposal.objects.get(kind="role_revoke")
    assert row.payload == {"user": office["p.nair"].user_id, "role": "fraud_analyst"} and row.state == "agreed"
    assert not RoleGrant.objects.filter(user_id=office["p.nair"].user_id, revoked_at=None).exists()
    assert AccessAnswer.objects.filter(verdict="removed").count() == 1


@pytest.mark.parametrize(
    ("by", "of", "verdicts", "reason", "error", "sentence"),
    [
        ("d.osei", "d.osei", KEEP_OSEI, "Mine.", NotAllowed, "Another person looks at your own rights."),
        ("b.lacombe", "p.nair", KEEP_NAIR, "Fine.", NotAllowed, "The team's lead, an administrator"),
        ("p.nair", "a.byrne", KEEP_BYRNE, "Fine.", NotVisible, "There is no such case"),
        ("c.adebayo", "p.nair", KEEP_NAIR, "Fine.", NotVisible, "There is no such case"),
        ("d.osei", "p.nair", {"team:fraud": "kept"}, "Fine.", access.ReviewRefused, "Say of every right"),
        ("d.osei", "p.nair", KEEP_NAIR | {"team:fraud": "x"}, "Fine.", access.ReviewRefused, "Say of every right"),
        ("d.osei", "p.nair", KEEP_NAIR, " ", access.ReviewRefused, "Say why."),
        ("d.osei", "r.penhale", KEEP_NAIR, "Fine.", access.ReviewRefused, "no such person in this review"),
    ],
)
def test_refused_answer_writes_nothing(office, review, by, of, verdicts, reason, error, sentence):
    with nothing_written(), pytest.raises(error, match=sentence):
        say(review, office, of, verdicts, by=by, reason=reason)


def test_second_answer_and_early_signature_are_refused(office, review):
    say(review, office, "p.nair", KEEP_NAIR)

    with nothing_written(), pytest.raises(access.ReviewRefused, match="looked at already"):
        say(review, office, "p.nair", KEEP_NAIR)
    with nothing_written(), pytest.raises(access.ReviewRefused, match="Rights are left"):
        access.sign(review.uid, reason="", actor=office["b.lacombe"], at=AT)
    with nothing_written(), pytest.raises(NotAllowed):
        access.sign(review.uid, reason="", actor=office["o.thackray"], at=AT)
