"""My work, and the counts of the rail."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.kernel.office import securitynotices
from cases.kernel.reading import desk
from cases.kernel.restricted import breakglass
from cases.web import asking, tallies
from cases.web.desk import drafts, rows, tasklist, viewtallies
from cases.web.refusals import screen

SECTIONS = (
    ("overdue", "Overdue", "Nothing is overdue."),
    ("today", "Due today", "Nothing is due today."),
    ("waiting", "Later, or waiting for others", "Nothing waits."),
    ("recent", "Recently changed", "Nothing changed."),
)


@screen
@require_GET
def my_work(request: HttpRequest) -> HttpResponse:
    """Show one person's own cases by urgency, and the tasks they can do."""
    actor, at = asking.actor_of(request), asking.now()
    viewtallies.count(request, at)
    work = desk.my_work(actor, at=at)
    lines = {code: [rows.line(case, at=at) for case in getattr(work, code)] for code, _, _ in SECTIONS}
    sections = [{"code": code, "label": label, "empty": empty, "lines": lines[code]} for code, label, empty in SECTIONS]
    open_tasks = [
        {"label": tasklist.label_of(task), "task": task, "url": tasklist.page_of(task, actor)[1]} for task in work.tasks
    ]
    is_idle = not (work.overdue or work.today or work.waiting or work.recent or work.tasks)
    alerts = breakglass.alerts(actor, at=at)
    notices = securitynotices.told(actor, since=at - securitynotices.LATELY)
    urgent = rows.urgent_lines(actor, at=at)
    is_idle = is_idle and not urgent
    shown = {"urgent": urgent, "sections": sections, "tasks": open_tasks, "is_idle": is_idle}
    shown |= {"alerts": alerts, "notices": notices, "unsent": drafts.unsent(request)}
    return render(request, "cases/my_work.html", shown)


@screen
@require_GET
def counts(request: HttpRequest) -> HttpResponse:
    """Return the rail with fresh counts; asked for every half minute while the page is looked at, not at once again
    where nothing keeps them."""
    at = asking.now()
    tallies.fresh(request, at)
    viewtallies.count(request, at)
    return render(request, "ui/_rail.html")
