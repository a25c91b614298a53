"""Signing in as a person does: password, second factor, and what comes of each alone."""

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from cases.kernel.actors import system
from cases.kernel.office import leaving, people
from cases.ledger.models import SecurityEvent
from tests.signin import totp
from tests.signin.desk import PASSWORD, enrol, set_up, sign_in

WRONG = b"The user name or the password is not right."


def test_password_and_code_open_a_complete_session(client, member, clock):
    client.post("/sign-in/", {"login": "wren", "password": PASSWORD})
    half = client.get("/account/")
    answer = client.post("/sign-in/code/", {"code": member.code(clock)})

    assert half.status_code == 302 and half.url.startswith("/sign-in/")
    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/account/").status_code == 200
    last = SecurityEvent.objects.filter(kind="sign_in").latest("pk")
    assert (last.actor, last.act) == (f"staff:{member.user.pk}", "password+totp")


def test_session_key_changes_when_signing_in(client, member, clock):
    client.post("/sign-in/", {"login": "wren", "password": PASSWORD})
    before = client.session.session_key

    client.post("/sign-in/code/", {"code": member.code(clock)})

    assert client.session.session_key != before


def test_password_without_second_factor_leads_to_enrolment_and_nothing_else(client, clock):
    _user, token = people.add_first_administrator("Wren Halloran", at=clock.at)

    set_up(client, token, "wren")

    for address in ("/account/recovery-codes/", "/account/password/", "/account/sessions/", "/step-up/"):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account/"), address
    for address in ("/account/", "/account/app/", "/account/keys/add/"):
        assert client.get(address).status_code == 200, address
    enrol(client, clock)
    assert client.get("/account/recovery-codes/").status_code == 200


@pytest.mark.parametrize("later", [29, 30, 59])
def test_code_typed_at_the_end_of_its_half_minute_is_taken_until_the_next_one_ends(client, member, clock, later):
    shown = member.code(clock)
    client.post("/sign-in/", {"login": "wren", "password": PASSWORD})
    clock.tick(later)

    answer = client.post("/sign-in/code/", {"code": shown})

    assert (answer.status_code, client.get("/account/").status_code) == (302, 200)


@pytest.mark.parametrize(("ahead", "later"), [(0, 60), (30, 0)])
def test_code_of_two_half_minutes_ago_or_of_the_next_one_is_refused(client, member, clock, ahead, later):
    other = totp.code(member.seed, clock.seconds + ahead)
    client.post("/sign-in/", {"login": "wren", "password": PASSWORD})
    clock.tick(later)

    answer = client.post("/sign-in/code/", {"code": other})

    assert (answer.status_code, client.get("/account/").status_code) == (200, 302)
    assert b"The code is not right" in answer.content


@pytest.mark.parametrize("later", [1, 29, 31, 59, 61])
def test_used_code_is_refused(member, clock, later):
    used = member.code(clock)
    sign_in(Client(), member, clock)
    clock.tick(later)
    thief = Client()
    thief.post("/sign-in/", {"login": "wren", "password": PASSWORD})

    answer = thief.post("/sign-in/code/", {"code": used})

    assert answer.status_code == 200
    assert b"The code is not right" in answer.content
    assert thief.get("/account/").status_code == 302


def test_code_that_proved_the_app_is_not_good_for_signing_in(client, clock):
    _user, token = people.add_first_administrator("Wren Halloran", at=clock.at)
    set_up(client, token, "wren")
    seed = enrol(client, clock)
    thief = Client()
    thief.post("/sign-in/", {"login": "wren", "password": PASSWORD})

    answer = thief.post("/sign-in/code/", {"code": totp.code(seed, clock.seconds)})

    assert b"The code is not right" in answer.content


def test_recovery_code_signs_in_once(member, clock):
    owner = sign_in(Client(), member, clock)
    clock.tick(30)
    owner.post("/step-up/", {"code": member.code(clock)})
    owner.post("/account/recovery-codes/new/")
    shown = owner.get("/account/recovery-codes/").context["unused_codes"]
    hidden = owner.get("/account/recovery-codes/").context["unused_codes"]
    results = []
    for _attempt in range(2):
        visitor = Client()
        visitor.post("/sign-in/", {"login": "wren", "password": PASSWORD})
        results.append(visitor.post("/sign-in/code/", {"code": shown[0]}).status_code)

    assert results == [302, 200]
    assert (len(shown), set(hidden)) == (10, {"****"})


