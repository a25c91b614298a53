"""Addresses of the staff pages."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, path

from cases.web import (
    acts,
    approvals,
    casepage,
    compartments,
    documents,
    editing,
    glass,
    home,
    jobs,
    office,
    office_teams,
    opening,
    preferences,
    queue,
    referring,
    reporting,
    reveals,
    search,
)

app_name = "web"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.my_work, name="my_work"),
    path("counts/", home.counts, name="counts"),
    path("approvals/", approvals.waiting, name="approvals"),
    path("jobs/", jobs.mine, name="jobs"),
    path("jobs/<uuid:job>/", jobs.progress, name="job"),
    path("jobs/<uuid:job>/stop/", jobs.stop, name="job_stop"),
    path("jobs/<uuid:job>/resume/", jobs.resume, name="job_resume"),
    path("jobs/<uuid:job>/rows/", jobs.rows, name="job_rows"),
    path("office/changes/", office.changes, name="changes"),
    path("office/changes/new/<slug:kind>/", office.propose, name="propose"),
    path("office/changes/<uuid:uid>/", office.change, name="change"),
    path("office/changes/<uuid:uid>/decide/", office.decide, name="decide"),
    path("office/changes/<uuid:uid>/withdraw/", office.withdraw, name="withdraw"),
    path("office/teams/", office_teams.teams, name="teams"),
    path("office/teams/<slug:code>/", office_teams.team, name="team"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("search/", search.search, name="search"),
    path("search/<uuid:uid>/", search.results, name="search_results"),
    path("cases/", queue.queue, name="queue"),
    path("cases/take-next/", queue.take_next, name="take_next"),
    path("cases/new/", opening.kinds, name="new"),
    path("cases/new/<slug:kind>/", opening.new, name="new_case"),
    path("cases/opened/", opening.opened, name="opened"),
    path("cases/<uuid:uid>/", casepage.overview, name="case"),
    path("cases/<uuid:uid>/purpose/", casepage.purpose, name="purpose"),
    path("cases/<uuid:uid>/documents/", documents.documents, name="documents"),
    path("cases/<uuid:uid>/documents/<int:number>/", documents.download, name="download"),
    path("cases/<uuid:uid>/messages/", casepage.messages, name="messages"),
    path("cases/<uuid:uid>/audit/", casepage.audit, name="audit"),
    path("cases/<uuid:uid>/older/", casepage.older, name="older"),
    path("cases/<uuid:uid>/next/", queue.next_case, name="next_case"),
    path("cases/<uuid:uid>/take/", acts.take, name="take"),
    path("cases/<uuid:uid>/assign/", acts.assign, name="assign"),
    path("cases/<uuid:uid>/notes/", acts.note, name="note"),
    path("cases/<uuid:uid>/tasks/<int:number>/", acts.close_task, name="close_task"),
    path("cases/<uuid:uid>/steps/<slug:name>/", acts.step, name="step"),
    path("cases/<uuid:uid>/reveal/<slug:code>/", reveals.reveal, name="reveal"),
    path("cases/<uuid:uid>/edit/", editing.facts, name="edit_facts"),
    path("cases/<uuid:uid>/people/new/", editing.add_person, name="add_person"),
    path("cases/<uuid:uid>/people/<int:number>/", editing.person, name="edit_person"),
    path("cases/<uuid:uid>/refer/<slug:kind>/", referring.refer, name="refer"),
    path("break-glass/", glass.break_glass, name="break_glass"),
    path("break-glass/reviews/", glass.reviews, name="glass_reviews"),
    path("break-glass/reviews/<slug:alert>/", glass.review, name="glass_review"),
    path("compartment/", compartments.compartment, name="compartment"),
    path("compartment/<uuid:grant>/revoke/", compartments.revoke, name="compartment_revoke"),
    path("refer/<slug:kind>/", referring.refer, name="refer_new"),
    path("referred/", referring.referred, name="referred"),
    path("cases/<uuid:uid>/report/", reporting.ask, name="report"),
    path("cases/<uuid:uid>/reports/<uuid:report>/", reporting.progress, name="report_progress"),
    path("cases/<uuid:uid>/reports/<uuid:report>/file/", reporting.file, name="report_file"),
]

if settings.DEBUG:
    urlpatterns.append(path("styleguide/", preferences.styleguide, name="styleguide"))
