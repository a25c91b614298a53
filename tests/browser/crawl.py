"""Walks the staff pages as different people and gathers what a browser and axe complain about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.urls import get_resolver

from tests.length import AT_LENGTH
from tests.web import desk

SUBMIT = "form => { form.noValidate = true; form.requestSubmit(); }"
# Moves share a name, so that opening one closes the others; axe is to see them all.
OPEN_ALL = """document.querySelectorAll('.decision details').forEach(each => {
    each.removeAttribute('name'); each.open = true;
})"""
# Routes that answer only a POST, hand out a file, or only lead elsewhere; each is reached by a form of a page.
WITHOUT_PAGE = {
    "release_batch",
    "go_on_with_batch",
    "close_remittance",
    "access_sign",
    "take_next",
    "several",
    "case_list",
    "trail_list",
    "drafts",
    "draft_drop",
    "newer",
    "views",
    "purpose",
    "next_case",
    "take",
    "note",
    "decide_pair",
    "part_person",
    "step",
    "close_task",
    "report",
    "download",
    "sent_letter",
    "play",
    "report_file",
    "agency_resume",
    "agency_key",
    "decide",
    "withdraw",
    "letter_pdf",
    "wake",
    "unlink",
    "task_take",
    "task_done",
    "verdict",
    "policy_document",
    "processing_file",
    "processing_pdf",
    "figures_make",
    "figures_file",
    "job_stop",
    "job_resume",
    "job_rows",
    "compartment_revoke",
    "glass_close",
    "on_call_acknowledge",
    "on_call_waiting",
    "scan_again",
    "disclosures_file",
    "disclosures_inspection",
    "sale_bid",
    "sale_find",
    "sale_line_act",
    "sale_look",
    "sale_make_tape",
    "sale_manifest",
}
EXPECTED = (403, 404, 405, 409, 422)
# How large a place to press is (WCAG 2.2, 2.5.8) is judged only where asked for. Of what axe would fetch before it
# judges, only media tell one of its rules anything.
EVERY_RULE = {
    "resultTypes": ["violations"],
    "rules": {"target-size": {"enabled": True}},
    "preload": {"assets": ["media"]},
}
RULES_OF_A_LOOK = EVERY_RULE | {
    "runOnly": ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "meta-viewport"]
}
LOOKS = (("light", 1440, EVERY_RULE), ("dark", 390, EVERY_RULE))
# At length every page is judged in both schemes and both widths by every rule, in the two other pairs by what a look
# can change. Else the looks take turns, and contrast, which takes three quarters of the time, is judged in each look
# once for every sort of element, on which it hangs.
CONTRAST = EVERY_RULE | {"runOnly": ["color-contrast"], "rules": {}}
if AT_LENGTH:
    LOOKS += (("dark", 1440, RULES_OF_A_LOOK), ("light", 390, RULES_OF_A_LOOK))
# What a page is made of, as its style sheets see it: mark the elements of sorts that are not known, return those sorts.
MARK_NEW_SORTS = """known => {
    const before = new Set(known), found = new Set();
    document.body.querySelectorAll('*').forEach(each => {
        const sort = [each.localName, each.type, each.disabled, each.getAttribute('class'),
            each.getAttribute('aria-current')].join(' ');
        const is_new = !before.has(sort);
        each.toggleAttribute('data-new-sort', is_new);
        if (is_new) found.add(sort);
    });
    return [...found];
}"""
OF_NEW_SORTS = "axe.configure({rules: [{id: 'color-contrast', selector: '[data-new-sort]'}]})"
JUDGE = "options => axe.run(document, options).then(found => found.violations)"


@dataclass
class Findings:
    """Complaints by page, the names of the routes that were drawn, the sorts of element judged in each look, and what
    pages said that are like others."""

    complaints: list[str] = field(default_factory=list)
    routes: set[str] = field(default_factory=set)
    pages: int = 0
    sorts: dict[str, set[str]] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)


def leave_some_sections(page: Any) -> None:
    """Of a page of seven thousand elements that one template draws leave each fifth section: axe takes as long for the
    whole as for sixty pages. At length all are judged."""
    if not AT_LENGTH:
        page.evaluate("document.querySelectorAll('section').forEach((each, i) => { if (i % 5) each.remove(); })")


def routes() -> set[str]:
    """Return the names of all staff routes that draw a page."""
    web = next(each for each in get_resolver().url_patterns[-1].url_patterns if getattr(each, "namespace", "") == "web")
    return set(_names(web.url_patterns)) - WITHOUT_PAGE


def _names(patterns: list[Any]) -> Iterator[str]:
    for each in patterns:
        yield from _names(each.url_patterns) if hasattr(each, "url_patterns") else [each.name]


class Person:
    """One signed-in person's browser."""

    def __init__(self, page: Any, url: str, findings: Findings) -> None:
        self.page, self.url, self.findings, self.look = page, url, findings, ""
        page.on("pageerror", lambda error: self.complain(f"script: {error}"))
        page.on("console", self._console)

    def _console(self, message: Any) -> None:
        if message.type not in {"error", "warning"}:
            return
        if any(f"status of {status}" in message.text for status in EXPECTED):
            return
        self.complain(f"console: {message.text}")

    def complain(self, text: str) -> None:
        self.findings.complaints.append(f"{self.look} {self.page.url.removeprefix(self.url)} {text}")

    def visit(
        self,
        route: str,
        path: str,
        *,
        status: int = 200,
        do: Callable[[Any], None] | None = None,
        looks: Any = LOOKS,
        is_like_others: bool = False,
    ) -> None:
        """Open a page, do something on it, then judge it; of pages that are like others, each that says what is new."""
        response = self.page.goto(self.url + path)
        if response.status != status:
            self.complain(f"answered {response.status}, not {status}")
        if do is not None:
            do(self.page)
        self.findings.routes.add(route)
        if is_like_others and not AT_LENGTH:
            said = self.page.locator("main").inner_text()
            if said in self.findings.said:
                return
            self.findings.said.add(said)
        self.judge(looks)

    def refuse(self, route: str, path: str, form: str, *, typed: dict[str, str] | None = None) -> None:
        """Open a page, type what is wrong, send a form of it, then judge the refusal."""
        self.page.goto(self.url + path)
        for name, text in (typed or {}).items():
            self.page.locator(f"{form} [name='{name}']").fill(text)
        self.send(route, form)

    def send(self, route: str, form: str) -> None:
        """Send a form of the page as it is, see that the answer says what is wrong, then judge it."""
        with self.page.expect_navigation():
            self.page.locator(form).evaluate(SUBMIT)
        if not self.page.locator(".summary, [role=alert], .error, .errorlist").count():
            self.complain("shows no error summary")
        self.findings.routes.add(route)
        self.judge()

    def judge(self, looks: Any = LOOKS) -> None:
        """Run axe in each look that is due, and see in every look that nothing is wider than the window."""
        self.page.evaluate(OPEN_ALL)
        if not AT_LENGTH:
            self.page.evaluate(OF_NEW_SORTS)
        self.findings.pages += 1
        turn = self.findings.pages % len(looks)
        # The look that the page before ended in comes first.
        for number, (scheme, width, rules) in list(enumerate(looks))[:: 1 if turn else -1]:
            self.look = f"{scheme} {width}"
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.set_viewport_size({"width": width, "height": 900})
            if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self.complain("scrolls sideways")
            known = self.findings.sorts.setdefault(self.look, set())
            new = [] if AT_LENGTH else self.page.evaluate(MARK_NEW_SORTS, list(known))
            known.update(new)
            if AT_LENGTH or number == turn:
                self._run_axe(rules)
            elif new:
                self._run_axe(CONTRAST)

    def _run_axe(self, rules: dict[str, Any]) -> None:
        for violation in self.page.evaluate(JUDGE, rules):
            nodes = "; ".join(str(node["target"]) for node in violation["nodes"][:3])
            self.complain(f"axe {violation['id']}: {nodes}")


@contextmanager
def person(browser: Any, url: str, username: str, findings: Findings) -> Iterator[Person]:
    """Open a browser in which this person is signed in (nobody, for an empty name)."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.add_init_script(Axe().axe_script)
    try:
        with cookie_of(context, url, username):
            yield Person(context.new_page(), url, findings)
    finally:
        context.close()


@contextmanager
def cookie_of(context: Any, url: str, username: str) -> Iterator[None]:
    """Sign this person in, in a browser context; nobody, for an empty name."""
    if username:
        key = desk.session_of(username, is_stepped_up=True)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": url}])
    yield
