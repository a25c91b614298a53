"""What somebody types and does not send is kept for them alone, sealed, until it is sent or its time is over."""

import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from cases.kernel import locks
from cases.kernel.disposal import erasing
from cases.kernel.models import Draft, Note, User
from cases.kernel.office import leaving
from cases.kernel.personal import drafts, olddrafts
from cases.ledger.models import AccessEvent, DataKey
from tests import factories, suspicions
from tests.kernel.snapshots import nothing_written
from tests.web import desk
from tests.web.test_acts import PILLARS

pytestmark = pytest.mark.django_db
NEW = "/cases/new/fraud_referral/"
TYPED = [["narrative", "She said zqsecret.", True], ["is_urgent", "on", False]]


def keep(client, place, fields=TYPED, page="", **more):
    told = {"place": place, "page": page or place, "fields": json.dumps(fields), **more}
    return client.post("/drafts/", told)


def read(client, row) -> list:
    return client.get(f"/drafts/{row.pk}/", headers={"accept": "application/json"}).json()["fields"]


def test_what_is_typed_comes_back_to_whoever_typed_it_in_any_browser(people):
    case = factories.referred(people)
    page, place = reverse("web:case", args=[case.uid]), reverse("web:note", args=[case.uid])
    assert keep(desk.client_of("a.byrne"), place, [["note", "He called ag", True]], page).status_code == 204
    assert keep(desk.client_of("a.byrne"), place, [["note", "He called again.", True]], page).status_code == 204

    client = desk.client_of("a.byrne")

    row = Draft.objects.get()
    shown = client.get(page).content.decode()
    assert "You typed something here by" in shown and f'data-put-back="/drafts/{row.pk}/"' in shown
    assert read(client, row) == [["note", "He called again.", True]]
    assert "He called again." in client.get(f"/drafts/{row.pk}/").content.decode()
    listed = client.get("/").content.decode()
    assert "Not sent yet" in listed and case.reference in listed
    seen = AccessEvent.objects.filter(purpose="own_draft")
    assert {(each.actor, tuple(each.streams)) for each in seen} == {(f"staff:{people['a.byrne'].user_id}", (case.uid,))}
    assert case.notes.count() == 0


def test_nothing_of_it_lies_in_clear_and_it_is_under_the_key_of_its_case_or_of_a_day(people):
    case = factories.referred(people)
    client = desk.client_of("a.byrne")
    keep(client, reverse("web:note", args=[case.uid]))
    keep(client, NEW)
    keep(client, "/cases/new/association/")
    with connection.cursor() as cursor:
        cursor.execute("SELECT body::text, place, page FROM cases_draft")
        assert "zqsecret" not in str(cursor.fetchall()) and "narrative" not in str(cursor.fetchall())
    keys = Draft.objects.order_by("pk").values_list("key__scope", "key_id")
    assert [scope for scope, _ in keys] == ["case", "draft", "draft"] and len({pk for _, pk in keys}) == 2


def test_nobody_else_learns_of_it(people):
    keep(desk.client_of("a.byrne"), NEW)
    row = Draft.objects.get()
    others = [desk.client_of(who) for who in ("d.osei", "b.lacombe", "j.merriweather", "o.thackray")]
    with nothing_written():
        for client in others:
            assert client.get(f"/drafts/{row.pk}/").status_code == 404
            assert client.post(f"/drafts/{row.pk}/drop/").status_code == 302
            assert "Not sent yet" not in client.get("/").content.decode()
    assert "You typed something here" not in others[0].get(NEW).content.decode()


def test_it_goes_once_its_form_is_sent_and_stays_where_that_is_refused(people):
    case = factories.referred(people)
    place, client = reverse("web:note", args=[case.uid]), desk.client_of("a.byrne")
    keep(client, place, page=reverse("web:case", args=[case.uid]))
    assert client.post(place, {"note": " "}).status_code == 422
    assert Draft.objects.count() == 1
    assert client.post(place, {"note": "He called again."}).status_code == 302
    assert not Draft.objects.exists() and Note.objects.count() == 1


def test_it_is_thrown_away_by_whoever_typed_it(people):
    client = desk.client_of("a.byrne")
    keep(client, NEW)
    answer = client.post(f"/drafts/{Draft.objects.get().pk}/drop/", {"back": NEW})
    assert answer["location"] == NEW and not Draft.objects.exists()
    keep(client, NEW)
    answer = client.post(f"/drafts/{Draft.objects.get().pk}/drop/", {"back": "//evil.example.org/"})
    assert answer["location"] == "/"


