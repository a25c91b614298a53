"""The pages of background work: progress that survives leaving, Stop and Go on, the list of what was left out."""

import pytest
from django.urls import reverse

from cases.kernel.background import jobrun, jobs
from cases.kernel.models import Job
from tests import factories
from tests.factories import AT
from tests.kernel import walks  # noqa: F401 -- declares the kind of work
from tests.web import desk
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "X-Background": "1"}


def begin(people, *rows: str, **more) -> Job:
    return jobs.start("walk", actor=people["a.byrne"], at=AT, params={"rows": list(rows)}, **more)


def page(name: str, job: Job) -> str:
    return reverse(f"web:{name}", args=[job.uid])


def test_progress_is_asked_for_until_the_work_is_over_and_then_no_more(people):
    job, client = begin(people, "row-1", "skip-1"), desk.client_of("a.byrne")

    waiting = client.get(page("job", job), headers=HTMX)
    assert (waiting.status_code, b"every 2s" in waiting.content) == (200, True)
    assert b"Look again" in waiting.content  # without script the reader refreshes by hand
    jobrun.work(clock=lambda: AT)
    over = client.get(page("job", job), headers=HTMX)

    assert (over.status_code, b"every 2s" in over.content) == (286, False)
    assert b"2 of 2" in over.content and b"It is there already" in over.content
    assert Job.objects.get(pk=job.pk).seen_at is not None


def test_progress_is_there_after_signing_in_again(people):
    job = begin(people, "row-1")
    jobrun.work(clock=lambda: AT)

    again = desk.client_of("a.byrne").get(page("job", job))

    assert "1 of 1" in again.content.decode()
    assert desk.client_of("d.osei").get(page("job", job)).status_code == 404


def test_stop_and_go_on_by_button(people):
    job, client = begin(people, "row-1"), desk.client_of("a.byrne")

    said = client.post(page("job_stop", job), follow=True)
    assert "It stops after what it is doing now." in said.content.decode()
    jobrun.work(clock=lambda: AT)
    refused = client.post(page("job_stop", job), follow=True)
    assert "This work is over already." in refused.content.decode()
    client.post(page("job_resume", job))
    jobrun.work(clock=lambda: AT)

    assert Job.objects.get(pk=job.pk).state == "done"


def test_the_list_of_what_was_left_out_names_rows_and_reasons(people):
    job = begin(people, "row-1", "skip-1", "refuse-1", "=skip")
    jobs.stop(job.uid, actor=people["a.byrne"], at=AT)
    jobrun.work(clock=lambda: AT)
    jobs.resume(job.uid, actor=people["a.byrne"], at=AT)
    jobrun.work(clock=lambda: AT)

    answer = desk.client_of("a.byrne").get(page("job_rows", job))

    assert answer.content.decode().splitlines() == [
        "row,what,outcome,reason,at",
        "2,skip-1,Skipped,It is there already,2026-11-14T10:00:00+00:00",
        "3,refuse-1,Failed,Walk refused,2026-11-14T10:00:00+00:00",
        "4,'=skip,Skipped,It is there already,2026-11-14T10:00:00+00:00",
    ]
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.parametrize("count", [1, 3])
def test_list_and_progress_take_few_statements(people, count):
    for number in range(count):
        job = begin(people, f"row-{number}", f"skip-{number}")
    jobrun.work(clock=lambda: AT)
    client = desk.client_of("a.byrne")

    found = statements(client, reverse("web:jobs"))
    assert len(found) == 4, shortly(found)
    client.get(page("job", job))
    found = statements(client, page("job", job))
    assert len(found) == 6, shortly(found)


def test_the_rail_shows_what_was_counted_and_asks_no_sooner_where_nothing_keeps_it(people):
    factories.referred(people)
    client = desk.client_of("a.byrne")
    assert 'hx-trigger="load, every 30s"' in client.get("/cases/new/").content.decode()
    answer = client.get("/counts/")
    assert answer.context["shell"].counts["view.open"] == 1
    assert 'hx-trigger="every 30s"' in answer.content.decode()


def test_the_rail_counts_what_has_ended_and_was_not_seen(people):
    job, client = begin(people, "row-1"), desk.client_of("a.byrne")
    jobrun.work(clock=lambda: AT)

    assert b"Background work" in client.get("/counts/").content
    counted = client.get("/counts/").context["shell"].counts.get("jobs")
    client.get(page("job", job))

    assert counted in (1, None)  # without the second cache nothing is kept between requests
