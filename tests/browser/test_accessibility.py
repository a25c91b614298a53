"""Every staff page, empty, filled, refused and forbidden, light and dark, wide and narrow: axe finds nothing, the
console stays silent."""

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import reports
from cases.accounts import uploads as accounts
from cases.agencies import application
from cases.credit.files.models import CreditFile, CreditFileFault
from cases.debt.models import Remittance
from cases.disclosure import package
from cases.kernel import actors, edits, record
from cases.kernel.background import jobrun, jobs
from cases.kernel.disposal import disposals
from cases.kernel.evidence import taking
from cases.kernel.finding import joining, matching
from cases.kernel.linking import links
from cases.kernel.models import AccessReview, Figures, OutboxMessage, Party, PersonPair
from cases.kernel.office import access, proposals
from cases.kernel.personal import drafts
from cases.kernel.restricted import breakglass
from cases.kernel.timing import quarters
from cases.ledger import api as ledger
from cases.reports.figures import counting, tables
from tests import (
    creditfiles,
    defaults,
    disclosures,
    emergencies,
    factories,
    partners,
    placements,
    requests_of_people,
    sales,
    suspicions,
    uploads,
)
from tests.accounts import portfolio
from tests.agencies.test_application import hear
from tests.api.caller import callback
from tests.browser import crawl
from tests.fraud.told import hear_of
from tests.kernel import walks  # noqa: F401 -- declares the kind of work that is started here
from tests.web.test_previews import pdf
from tests.web.test_recordings import sound

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _open_menus(page) -> None:
    page.evaluate("document.querySelectorAll('details.pop').forEach((each, i) => { each.open = i === 0; })")


def _reveal(page) -> None:
    page.locator("main a:has-text('Reveal')").first.click()
    page.locator("select[name=purpose]").select_option("verify_identity")
    page.get_by_role("button", name="Show it for a minute").click()
    page.locator("[data-revealed]").wait_for()


def _search(text: str):
    def search(page) -> None:
        page.locator("#sq").fill(text)
        with page.expect_navigation():
            page.locator("#sq").press("Enter")

    return search