@pytest.mark.parametrize(
    ("place", "fields", "status"),
    [
        ("//evil.example.org/", TYPED, 404),
        ("https://evil.example.org/", TYPED, 404),
        ("/account/password/", TYPED, 404),
        ("/search/", TYPED, 404),
        ("/no/such/page/", TYPED, 404),
        (NEW, [], 422),
        (NEW, {"narrative": "x"}, 422),
        (NEW, [["narrative", 5, True], "x", None], 422),
        (NEW, [["csrfmiddlewaretoken", "x", True], ["version", "3", True], ["new_password", "hunter", True]], 422),
        (NEW, [["narrative", "Card 4111 1111 1111 1111", True]], 422),
        (NEW, [["narrative", "x" * 100_001, True]], 422),
    ],
)
def test_what_is_no_form_of_ours_or_may_not_be_kept_is_not(people, place, fields, status):
    client = desk.client_of("a.byrne")
    with nothing_written():
        assert keep(client, place, fields).status_code == status
        assert keep(client, place, fields, page=NEW).status_code == status


def test_what_is_no_list_and_a_form_too_many_is_not_kept(people, monkeypatch):
    client = desk.client_of("a.byrne")
    monkeypatch.setattr(drafts, "MOST", 1)
    keep(client, NEW)
    with nothing_written():
        assert client.post("/drafts/", {"place": NEW, "page": NEW, "fields": "[" * 5000}).status_code == 404
        assert keep(client, "/cases/new/association/").status_code == 422
    assert keep(client, NEW).status_code == 204


def test_of_a_case_that_one_may_not_see_nothing_is_kept_nor_read(people):
    """The same as where there is none; and what one typed while one saw it is shown no more."""
    hidden, case = suspicions.referred(people), factories.referred(people)
    client = desk.client_of("a.byrne")
    with nothing_written():
        assert keep(client, reverse("web:note", args=[hidden.uid])).status_code == 404
        assert keep(client, NEW, page=reverse("web:case", args=[hidden.uid])).status_code == 404
    keep(client, reverse("web:note", args=[case.uid]))
    row, stranger = Draft.objects.get(), User.objects.get(username="c.adebayo")
    Draft.objects.filter(pk=row.pk).update(owner=stranger)
    other = desk.client_of("c.adebayo")
    with nothing_written():
        assert other.get(f"/drafts/{row.pk}/").status_code == 404
        assert case.reference not in other.get("/").content.decode()


def test_it_dies_with_its_case_with_its_time_and_with_whoever_leaves(people):
    case, now = factories.referred(people), timezone.now()
    client, colleague = desk.client_of("a.byrne"), desk.client_of("p.nair")
    keep(client, reverse("web:note", args=[case.uid]))
    with transaction.atomic():
        person = case.parties.get(number=2)
        erasing.erase_person(locks.case_for_update(case.pk), person, reason="test", at=now)
    assert not Draft.objects.exists()
    keep(client, reverse("web:note", args=[case.uid]))
    case.refresh_from_db()
    with erasing.erase(case, reason="test", at=now):
        pass
    assert not Draft.objects.exists()
    keep(client, NEW)
    keep(colleague, NEW)
    Draft.objects.filter(owner=people["a.byrne"].user_id).update(saved_at=now - timedelta(days=32))
    assert olddrafts.forget_due(now=now) == 1
    assert olddrafts.forget_due(now=now + timedelta(days=2)) == 0
    gone = DataKey.objects.filter(scope="draft", destroyed_at__isnull=False)
    assert [key.label.partition(":")[0] for key in gone] == [str(people["a.byrne"].user_id)]
    leaving.leave(people["p.nair"].user_id, actor=factories.job(), at=now)
    assert not Draft.objects.exists()


def test_a_step_up_on_the_way_keeps_it(people):
    """What a grave act needs first is the second factor: nothing was sent yet."""
    case = factories.ready(people)
    place = reverse("web:step", args=[case.uid, "approve"])
    client = desk.client_of("d.osei")
    keep(client, place, [["reason", "It is all there.", True]], page=reverse("web:case", args=[case.uid]))
    answers = {**PILLARS, "has_reviewed_innocent": "on", "version": case.version}
    assert client.post(place, answers)["location"].startswith("/step-up/")
    assert Draft.objects.count() == 1
    desk.client_of("d.osei", is_stepped_up=True).post(place, answers)
    assert not Draft.objects.exists()
