"""Breaking the glass: thirty minutes, one case, looking only, alerted without personal data, reviewed in time."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from cases.kernel import actors, edits, policy, transitions
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import BreakGlass, Case, Task
from cases.kernel.restricted import breakglass
from cases.ledger.models import AccessEvent, SecurityEvent
from tests import factories, suspicions
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
WHY = "Customer at the counter, handset about to leave."


@pytest.fixture
def case(people):
    return factories.investigating(people)


def anew(username):
    return actors.staff(factories.user(username))


def broken(case, *, by="m.achterberg", at=None):
    return breakglass.break_glass(case.reference, reason=WHY, actor=anew(by), at=at or timezone.now())


def restricted(case):
    """The case as a conflict of interest leaves it: in a restricted team, out of its own team's sight."""
    from cases.kernel.models import Team
    from cases.ledger import api as ledger

    with ledger.action(case.uid, "tests.restricted", actor="system:tests", at=factories.AT):
        case.is_restricted, case.team, case.assignee = True, Team.objects.get(code="disclosure"), None
        case.save()
    return case


def test_it_opens_one_case_to_one_person_and_only_to_look(people, case):
    other = factories.referred(people)
    row = broken(case)

    actor = anew("m.achterberg")
    assert set(policy.visible_to(actor)) == {case}
    assert policy.can(actor, "view", case=case).purpose == "break_glass"
    assert not policy.can(actor, "view", case=other).is_allowed
    for act in ("edit", "note", "take", "report", "view_audit", "fraud_referral.close_no_action"):
        assert not policy.can(actor, act, case=case).is_allowed
    with nothing_written(), pytest.raises(NotAllowed):
        edits.add_note(case.pk, "Written.", actor=actor, at=timezone.now())
    assert not policy.visible_to(anew("p.lindqvist")).exists()
    assert row.ends_at - row.began_at == timedelta(minutes=30)


def test_it_ends_by_itself(people, case):
    broken(case, at=timezone.now() - timedelta(minutes=31))

    actor = anew("m.achterberg")
    assert actor.opened_case_ids == frozenset()
    assert not policy.visible_to(actor).exists()


def test_a_case_that_a_conflict_took_away_can_be_opened_by_its_own_team(people, case):
    restricted(case)
    assert not policy.visible_to(anew("p.nair")).exists()

    broken(case, by="p.nair")

    assert set(policy.visible_to(anew("p.nair"))) == {case}


def test_a_restricted_kind_answers_as_a_case_that_does_not_exist(people):
    report = suspicions.submitted(people)
    said = []
    for reference in (report.reference, "R-0000-0000", "FRD-2026-999999"):
        with nothing_written(counted=1), pytest.raises(breakglass.GlassRefused) as refusal:
            breakglass.break_glass(reference, reason=WHY, actor=anew("a.byrne"), at=timezone.now())
        said.append(str(refusal.value))
    assert set(said) == {"There is no case of that reference that can be opened like this."}
    assert SecurityEvent.objects.filter(kind="glass_refused").values_list("detail", flat=True).distinct().get() == {}


@pytest.mark.parametrize(
    ("by", "reason", "sentence"),
    [
        ("m.achterberg", "Too short.", "Say why in at least 20 characters."),
        ("a.byrne", WHY, "You can open this case as it is."),
        ("b.lacombe", WHY, "Your roles do not let you break the glass."),
        ("k.mistry", WHY, "Your roles do not let you break the glass."),
        ("n.okonjo", WHY, "Your roles do not let you break the glass."),
        ("o.thackray", WHY, "Your roles do not let you break the glass."),
        ("j.merriweather", WHY, "Your roles do not let you break the glass."),
    ],
)
def test_it_is_refused_without_a_trace(people, case, by, reason, sentence):
    with nothing_written(), pytest.raises(breakglass.GlassRefused, match=sentence):
        breakglass.break_glass(case.reference, reason=reason, actor=anew(by), at=timezone.now())


def test_the_alert_carries_a_reference_and_nothing_else(people, case):
    at = timezone.now()
    row = broken(case, at=at)

    task = Task.objects.get(kind="break_glass_review")
    assert task.detail == {"alert": row.alert_reference}
    assert (task.case, task.team) == (None, None)
    assert [each.pk for each in breakglass.alerts(anew("d.osei"), at=at)] == [row.pk]
    assert breakglass.alerts(anew("a.byrne"), at=at) == []
    assert breakglass.alerts(anew("e.hallam"), at=at) == []
    page = client_of("d.osei").get("/").content.decode()
    assert row.alert_reference in page
    assert case.reference not in page
    assert row.alert_reference in client_of("j.merriweather").get("/break-glass/reviews/").content.decode()
    assert "Review a use of break-glass" in client_of("j.merriweather").get("/").content.decode()
    assert "Review a use of break-glass" not in client_of("i.sowande").get("/").content.decode()
    assert mail.outbox == []
    codes = SecurityEvent.objects.get(kind="glass_broken")
    assert codes.detail == {"alert": row.alert_reference}


