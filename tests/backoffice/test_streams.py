"""Slow readers take no more than their share of the threads: pages answer whoever downloads, and for however long."""

from contextlib import closing

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import include, path

from backoffice import streams

OPENED: list[str] = []
MEGABYTE = 1024 * 1024


@login_not_required
def large(request) -> StreamingHttpResponse:
    """A document of 200 MB, a piece at a time."""
    OPENED.append(request.path)
    return StreamingHttpResponse((b"x" for _ in range(3)), headers={"Content-Length": str(200 * MEGABYTE)})


@login_not_required
def piece(_request) -> StreamingHttpResponse:
    """A piece of a recording, which the proxy takes off at once."""
    return StreamingHttpResponse([b"x"], headers={"Content-Length": str(4 * MEGABYTE)})


@login_not_required
def page(_request) -> HttpResponse:
    return HttpResponse("here")


urlpatterns = [path("", include("backoffice.urls")), path("large/", large), path("piece/", piece), path("page/", page)]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def nothing_opened():
    OPENED.clear()


def test_two_slow_readers_of_a_process_leave_the_pages_and_a_third_is_told_to_come_again():
    client = Client()
    slow = [client.get("/large/"), client.get("/large/")]

    third = client.get("/large/")

    assert [each.status_code for each in slow] == [200, 200]
    assert (third.status_code, third["Retry-After"], len(OPENED)) == (503, "60", 2)  # nothing opened, nothing recorded
    assert (client.get("/page/").status_code, client.get("/piece/").status_code) == (200, 200)
    assert b"".join(slow[0].streaming_content) == b"xxx"  # read to its end, which closes it
    with closing(client.get("/large/")) as again:
        assert again.status_code == 200
    slow[1].close()
    slow[1].close()
    rest = [client.get("/large/"), client.get("/large/"), client.get("/large/")]
    assert [each.status_code for each in rest] == [200, 200, 503]


def test_a_reader_who_takes_too_long_is_cut_off_and_gives_the_place_back(monkeypatch):
    client, now = Client(), [0.0]
    monkeypatch.setattr(streams.time, "monotonic", lambda: now[0])
    answer = client.get("/large/")
    chunks = iter(answer.streaming_content)
    now[0] = 600.0
    assert next(chunks) == b"x"
    now[0] = 600.1
    with pytest.raises(TimeoutError):
        next(chunks)
    answer.close()
    assert [client.get("/large/").status_code for _ in range(3)] == [200, 200, 503]
