"""The one screen of an emergency: it takes the call in, gives, refuses and writes up."""

from datetime import UTC, datetime, timedelta

import pytest

from cases.kernel.models import Case, Release
from cases.ledger.models import LedgerEvent
from tests import emergencies, factories
from tests.disclosure.calls import CALL, clock, facts, utc
from tests.emergencies import KIND, WORDS
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    made = factories.office()
    emergencies.enter(made)
    return made


# --- the screen -----------------------------------------------------------------------------------------------------
@pytest.fixture
def now(monkeypatch):
    moment = datetime(2026, 11, 24, 3, 20, tzinfo=UTC)
    at = {"now": moment}
    monkeypatch.setattr("cases.web.asking.now", lambda: at["now"])
    monkeypatch.setattr("cases.disclosure.emergency.forms._now", lambda: at["now"])
    return at


READ = {
    "act": "disclose",
    "contact": "night",
    "spoken_to": "Op 77",
    "subscriber": "Osian Marchbanks",
    "address": "4 Breakwater Cottages",
    "position": "50.3720,-4.1420",
    "radius_m": "18",
    "location_source": "aml",
    "located_at": "03:13:20",
    "is_read_back": "on",
}


def test_the_screen_takes_a_call_in_gives_and_writes_up(people, now):
    client = client_of("n.okonjo", is_stepped_up=True)
    assert client.get("/cases/new/emergency_disclosure/").url == "/emergency/"
    page = client.get("/emergency/").content.decode()
    assert "+441632960099" in page and "03:20:00 UTC" in page
    wrong = client.post("/emergency/", {**CALL, "call_ended_at": "nonsense"})
    assert (wrong.status_code, "nonsense" in wrong.content.decode()) == (422, True)
    answer = client.post("/emergency/", CALL)
    case = Case.objects.get(kind=KIND)
    assert answer.url == f"/emergency/{case.uid}/"
    assert facts(case).call_ended_at == utc(24, "03:13:55")
    page = client.get(answer.url).content.decode()
    assert "53:55" in page and "+447700900321" in page and "I called them back" in page
    assert "<title>" + case.reference in page
    assert "checked" not in page.partition('name="contact"')[2].partition(">")[0]  # not even the only number
    for left_out, said in (
        ("contact", "Call the control room back on a number of the directory, then say on which."),
        ("is_read_back", "Read it aloud, let them repeat it, then say so."),
    ):
        refused = client.post(answer.url, {name: text for name, text in READ.items() if name != left_out})
        assert (Case.objects.get(pk=case.pk).state, Release.objects.count()) == ("live", 0)
        assert refused.status_code == 422 and "50.3720" in refused.content.decode()
        assert said in refused.content.decode()
    assert client.post(answer.url, READ).status_code == 302
    looked = client_of("e.hallam").get(f"/cases/{case.uid}/").content.decode()
    assert "+441632960099 (Duty supervisor)" in looked and ">night<" not in looked
    assert "Source of the position" in looked and ">Sent by the handset (AML)<" in looked
    case.refresh_from_db()
    assert (case.state, facts(case).located_at) == ("disclosed", utc(24, "03:13:20"))
    assert client.post(answer.url, READ).status_code == 409
    assert client.post(answer.url, {"act": "write_up", **WORDS}).status_code == 302
    case.refresh_from_db()
    assert case.state == "written_up"
    assert "waits for another person" in client.get(answer.url).content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0001-01-01T00:00+10:00", "Write the time in UTC"),
        ("0001-01-01T00:00", "That is too long ago."),
        ("9999-12-31T23:59-10:00", "Write the time in UTC"),
        ("9999-12-31T23:59", "That is still to come."),
    ],
)
def test_a_time_out_of_all_range_gets_a_sentence_and_writes_nothing(people, now, typed, said):
    client = client_of("n.okonjo", is_stepped_up=True)
    with nothing_written():
        answer = client.post("/emergency/", {**CALL, "call_began_at": "", "call_ended_at": typed})
    page = answer.content.decode()
    assert (answer.status_code, said in page, typed in page) == (422, True, True)


@pytest.mark.parametrize(
    ("at", "typed", "ended"),
    [
        ("2026-11-24T03:13:40Z", "03:13", "2026-11-24T03:13:00Z"),
        ("2026-11-24T03:13:40Z", "03:14", "2026-11-24T03:13:40Z"),
        ("2026-11-24T23:59:30Z", "00:00", "2026-11-24T23:59:30Z"),
        ("2026-11-24T00:30:00Z", "23:50", "2026-11-23T23:50:00Z"),
        ("2026-07-24T03:13:40Z", "04:13", None),
        ("2026-07-24T23:30:00Z", "00:28", None),
        ("2026-11-24T03:13:40Z", "05:14", "2026-11-23T05:14:00Z"),
    ],
)
def test_a_time_a_little_ahead_is_now_and_summer_time_is_told_so_and_neither_is_yesterday(
    people, now, at, typed, ended
):
    now["now"] = datetime.fromisoformat(at)
    client = client_of("n.okonjo", is_stepped_up=True)
    call = {**CALL, "call_began_at": "", "call_ended_at": typed}
    if ended is None:
        with nothing_written():
            page = client.post("/emergency/", call)
        said = f"That is still to come: it is {now['now']:%H:%M} UTC now."
        assert (page.status_code, said in page.content.decode()) == (422, True)
        return
    client.post("/emergency/", call)
    case = Case.objects.get(kind=KIND)
    assert facts(case).call_ended_at == datetime.fromisoformat(ended)
    # K05: an hour after the call ended, to the second.
    assert clock(case, "k05_emergency_period").due_at == datetime.fromisoformat(ended) + timedelta(hours=1)