def test_a_use_is_reviewed_once_by_another_person_and_the_task_ends(people, case):
    row = broken(case)
    officer = anew("j.merriweather")

    with nothing_written(), pytest.raises(NotAllowed):
        breakglass.review(row.alert_reference, "justified", finding="Fine.", actor=anew("d.osei"), at=timezone.now())
    with nothing_written(), pytest.raises(breakglass.GlassRefused, match="Choose what you found and say why."):
        breakglass.review(row.alert_reference, "justified", finding=" ", actor=officer, at=timezone.now())
    breakglass.review(row.alert_reference, "not_justified", finding="A friend.", actor=officer, at=timezone.now())

    row.refresh_from_db()
    assert (row.outcome, row.reviewed_by_id) == ("not_justified", officer.user_id)
    assert Task.objects.get(kind="break_glass_review").outcome == "not_justified"
    with nothing_written(), pytest.raises(breakglass.GlassRefused, match="This use has been reviewed already."):
        breakglass.review(row.alert_reference, "justified", finding="Fine.", actor=officer, at=timezone.now())


def test_an_overdue_review_suspends_that_person_alone(people, case):
    long_ago = timezone.now() - timedelta(days=9)
    row = broken(case, at=long_ago)
    other = factories.referred(people)

    with nothing_written(), pytest.raises(breakglass.GlassRefused, match="Break-glass is suspended until it is."):
        broken(other)
    assert broken(other, by="p.lindqvist").case == other
    breakglass.review(
        row.alert_reference, "justified", finding="Fine.", actor=anew("j.merriweather"), at=timezone.now()
    )
    assert broken(other).case == other


def test_the_review_is_due_in_two_working_days(people, case):
    friday = timezone.now().replace(year=2026, month=12, day=4, hour=16)
    row = broken(case, at=friday)
    assert row.review_due_at.date().isoformat() == "2026-12-08"


def test_twice_is_once(people, case):
    assert broken(case).pk == BreakGlass.objects.get().pk
    client = client_of("m.achterberg", is_stepped_up=True)
    client.post("/break-glass/", {"reference": case.reference, "reason": WHY})
    assert BreakGlass.objects.count() == 1


def test_pages_ask_for_the_second_factor_show_a_banner_and_mark_what_is_read(people, case):
    form = {"reference": case.reference, "reason": WHY}
    assert client_of("m.achterberg").post("/break-glass/", form).url == "/step-up/"
    assert not BreakGlass.objects.exists()

    client = client_of("m.achterberg", is_stepped_up=True)
    assert client.get(f"/cases/{case.uid}/").status_code == 404
    answer = client.post("/break-glass/", form)
    assert answer.url == f"/cases/{case.uid}/"
    for path in (f"/cases/{case.uid}/", "/", "/cases/", "/preferences/", "/break-glass/"):
        page = client.get(path)
        assert page.status_code == 200
        assert "You broke the glass." in page.content.decode(), path
    client.post(f"/cases/{case.uid}/reveal/person-1-alias/", {"purpose": "verify_identity"})
    looked = AccessEvent.objects.filter(streams__contains=[case.uid], actor=people["m.achterberg"].label)
    assert {(each.verb, each.break_glass, each.purpose) for each in looked} == {
        ("view", True, "break_glass"),
        ("reveal", True, "break_glass"),
    }
    review = client_of("j.merriweather").get(f"/break-glass/reviews/{BreakGlass.objects.get().alert_reference}/")
    assert WHY in review.content.decode()
    assert "Person 1 alias" in review.content.decode() or "Person-1-alias" in review.content.decode()


def test_showing_all_of_a_person_is_among_what_it_was_used_for(people, case):
    row = broken(case)
    client_of("m.achterberg").post(f"/cases/{case.uid}/people/2/reveal/", {"purpose": "verify_identity"})
    (look,) = breakglass.used_for(row)
    assert (look.verb, look.purpose, "person-2-phone" in look.fields) == ("reveal", "break_glass", True)


def test_what_is_proposed_there_is_read_through_the_glass_and_marked(people, case):
    transitions.apply(case.pk, "void", actor=people["a.byrne"], at=factories.AT, reason="Opened twice.")
    row = broken(case)
    assert "Opened twice." in client_of("m.achterberg").get(f"/cases/{case.uid}/").content.decode()
    assert [each.fields for each in breakglass.used_for(row)] == [["note", "reason"], ["typed"]]


