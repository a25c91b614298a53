"""Health, session limits, headers and logs: what every page has in common."""

import json
import logging

import pytest
from django.conf import settings as live_settings
from django.core.cache import caches
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from backoffice import middleware
from backoffice.cache import ForgivingCache
from backoffice.logs import logging_config
from cases.web import refusals


class Person:
    pk = 7
    is_authenticated = True


def _request(path: str = "/", **headers: str):
    request = RequestFactory().get(path, headers=headers)
    request.user = Person()
    request.session = {}
    return request


@pytest.mark.django_db
def test_ready_when_the_database_takes_a_write_and_nothing_stays(client: Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cache")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_not_ready_when_the_database_only_reads(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"unavailable\n")
    assert client.get("/healthz").status_code == 200


def test_session_ends_when_idle_or_after_twelve_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[float] = []
    now = 1_000_000.0
    monkeypatch.setattr(middleware.time, "time", lambda: now)
    monkeypatch.setattr(middleware, "logout", lambda request: ended.append(now))
    limits = middleware.SessionLimits(lambda _request: HttpResponse())
    for began, used in ((0, 899), (0, 901), (43_199, 30), (43_201, 30)):
        request = _request()
        request.session = {"began_at": now - began, "used_at": now - used}
        limits(request)
        ended.append(0)

    assert ended == [0, now, 0, 0, now, 0]


def test_last_use_is_written_at_most_once_a_minute_and_never_by_the_page_itself() -> None:
    limits = middleware.SessionLimits(lambda _request: HttpResponse())
    request = _request()
    limits(request)
    first = request.session["used_at"]

    request.session["used_at"] = first - 59
    limits(request)
    assert request.session["used_at"] == first - 59
    request.session["used_at"] = first - 61
    limits(request)
    assert request.session["used_at"] >= first

    background = _request(**{"X-Background": "1"})
    background.session = {"began_at": first, "used_at": first - 61}
    limits(background)
    assert background.session["used_at"] == first - 61


def test_demo_pages_live_at_localhost_and_machines_may_use_either(settings) -> None:
    settings.DEMO = True
    address = middleware.OneAddress(lambda _request: HttpResponse("here"))

    moved = address(RequestFactory().get("/queue?kind=x", headers={"host": "127.0.0.1:8000"}))
    stayed = [
        address(RequestFactory().get(path, headers={"host": host})).content
        for path, host in (("/api/v1/", "127.0.0.1:8000"), ("/healthz", "127.0.0.1"), ("/queue", "localhost:8000"))
    ]
    odd = address(RequestFactory().get("/queue", headers={"host": "127.0.0.1:80@example.org"}))

    assert (moved.status_code, moved["Location"]) == (302, "http://localhost:8000/queue?kind=x")
    assert stayed == [b"here"] * 3
    assert odd.content == b"here"  # not led to example.org; what answers next refuses the host


def test_page_of_a_signed_in_person_is_stored_nowhere() -> None:
    response = middleware.NoStore(lambda _request: HttpResponse())(_request())

    assert response["Cache-Control"] == "no-store"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.django_db
def test_content_security_policy_is_exactly_the_designed_one(client: Client) -> None:
    policy = client.get("/healthz")["Content-Security-Policy"]

    assert sorted(policy.split("; ")) == [
        "base-uri 'none'",
        "connect-src 'self'",
        "default-src 'none'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self'",
        "manifest-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
    ]


def test_fast_cache_answers_as_empty_when_its_server_is_away() -> None:
    fast = ForgivingCache("unix:///nowhere/valkey.sock", {})

    assert live_settings.CACHES["fast"]["BACKEND"] == "backoffice.cache.ForgivingCache"
    assert fast.set("a", 1) is None
    assert fast.get("a", "miss") == "miss"
    assert fast.get_many(["a"]) == {}
    assert fast.add("a", 1) is False
    assert fast.get_or_set("a", lambda: 7) == 7


@pytest.mark.usefixtures("second_cache")
def test_fast_cache_keeps_what_it_is_given_while_its_server_runs() -> None:
    caches["fast"].set("a", 1)

    assert caches["fast"].get("a") == 1
    caches["fast"].clear()
    assert caches["fast"].get("a") is None


def test_logs_name_an_error_and_its_place_and_never_its_text() -> None:
    formatter = logging_config("json")["formatters"]["plain"]
    made = formatter.pop("()")(**formatter)
    try:
        raise ValueError("Asha Placeholder, born 1990-01-01")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "it broke", None, (ValueError, error, error.__traceback__)
        )
    record.case_id, record.surname = 7, "Placeholder"

    line = json.loads(made.format(record))

    assert (line["event"], line["error"], line["case_id"]) == ("it broke", "ValueError", 7)
    assert "Placeholder" not in json.dumps(line) and "1990" not in json.dumps(line)


def test_logs_of_a_failed_task_leave_out_its_arguments_and_the_text_of_its_error() -> None:
    formatter = logging_config("json")["formatters"]["plain"]
    made = formatter.pop("()")(**formatter)
    record = logging.LogRecord(
        "celery.app.trace", logging.ERROR, __file__, 1, "Task t[1] raised: Placeholder", None, None
    )
    record.data = {"name": "t", "id": "1", "exc": "Placeholder", "args": "('Placeholder',)"}

    line = json.loads(made.format(record))

    assert (line["event"], line["task"], line["task_id"]) == ("task_failed", "t", "1")
    assert "Placeholder" not in json.dumps(line)


@pytest.mark.parametrize(("path", "kind"), [("/cases/", "text/html"), ("/api/v1/schema/", "application/problem+json")])
def test_while_the_database_is_away_everybody_is_asked_to_come_back(path, kind, rf):
    try:
        raise OperationalError("the connection is closed")
    except OperationalError:
        answer = refusals.broken(rf.get(path))

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith(kind)
    assert b"connection" not in answer.content