def _palette(page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("a")


def _empty(people: crawl.Person) -> None:
    people.visit("my_work", "/")
    people.visit("queue", "/cases/")
    people.visit("queue", "/cases/?q=NOTHING&amount=500000-")
    people.visit("approvals", "/approvals/")


def _filled(worker: crawl.Person, cases: dict, report) -> None:
    worker.visit("my_work", "/")
    worker.visit("tasks", "/tasks/?view=all", do=_open_menus)
    worker.visit("tasks", "/tasks/?kind=hold_review")
    worker.visit("queue", "/cases/", do=_open_menus)
    worker.visit("queue", "/cases/?view=closed&sort=amount")
    worker.visit("queue", "/cases/?assignee=1&due=week", do=_palette)
    worker.visit("search", "/search/")
    worker.visit("search_results", "/search/", do=_search("morw"))
    worker.visit("search_results", "/search/", do=_search("nobody of this name"))
    worker.visit("new", "/cases/new/")
    worker.visit("new_case", "/cases/new/fraud_referral/")
    worker.visit("preferences", "/preferences/")
    draft = drafts.keep(
        reverse("web:note", args=[cases["filed"].uid]),
        reverse("web:case", args=[cases["filed"].uid]),
        [("note", "Not sent yet.", True)],
        case=cases["filed"],
        actor=actors.staff(factories.user("a.byrne")),
        at=factories.FILED_AT,
    )
    worker.visit("draft", reverse("web:draft", args=[draft.pk]))
    worker.visit("operations", "/operations/")
    worker.visit("counts", "/")
    for state, case in cases.items():
        worker.visit("case", reverse("web:case", args=[case.uid]), do=_reveal if state == "ready" else None)
    case = cases["filed"]
    for name in ("documents", "messages", "audit", "older", "assign"):
        worker.visit(name, reverse(f"web:{name}", args=[case.uid]))
    worker.visit("reveal", reverse("web:reveal", args=[case.uid, "person-2-phone"]))
    worker.visit("report_progress", reverse("web:report_progress", args=[case.uid, report.uid]))
    case = cases["investigating"]
    for name in ("holds", "linked", "snooze", "conflict"):
        worker.visit(name, reverse(f"web:{name}", args=[case.uid]))
    worker.visit("preview", reverse("web:preview", args=[case.uid, case.evidence.latest("number").number]))
    call = case.evidence.filter(media_type="audio/wav").latest("number")
    worker.visit("recording", reverse("web:recording", args=[case.uid, call.number]))
    for name in ("split", "merge"):
        worker.visit(name, reverse(f"web:{name}", args=[case.uid]))
    worker.visit("merge", f"{reverse('web:merge', args=[case.uid])}?into={cases['referred'].reference}")
    for each in ("investigating", "filed"):
        worker.visit("detach", reverse("web:detach", args=[cases[each].uid, 2]))
    worker.visit("reveal_person", reverse("web:reveal_person", args=[case.uid, 2]))
    worker.visit("edit_facts", reverse("web:edit_facts", args=[case.uid]))
    worker.visit("edit_person", reverse("web:edit_person", args=[case.uid, 1]))
    worker.visit("add_person", reverse("web:add_person", args=[case.uid]))
    worker.visit("add_address", reverse("web:add_address", args=[case.uid, 1]))
    worker.visit("edit_address", reverse("web:edit_address", args=[case.uid, 1, 1]))


def _rules_and_jobs(counsel: crawl.Person, job) -> None:
    for name in ("clock_rules", "calendars", "retention", "policy_documents", "processing"):
        counsel.visit(name, reverse(f"web:{name}"))
    counsel.visit("clock_rule", reverse("web:clock_rule", args=["k10_request"]))
    for kind in ("clock_rule", "holiday", "policy_document"):
        path = reverse("web:propose", args=[kind])
        counsel.visit("propose", f"{path}?code=k10_request")
        counsel.refuse("propose", path, "main form")
    counsel.visit("jobs", reverse("web:jobs"))
    counsel.visit("job", reverse("web:job", args=[job.uid]))


def _persons(worker: crawl.Person, people: dict, case) -> None:
    matching.compare_due(now=factories.FILED_AT)
    pairs = list(PersonPair.objects.filter(first__case=case) | PersonPair.objects.filter(second__case=case))
    joining.decide(pairs[0].pk, "joined", actor=people["a.byrne"], at=factories.FILED_AT)
    worker.visit("pairs", reverse("web:pairs", args=[case.uid]))
    worker.visit("party", reverse("web:party", args=[Party.objects.get().uid]))


def _office(keeper: crawl.Person, people: dict, proposal) -> None:
    """The office's own pages, as an administrator sees them; nothing of a case is on any."""
    keeper.visit("changes", "/office/changes/")
    keeper.visit("changes", "/office/changes/?view=mine", do=_open_menus)
    keeper.visit("change", reverse("web:change", args=[proposal.uid]))
    keeper.visit("teams", "/office/teams/")
    keeper.visit("team", "/office/teams/fraud/")
    keeper.visit("access_reviews", "/office/access/")
    keeper.visit("access_review", reverse("web:access_review", args=[AccessReview.objects.get(team__code="fraud").uid]))
    keeper.visit("letters", "/office/letters/")
    keeper.visit("letter", "/office/letters/n11/")
    keeper.visit("letter_preview", "/office/letters/n11/preview/")
    keeper.visit("codes", "/office/codes/")
    keeper.visit("code_list", "/office/codes/fraud_product/")
    for path in ("team_member/?team=fraud", "letter_text/?code=n11", f"leaver/?user={people['p.nair'].user_id}"):
        keeper.refuse("propose", f"/office/changes/new/{path}", "main form")


def _refused(worker: crawl.Person, cases: dict) -> None:
    case = cases["investigating"]
    page = reverse("web:case", args=[case.uid])
    worker.refuse("new_case", "/cases/new/fraud_referral/", "form[action*='/cases/new/']")
    worker.refuse("search", "/search/", "form.finder")
    worker.refuse("case", page, "form[action*='/steps/submit/']")
    worker.refuse("case", page, "form.composer")
    worker.refuse("task_hand_on", "/tasks/?view=all", "main form[action*='/hand-on/']")
    worker.refuse("linked", reverse("web:linked", args=[case.uid]), "main form:has([name=reference])")
    worker.refuse("linked", reverse("web:linked", args=[case.uid]), "main form[action*='/remove/']")
    worker.refuse("split", reverse("web:split", args=[case.uid]), "main form:has([name=reason])")
    worker.refuse("detach", reverse("web:detach", args=[case.uid, 2]), "main form:has([name=reason])")
    worker.visit("merge", f"{reverse('web:merge', args=[case.uid])}?into=NOTHING", status=422)
    for name in ("holds", "snooze", "conflict"):
        worker.refuse(name, reverse(f"web:{name}", args=[case.uid]), "main form:has([name=reason], [name=kind])")
    worker.refuse("reveal_person", reverse("web:reveal_person", args=[case.uid, 2]), "main form:has([name=purpose])")
    worker.refuse("documents", reverse("web:documents", args=[case.uid]), "form[enctype]")
    worker.refuse("add_person", reverse("web:add_person", args=[case.uid]), "main form:has([name=role])")
    worker.refuse("add_address", reverse("web:add_address", args=[case.uid, 1]), "main form:has([name=uprn])")
    facts, person = reverse("web:edit_facts", args=[case.uid]), reverse("web:edit_person", args=[case.uid, 1])
    worker.refuse("edit_facts", facts, "main form:has([name=discovered_date])", typed={"discovered_date": ""})
    worker.refuse("edit_person", person, "main form:has([name=email])", typed={"email": "nonsense"})


def _open_a_case_they_may_not_see(colleague: crawl.Person) -> None:
    page = colleague.page
    page.goto(f"{colleague.url}/cases/new/fraud_referral/")
    page.locator("[name=fpa_case_type]").select_option("identity_fraud")
    page.locator("[name=reasons][value=fictitious_identity]").check()
    page.locator("[name=discovered_date]").fill("2026-11-14")
    for name, value in (("product", "mob_paym"), ("sales_channel", "phone"), ("people-0-role", "applicant")):
        page.locator(f"[name={name}]").select_option(value)
    page.locator("[name=people-0-alias]").fill("Morwenna Tregaskis")
    with page.expect_navigation():
        page.get_by_role("button", name="Open the case").click()
    colleague.findings.routes.add("opened" if page.url.endswith("/cases/opened/") else "nowhere")
    colleague.judge()


def _restricted(browser, url: str, people: dict, case, found: crawl.Findings) -> None:
    """Referring, the officer's own queue and report, breaking the glass, its review, a compartment's page."""
    report = suspicions.acknowledged(people)
    with crawl.person(browser, url, "m.achterberg", found) as colleague:
        colleague.visit("refer_new", "/refer/suspicion_report/")
        colleague.visit("referred", "/referred/")
        colleague.visit("break_glass", "/break-glass/")
        colleague.refuse("break_glass", "/break-glass/", "main form")
    with crawl.person(browser, url, "a.byrne", found) as worker:
        worker.refuse("refer", reverse("web:refer", args=[case.uid, "suspicion_report"]), "main form")
    broken = breakglass.break_glass(
        case.reference,
        reason="Customer at the counter, handset about to leave.",
        actor=people["m.achterberg"],
        at=timezone.now(),
    )
    with crawl.person(browser, url, "m.achterberg", found) as looker:
        looker.visit("case", reverse("web:case", args=[case.uid]))
    with crawl.person(browser, url, "j.merriweather", found) as reviewer:
        reviewer.visit("glass_reviews", "/break-glass/reviews/")
        reviewer.refuse("glass_review", f"/break-glass/reviews/{broken.alert_reference}/", "main form")
    with crawl.person(browser, url, "h.castellan", found) as officer:
        officer.visit("queue", "/cases/?kind=suspicion_report")
        officer.visit("case", reverse("web:case", args=[report.uid]))
        officer.refuse("compartment", "/compartment/", "main form:has([name=until])")
        running = reverse("web:extend_period", args=[suspicions.moratorium(people).uid, "k25_moratorium"])
        officer.refuse("extend_period", running, "main form")
    requests = [reverse("web:case", args=[build(people).uid]) for build in disclosures.OPEN]
    packages = [f"/cases/{build(people).uid}/package/" for build in (disclosures.extracting, disclosures.released)]
    with crawl.person(browser, url, "k.mistry", found) as unit:
        unit.visit("queue", "/cases/?kind=le_disclosure")
        for page in requests:
            unit.visit("case", page)
        for page in packages:
            unit.visit("package", page)
            unit.visit("package_part", f"{page}files/1/")
        unit.visit("package_part", _redacted(people))
        unit.refuse("package", packages[0], "form[action$='/files/']")
        unit.refuse("new_case", "/cases/new/le_disclosure/", "form[action*='/cases/new/']")
        unit.refuse("case", requests[0], "form[action*='/steps/verify/']")
        unit.refuse("propose", "/office/changes/new/authority_contact/", "main form")
        unit.refuse("propose", "/office/changes/new/partner_agreement/", "main form")
        unit.visit("disclosures", "/disclosures/")
        unit.visit("partners", "/partners/")
        partners.enter(people)
        query = partners.answered(people)
        unit.visit("partners", "/partners/")
        unit.refuse("partners", "/partners/", "form[enctype]")
        unit.visit("case", reverse("web:case", args=[query.uid]))
    with crawl.person(browser, url, "r.penhale", found) as collections:
        collections.visit("debt_batches", "/debt/batches/")
        collections.visit("debt_accounts", "/debt/accounts/")
        file, _, _ = accounts.take(
            [portfolio.file([portfolio.row(0, product="")])], actor=people["r.penhale"], at=factories.AT
        )
        jobrun.work(clock=lambda: factories.AT)
        collections.visit("debt_accounts", "/debt/accounts/")
        collections.refuse("debt_accounts", "/debt/accounts/", "form[enctype]")
        collections.visit("debt_accounts_file", reverse("web:debt_accounts_file", args=[file.uid]))
        placed = placements.built(people)
        collections.visit("debt_batches", "/debt/batches/")
        collections.refuse("debt_batches", "/debt/batches/", "form[action='/debt/batches/']")
        collections.visit("debt_performance", "/debt/performance/")
        collections.visit("debt_batch", reverse("web:debt_batch", args=[placed.uid]))
        collections.visit("debt_remittances", "/debt/remittances/")
        placements.said(placements.paid(people), "placement.remitted")  # once more, of an account that is paid
        collections.visit("debt_remittances", "/debt/remittances/")
        collections.visit("debt_remittance", reverse("web:debt_remittance", args=[Remittance.objects.get().uid]))
        collections.visit("case", reverse("web:case", args=[placements.case_of(placed).uid]))
    _sales(browser, url, people, found)
    _monthly_file(browser, url, people, found)
    _pack(browser, url, people, found)
    emergencies.enter(people)
    nights = {build.__name__: build(people).uid for build in emergencies.OPEN}
    at = timezone.now()
    running = emergencies.live(people, call_ended_at=at, opened_at=at)
    with crawl.person(browser, url, "n.okonjo", found) as night:
        night.visit("emergency_start", "/emergency/")
        night.refuse("emergency_start", "/emergency/", "form.emergency")
        night.refuse("emergency_from_sheet", "/emergency/from-sheet/", "form.emergency")
        night.visit("emergency_sheet", "/emergency/sheet/")
        for uid in nights.values():
            night.visit("emergency", reverse("web:emergency", args=[uid]))
        night.visit("case", reverse("web:case", args=[nights["written_up"]]))
        screen = reverse("web:emergency", args=[running.uid])
        night.refuse("emergency", screen, "form:has([value=disclose])", typed={"radius_m": "0"})


def _pack(browser, url: str, people: dict, found: crawl.Findings) -> None:
    """A request for access with a note to read through before its pack is made."""
    case = requests_of_people.asked(people, "access")
    officer = people[requests_of_people.OFFICER]
    edits.add_note(case.pk, f"She rang twice about {'x' * 300}.", actor=officer, at=factories.AT)
    long = {"file_name": f"{'n' * 120}.txt", "media_type": "text/plain", "data": b"Please put my name right."}
    edits.attach(case.pk, kind="request", **long, actor=officer, at=factories.AT)
    address = reverse("web:texts_to_read", args=[case.uid])
    with crawl.person(browser, url, requests_of_people.OFFICER, found) as officer:
        officer.visit("case", reverse("web:case", args=[case.uid]))
        officer.visit("documents", reverse("web:documents", args=[case.uid]))
        officer.visit("texts_to_read", address)
        officer.refuse("texts_to_read", address, "form:has([name='text'])")


def _redacted(people: dict) -> str:
    """Return the page of a redacted copy in a package, beside its original."""
    case, actor = disclosures.taken_out(people, items=["subscriber_name"]), people["k.mistry"]
    first = {"kind": "extract", "file_name": "sheet.pdf", "media_type": "application/pdf", "data": pdf()}
    original = edits.attach(case.pk, **first, actor=actor, at=disclosures.AT)
    kind = "application/pdf"
    taken = taking.take(case, [pdf(pages=1)], file_name="copy.pdf", media_type=kind, at=disclosures.AT)
    copy = edits.keep(case.pk, taken, kind="extract", redacts=original.number, actor=actor, at=disclosures.AT)
    factories.scan()
    package.put_in(case.pk, copy.number, item="subscriber_name", actor=actor, at=disclosures.AT)
    return f"/cases/{case.uid}/package/files/1/"


def _sales(browser, url: str, people: dict, found: crawl.Findings) -> None:
    """A sale of debts before and after it is complete: its accounts, one of them, tapes and bids."""
    bidding, complete = sales.bidding(people), sales.came_back(people)
    with crawl.person(browser, url, "g.whitlock", found) as manager:
        for sale in (bidding, complete):
            manager.visit("case", reverse("web:case", args=[sale.uid]))
            manager.visit("sale_accounts", reverse("web:sale_accounts", args=[sale.uid]))
            manager.visit("sale_tapes", reverse("web:sale_tapes", args=[sale.uid]))
            manager.visit("sale_line", reverse("web:sale_line", args=[sale.uid, 1]))
        manager.refuse("new_case", "/cases/new/debt_sale/", "form[action*='/cases/new/']")


def _monthly_file(browser, url: str, people: dict, found: crawl.Findings) -> None:
    """The accounts of a monthly file that an agency did not take: none, and one; and one with which something is
    wrong."""
    case = creditfiles.transmitted(people)
    address = reverse("web:file_rejects", args=[case.uid])
    with crawl.person(browser, url, creditfiles.STEWARD, found) as steward:
        steward.visit("case", reverse("web:case", args=[case.uid]))
        steward.visit("file_rejects", address)
        account = defaults.told(at=factories.AT)
        creditfiles.reject(case, account)
        steward.visit("file_rejects", address)
        file = CreditFile.objects.get(pk=case.pk)
        CreditFileFault.objects.create(file=file, round=file.round, account=account, level="field", code="minor")
        steward.visit("file_rejects", f"{address}?found=minor")


@pytest.mark.timeout(1800)  # some forty pages in four looks
def test_axe_and_the_console_have_nothing_to_say(browser, live_server):
    people = factories.office()
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as worker:
        _empty(worker)

    cases = {state: getattr(factories, state)(people) for state in ("referred", "investigating", "ready", "rejected")}
    cases["filed"] = factories.filed(people)
    links.make(
        cases["investigating"].pk, "related", cases["filed"].reference, actor=people["a.byrne"], at=factories.FILED_AT
    )
    edits.add_note(cases["filed"].pk, "The shop called back.", actor=people["a.byrne"], at=factories.FILED_AT)
    still = {"kind": "call_recording", "file_name": "still.png", "media_type": "image/png", "data": uploads.png()}
    call = {"kind": "call_recording", "file_name": "call.wav", "media_type": "audio/wav", "data": sound(1)}
    for each in (call, still):
        edits.attach(cases["investigating"].pk, **each, actor=people["a.byrne"], at=factories.FILED_AT)
    factories.scan()
    report = reports.request(cases["filed"], actor=people["a.byrne"], at=factories.FILED_AT)

    with crawl.person(browser, live_server.url, "a.byrne", found) as worker:
        _filled(worker, cases, report)
        _persons(worker, people, cases["investigating"])
        _refused(worker, cases)
        worker.visit("problem", "/cases/00000000-0000-4000-8000-000000000000/", status=404)
        for path in ("/people/", "/people/new/", f"/people/{people['d.osei'].user_id}/"):
            worker.visit("problem", path, status=403)
    with crawl.person(browser, live_server.url, "d.osei", found) as approver:
        approver.visit("approvals", "/approvals/")
        approver.visit("case", reverse("web:case", args=[cases["ready"].uid]))
        case = cases["investigating"]
        for name, number in (("edit_facts", []), ("edit_person", [1]), ("add_person", [])):
            approver.visit("problem", reverse(f"web:{name}", args=[case.uid, *number]), status=403)
    counsel = next(name for name, each in people.items() if "legal_counsel" in each.roles)
    job = jobs.start("walk", actor=people[counsel], at=factories.FILED_AT, params={"rows": ["skip-1", "row-1"]})
    jobrun.work(clock=lambda: factories.FILED_AT)
    with crawl.person(browser, live_server.url, counsel, found) as lawyer:
        _rules_and_jobs(lawyer, job)
    auditor = next(name for name, each in people.items() if "auditor" in each.roles)
    with crawl.person(browser, live_server.url, "a.byrne", found) as worker:
        _agencies(worker, cases["filed"])
    with crawl.person(browser, live_server.url, auditor, found) as reader:
        reader.visit("security_log", "/security-log/")
        parts = ("?why=audit_sample&of=office", "?why=audit_sample&of=looks", "?of=looks")
        for asked in ("", "?why=audit_sample", "?why=audit_sample&case=none", *parts):
            reader.visit("trail", f"/audit-trail/{asked}")
        reader.refuse("trail", "/audit-trail/?why=audit_sample", "main form[method='post']")
        reader.visit("status", "/status/")
        reader.visit("on_call", "/on-call/")
        reader.visit("ledger_checks", "/office/ledger/")
        reader.visit("case", reverse("web:case", args=[cases["ready"].uid]))
    administrator = next(name for name, each in people.items() if "system_administrator" in each.roles)
    wanted = {"user": people["p.nair"].user_id, "role": "fraud_approver"}
    proposal = proposals.propose(
        "role_grant", wanted, actor=people[administrator], at=factories.FILED_AT, reason="Promoted."
    )
    access.open_month(now=factories.FILED_AT)
    with crawl.person(browser, live_server.url, administrator, found) as outsider:
        outsider.visit("problem", "/cases/new/", status=403)
        outsider.refuse("agency_pause", "/agencies/sandbox-fraud-register/", "main form[action$='/pause/']")
        _office(outsider, people, proposal)
    with crawl.person(browser, live_server.url, "j.merriweather", found) as officer:
        officer.visit("ties", "/office/conflicts/")
        officer.visit("change", reverse("web:change", args=[proposal.uid]))
        officer.refuse("change", reverse("web:change", args=[proposal.uid]), "main form")
        _figures(officer, people)
        _disposals(officer, people)
    analyst = next(name for name, each in people.items() if "collections_analyst" in each.roles)
    with crawl.person(browser, live_server.url, analyst, found) as colleague:
        _open_a_case_they_may_not_see(colleague)
    _restricted(browser, live_server.url, people, cases["filed"], found)
    with crawl.person(browser, live_server.url, "", found) as stranger:
        stranger.visit("sign_in", "/")

    assert not found.complaints, "\n".join(found.complaints)
    assert crawl.routes() - found.routes == set()


def _figures(officer, people) -> None:
    """No figures, those of a quarter in which nothing came, and those of one with every kind of line."""
    officer.visit("figures", "/figures/")
    counting.ask(quarters.Quarter(2026, 3), actor=people["j.merriweather"], at=factories.FILED_AT)
    officer.visit("figures_quarter", "/figures/2026-q3/")
    jobrun.work(clock=lambda: factories.FILED_AT)
    officer.visit("figures_quarter", "/figures/2026-q3/")
    row = Figures(quarter="2026-q2", asked_by_id=people["d.osei"].user_id, asked_at=factories.AT, made_at=factories.AT)
    few, many = {"mob_paym": 40, "tv": 3, "broadband": 25}, {"all": 68}
    row.tables = tables.published({"fraud_referral": {"all": many, "product": few}}, quarters.Quarter(2026, 2))
    with ledger.action(row.uid, "figures.made", actor="system:tests", at=factories.AT):
        row.save()
    said = {"quarter": "2026-q2", "recipient": "statistics_office", "use": "yearly_report"}
    asked = proposals.propose("figures_release", said, actor=people["d.osei"], at=factories.AT, reason="They asked.")
    officer.visit("change", reverse("web:change", args=[asked.uid]))
    proposals.decide(asked.uid, "agreed", actor=people["j.merriweather"], at=factories.AT, reason="Nobody is in it.")
    officer.visit("figures_quarter", "/figures/2026-q2/")
    officer.visit("figures", "/figures/")
    officer.refuse("propose", "/office/changes/new/figures_release/?quarter=2026-q2", "main form")


def _disposals(officer, people) -> None:
    """Nothing over, a referral that is over, a proposal that waits, and what became of it."""
    officer.visit("disposals", "/disposals/")
    officer.visit("disposal_due", "/disposals/fraud_referral/")
    case, until = factories.referred(people), factories.AT.date()
    with record.act(case, "tests.closed", actor=people["d.osei"], at=factories.AT):
        case.is_closed, case.closed_date, case.dispose_after_date = True, until, until
        case.save()
    officer.visit("disposal_due", "/disposals/fraud_referral/")
    row = disposals.propose("fraud_referral", last_date=until, actor=people["d.osei"], at=timezone.now())
    officer.visit("disposal", f"/disposals/{row.uid}/")
    officer.refuse("disposal", f"/disposals/{row.uid}/", "main form:has([name=why_not])")
    disposals.decide(row.uid, is_agreed=True, actor=people["j.merriweather"], at=timezone.now())
    jobrun.work(clock=timezone.now)
    officer.visit("disposal", f"/disposals/{row.uid}/")
    officer.visit("disposals", "/disposals/")


def _agencies(worker, case) -> None:
    """The register, one agency in each view, a refused decision about a dead letter and about a callback."""
    OutboxMessage.objects.filter(case=case).update(state="dead")
    hear(callback(type="fpa.enquiry", reference=..., agency_reference="SFR-0"), message_id="axe")
    application.apply_pending(now=factories.FILED_AT)
    page = "/agencies/sandbox-fraud-register/"
    worker.visit("agencies", "/agencies/")
    worker.visit("stuck_messages", "/agencies/stuck/")
    for view in ("deliveries", "stuck", "callbacks", "review"):
        worker.visit("agency", f"{page}?view={view}")
    hear_of(case, "fpa.match", their_reference="M-1", member="Fictional Bank", matched_on=["address"])
    told = reverse("web:incoming_notice", args=[case.uid, 1])
    worker.visit("incoming", "/incoming/")
    worker.visit("case_incoming", reverse("web:case_incoming", args=[case.uid]))
    worker.visit("incoming_notice", told)
    hear_of(case, "fpa.removal_instruction", their_reference="I-1", summary="The ombudsman found for the person.")
    worker.visit("incoming_notice", reverse("web:incoming_notice", args=[case.uid, 2]))
    worker.refuse("incoming_notice", told, "main form:has([name=outcome])")
    worker.refuse("agency_message", f"{page}?view=stuck", "main form[action*='/agencies/messages/']")
    worker.refuse("agency_callback_review", f"{page}?view=review", "main form[action*='/agencies/callbacks/']")


SIGN_IN = ("/account/", "/account/password/", "/account/app/", "/account/keys/", "/account/sessions/", "/step-up/")


@pytest.mark.timeout(900)  # some ten pages in four looks
def test_axe_has_nothing_to_say_about_signing_in_and_people(browser, live_server):
    people = factories.office()
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "", found) as stranger:
        stranger.visit("sign_in", "/sign-in/")
        stranger.refuse("sign_in", "/sign-in/", "main form:has([name=password])", typed={"login": "nobody"})
        stranger.visit("welcome", "/welcome/unknown/", status=404)
    with crawl.person(browser, live_server.url, "a.byrne", found) as worker:
        for path in SIGN_IN:
            worker.visit(path, path)
        worker.visit("api_docs", "/api/v1/docs/", do=crawl.leave_some_sections)
    administrator = next(name for name, each in people.items() if "system_administrator" in each.roles)
    with crawl.person(browser, live_server.url, administrator, found) as keeper:
        keeper.visit("people", "/people/")
        keeper.visit("person_new", "/people/new/")
        keeper.refuse("person_new", "/people/new/", "main form[action='/people/new/']")
        keeper.visit("person", f"/people/{people['a.byrne'].user_id}/")

    assert not found.complaints, "\n".join(found.complaints)