def _refusal(username: str, password: str) -> tuple[int, bytes]:
    client = Client()
    answer = client.post("/sign-in/", {"login": username, "password": password})
    token = client.cookies["csrf"].value.encode() if "csrf" in client.cookies else b"-"
    body = answer.content.replace(answer.context["csrf_token"].encode(), b"").replace(token, b"")
    return answer.status_code, body.replace(username.encode(), b"")


def test_unknown_wrong_and_ended_get_the_same_answer(member, clock):
    unknown = _refusal("nobody", PASSWORD)
    wrong = _refusal("wren", "not the password at all")
    member.user.is_active = False
    member.user.save()
    ended = _refusal("wren", PASSWORD)

    assert unknown == wrong == ended
    assert WRONG in unknown[1]
    assert [event.act for event in SecurityEvent.objects.filter(kind="sign_in_refused")] == ["password"] * 3


def test_sixth_wrong_password_is_not_tried(member, clock):
    for _attempt in range(5):
        _refusal("wren", "not the password at all")

    answer = Client().post("/sign-in/", {"login": "wren", "password": PASSWORD})

    assert b"There were too many attempts" in answer.content


def test_limit_is_not_escaped_by_a_forged_address(member, clock):
    for number in range(20):
        Client().post(
            "/sign-in/",
            {"login": f"guess-{number}", "password": "x" * 20},
            headers={"x-forwarded-for": f"198.51.100.{number}"},
        )

    answer = Client().post(
        "/sign-in/", {"login": "guess-last", "password": "x" * 20}, headers={"x-forwarded-for": "203.0.113.9"}
    )

    assert b"There were too many attempts" in answer.content


def test_guessed_codes_are_limited(member, clock):
    client = Client()
    client.post("/sign-in/", {"login": "wren", "password": PASSWORD})
    for number in range(5):
        client.post("/sign-in/code/", {"code": f"00000{number}"})

    answer = client.post("/sign-in/code/", {"code": member.code(clock)})

    assert answer.status_code == 200
    assert b"There were too many attempts" in answer.content


def test_deactivated_person_is_out_at_the_next_request(client, member, clock):
    sign_in(client, member, clock)
    assert client.get("/account/").status_code == 200

    leaving.leave(member.user.pk, actor=system("test"), at=clock.at)

    answer = client.get("/account/")
    assert (answer.status_code, answer.url) == (302, "/sign-in/?next=/account/")


def test_idle_and_old_sessions_end(client, member, clock):
    sign_in(client, member, clock)
    client.get("/account/")
    clock.tick(899)
    still = client.get("/account/").status_code
    clock.tick(901)
    idle = client.get("/account/").status_code
    clock.tick(30)
    sign_in(client, member, clock)
    for _quarter in range(49):
        client.get("/account/")
        clock.tick(890)
    old = client.get("/account/").status_code

    assert (still, idle, old) == (200, 302, 302)


def test_last_second_factor_cannot_be_removed(client, member, clock):
    sign_in(client, member, clock)
    clock.tick(30)
    client.post("/step-up/", {"code": member.code(clock)})

    answer = client.post("/account/app/remove/")

    assert b"This is your only second factor" in answer.content
    assert member.user.authenticator_set.filter(type="totp").count() == 1


def test_database_holds_no_seed(client, clock):
    _user, token = people.add_first_administrator("Wren Halloran", at=clock.at)
    set_up(client, token, "wren")
    client.get("/account/app/")
    waiting = client.get("/account/app/")
    pending = waiting.context["seed"].replace(" ", "")
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    seed = enrol(client, clock)
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        stored = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT l::text FROM cases_signinlink l")
        links = cursor.fetchone()[0]

    assert not any(pending in text for text in sessions)
    assert len(stored) == 2 and not any(seed in text for text in stored)
    assert all("kek-" in text for text in stored)
    assert token not in links