def test_a_refused_form_keeps_what_was_typed(people, case):
    client = client_of("m.achterberg", is_stepped_up=True)
    answer = client.post("/break-glass/", {"reference": "FRD-2026-999999", "reason": WHY})
    assert answer.status_code == 422
    assert "FRD-2026-999999" in answer.content.decode() and WHY in answer.content.decode()
    assert Case.objects.count() == 1


def test_what_is_not_justified_ends_at_once(people, case):
    row = broken(case)
    assert client_of("m.achterberg").get(f"/cases/{case.uid}/").status_code == 200

    at = timezone.now()
    breakglass.review(row.alert_reference, "not_justified", finding="A friend.", actor=anew("j.merriweather"), at=at)

    row.refresh_from_db()
    assert (row.ends_at, row.reviewed_at) == (at, at)
    assert not policy.can(anew("m.achterberg"), "view", case=case).is_allowed
    assert client_of("m.achterberg").get(f"/cases/{case.uid}/").status_code == 404
    assert "You broke the glass." not in client_of("m.achterberg").get("/").content.decode()


def test_whose_use_was_not_justified_breaks_none_for_thirty_days(people, case):
    row = broken(case)
    at = timezone.now()
    breakglass.review(row.alert_reference, "not_justified", finding="A friend.", actor=anew("j.merriweather"), at=at)
    for days in (0, 29):
        with nothing_written(), pytest.raises(breakglass.GlassRefused, match="was found not justified. Until "):
            broken(case, at=at + timedelta(days=days))
    assert broken(case, by="p.lindqvist", at=at).user_id == people["p.lindqvist"].user_id
    assert broken(case, at=at + timedelta(days=30)).user_id == people["m.achterberg"].user_id


def test_a_review_after_the_end_leaves_when_it_ended(people, case):
    row = broken(case, at=timezone.now() - timedelta(hours=2))
    breakglass.review(
        row.alert_reference, "not_justified", finding="A friend.", actor=anew("j.merriweather"), at=timezone.now()
    )
    assert BreakGlass.objects.get().ends_at == row.ends_at


def test_nothing_is_found_justified_while_more_can_be_looked_at(people, case):
    row = broken(case)
    with nothing_written(), pytest.raises(breakglass.GlassRefused, match="The case is still open to them, until "):
        breakglass.review(
            row.alert_reference, "justified", finding="Fine.", actor=anew("j.merriweather"), at=timezone.now()
        )
    breakglass.review(row.alert_reference, "justified", finding="Fine.", actor=anew("j.merriweather"), at=row.ends_at)
    assert BreakGlass.objects.get().outcome == "justified"


def test_whoever_broke_it_can_close_it_and_its_review_stays_due(people, case):
    row = broken(case)
    client = client_of("m.achterberg")
    assert "Close it now" in client.get("/").content.decode()

    answer = client.post(f"/break-glass/{row.alert_reference}/close/", follow=True)

    assert "The case is closed to you." in answer.content.decode()
    assert client.get(f"/cases/{case.uid}/").status_code == 404
    assert Task.objects.get(kind="break_glass_review").closed_at is None
    assert [each.pk for each in breakglass.waiting()] == [row.pk]
    assert SecurityEvent.objects.get(kind="glass_closed").detail == {"alert": row.alert_reference}
    with nothing_written(), pytest.raises(breakglass.GlassRefused, match="The case is not open to you any more."):
        breakglass.close(row.alert_reference, actor=anew("m.achterberg"), at=timezone.now())


def test_nobody_closes_the_glass_of_another(people, case):
    row = broken(case)
    for username, refusal in (("p.lindqvist", NotVisible), ("j.merriweather", NotAllowed)):
        with nothing_written(), pytest.raises(refusal):
            breakglass.close(row.alert_reference, actor=anew(username), at=timezone.now())
    assert BreakGlass.objects.get().ends_at == row.ends_at


def test_the_officer_reads_which_pages_were_looked_at_and_that_it_runs(people, case):
    row = broken(case, at=timezone.now() - timedelta(minutes=1))
    client = client_of("m.achterberg")
    client.get(f"/cases/{case.uid}/")
    client.get(f"/cases/{case.uid}/documents/")
    client.get(f"/cases/{case.uid}/messages/")
    client.post(f"/cases/{case.uid}/reveal/person-1-alias/", {"purpose": "verify_identity"})

    page = client_of("j.merriweather").get(f"/break-glass/reviews/{row.alert_reference}/").content.decode()

    assert "<dt>Ends</dt>" in page and "<dt>Ended</dt>" not in page
    for how, what in (
        ("Looked at", "The case&#x27;s page: facts, people behind a mask, timeline with notes, reasons given"),
        ("Looked at", "Messages and letters: what was sent and answered"),
        ("Looked through", "Documents: their names, what is said of them as evidence"),
        ("Shown in clear", "Person 1 alias"),
    ):
        assert f"<td>{how}</td><td>{what}</td>" in page, what