def test_an_hour_that_was_over_before_they_asked_names_its_day_and_what_to_do_where_it_was_mistyped(people, now):
    client = client_of("n.okonjo", is_stepped_up=True)
    path = client.post("/emergency/", {**CALL, "call_began_at": "", "call_ended_at": "2026-11-23T03:13"}).url
    page = client.get(path).content.decode()
    assert "The hour after the call ended at 04:13:00 UTC on 23 November 2026." in page
    assert (
        "If the end of the call was mistyped, begin a new emergency." in page and "call ended 23 Nov 03:13:00" in page
    )
    assert "mistyped, begin a new emergency" in client.post(path, READ).content.decode()
    assert (Release.objects.count(), Case.objects.get(kind=KIND).state) == (0, "live")
    again = client.post("/emergency/", {**CALL, "call_began_at": "", "call_ended_at": "03:13"}).url
    assert client.post(again, READ).status_code == 302 and Release.objects.count() == 1


def test_the_same_press_again_gives_nothing_more(people, now):
    client = client_of("n.okonjo", is_stepped_up=True)
    path = client.post("/emergency/", CALL).url
    client.post(path, READ)
    case = Case.objects.get(kind=KIND)
    assert f'name="version" value="{case.version}"' in client.get(path).content.decode()
    no = {"act": "refuse_more", "reason_code": "more_than_needed", "reason": "No."}
    for act in ({**READ, "act": "disclose_more"}, no):
        again = {**act, "version": str(Case.objects.get(pk=case.pk).version)}
        assert client.post(path, again).status_code == 302
        before = LedgerEvent.objects.filter(stream=case.uid).count()
        answer = client.post(path, again)
        assert LedgerEvent.objects.filter(stream=case.uid).count() == before
        assert answer.status_code == 409 and "The emergency has moved on." in answer.content.decode()
    assert (Release.objects.filter(case=case).count(), case.approvals.count()) == (2, 3)


def test_at_61_minutes_the_screen_says_so_and_offers_only_to_refuse(people, now):
    client = client_of("n.okonjo", is_stepped_up=True)
    path = client.post("/emergency/", CALL).url
    now["now"] = utc(24, "04:14:55")
    page = client.get(path).content.decode()
    assert "The hour after the call ended at 04:13:55 UTC." in page
    assert 'value="disclose"' not in page and 'value="refuse"' in page
    clocks = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "over" in clocks and "<html" not in clocks
    case = Case.objects.get(kind=KIND)
    before = LedgerEvent.objects.filter(stream=case.uid).count()
    assert client.post(path, READ).status_code == 409
    assert LedgerEvent.objects.filter(stream=case.uid).count() == before
    done = client.post(path, {"act": "refuse", "reason_code": "past_hour", "reason": "Asked too late."}, follow=True)
    assert "single point of contact, grade 1" in done.content.decode()


def test_giving_asks_for_the_second_factor_and_keeps_what_was_typed(people, now):
    fresh = client_of("n.okonjo", is_stepped_up=True)
    path = fresh.post("/emergency/", CALL).url
    stale = client_of("n.okonjo")
    session = stale.session
    session["account_authentication_methods"][0]["at"] -= 3600
    session.save()
    assert stale.get("/emergency/").url.startswith("/account/step-up/") or stale.get("/emergency/").status_code == 302
    answer = stale.post(path, READ)
    assert (answer.status_code, Release.objects.count()) == (302, 0)


def test_a_sheet_is_printed_and_entered(people, now):
    client = client_of("n.okonjo", is_stepped_up=True)
    sheet = client.get("/emergency/sheet/").content.decode()
    assert "+441632960099" in sheet and "read it aloud" in sheet
    now["now"] = utc(24, "09:00:00")
    path = client.post("/emergency/from-sheet/", {**CALL, "requested_at": "03:20"}).url
    page = client.get(path).content.decode()
    assert "From a sheet" in page and "Given at, as the sheet says" in page
    assert client.post(path, READ).status_code == 422
    assert client.post(path, {**READ, "said_at": "03:24"}).status_code == 302
    case = Case.objects.get(kind=KIND)
    assert (facts(case).given_at, facts(case).requested_at) == (utc(24, "03:24:00"), utc(24, "03:20:00"))
    assert case.opened_at == utc(24, "09:00:00")


def test_the_screen_is_the_operators_alone(people):
    case = emergencies.live(people)
    for name, status in (("k.mistry", 403), ("e.hallam", 403), ("a.byrne", 404), ("m.achterberg", 404)):
        client = client_of(name, is_stepped_up=True)
        assert client.get(f"/emergency/{case.uid}/").status_code == status
        with nothing_written():
            assert client.post(f"/emergency/{case.uid}/", READ).status_code == status
            assert client.post("/emergency/", CALL).status_code == 403
    assert client_of("e.hallam").get(f"/cases/{case.uid}/").status_code == 200