def test_code_picture_is_an_image_of_this_site_and_only_while_setting_up(client, clock):
    _user, token = people.add_first_administrator("Wren Halloran", at=clock.at)
    set_up(client, token, "wren")
    page = client.get("/account/app/")
    picture = client.get("/account/app/code.svg")
    enrol(client, clock)

    assert b'src="/account/app/code.svg"' in page.content and b"data:" not in page.content
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/svg+xml")
    assert client.get("/account/app/code.svg").status_code == 404


def test_fragment_of_an_ended_session_leads_the_whole_page_to_sign_in(client, db):
    answer = client.get(
        "/counts/", headers={"hx-request": "true", "hx-current-url": "http://testserver/cases/?view=open"}
    )

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/sign-in/?next=%2Fcases%2F%3Fview%3Dopen")


def test_too_many_tries_are_told_so(client, clock):
    answers = [client.post("/sign-in/", {"login": "", "password": ""}).status_code for _attempt in range(61)]

    assert answers == [200] * 60 + [429]


def test_changed_password_ends_every_session(client, member, clock):
    sign_in(client, member, clock)
    clock.tick(30)
    other = sign_in(Client(), member, clock)
    fresh = "meadow anvil copper thistle"

    page = client.get("/account/password/")
    client.post("/account/password/", {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh})

    assert page.status_code == 200
    assert [each.get("/account/").status_code for each in (client, other)] == [302, 302]
    assert SecurityEvent.objects.filter(kind="password_changed", actor=f"staff:{member.user.pk}").count() == 1
    member.user.refresh_from_db()
    assert member.user.check_password(fresh)


FORGED = [
    "[7]",
    "7",
    '{"a": 1}',
    '{"id": "x", "response": {"userHandle": "eA"}}',
    '{"id": "eA", "rawId": "eA", "type": "public-key", "response": {"userHandle": "eA"}}',
    '{"id": "eA", "rawId": "eA", "type": "public-key", "response": {"userHandle": "eA", "clientDataJSON": "e30", '
    '"authenticatorData": "AAAA", "signature": "AA"}, "clientExtensionResults": {}}',
]


@pytest.mark.parametrize("forged", FORGED)
def test_forged_passkey_is_refused_and_noted(client, db, forged):
    client.get("/sign-in/key/", headers={"accept": "application/json"})

    answer = client.post("/sign-in/key/", {"credential": forged})

    assert (answer.status_code, answer.url) == (302, "/sign-in/")
    assert SecurityEvent.objects.filter(kind="sign_in_refused", act="webauthn", actor="").count() == 1


@pytest.mark.parametrize("forged", FORGED)
def test_forged_key_neither_confirms_nor_is_added(client, member, clock, forged):
    sign_in(client, member, clock)
    clock.tick(30)

    confirmed = client.post("/step-up/", {"credential": forged})
    client.post("/step-up/", {"code": member.code(clock)})
    added = client.post("/account/keys/add/", {"credential": forged, "name": "x"})

    assert (confirmed.status_code, added.status_code) == (200, 200)
    assert SecurityEvent.objects.filter(kind="step_up_refused", act="webauthn").count() == 1
    assert not member.user.authenticator_set.filter(type="webauthn").exists()


def test_each_refusal_hashes_one_password(member, clock, monkeypatch):
    """The time of an answer is the time of its hashing; none is skipped and none is done twice."""
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append(1) or encode(*args))
    counts = []
    for username, password in (("nobody", PASSWORD), ("wren", "not the password at all")):
        _refusal(username, password)
        counts.append(len(hashed))
        hashed.clear()
    member.user.is_active = False
    member.user.save()
    _refusal("wren", PASSWORD)

    assert [*counts, len(hashed)] == [1, 1, 1]


def test_browser_not_seen_before_is_noted_once_others_are_known(clock, member):
    sign_in(Client(headers={"user-agent": "One"}), member, clock)
    for browser in ("One", "Two", "Two"):
        clock.tick(90)
        sign_in(Client(headers={"user-agent": browser}), member, clock)

    events = SecurityEvent.objects.filter(actor=f"staff:{member.user.pk}", kind="new_browser")
    assert events.count() == 2  # the first one of all is the one that set the sign-in up
