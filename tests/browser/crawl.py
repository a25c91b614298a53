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
    "access_sign",
    "take_next",
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
    "job_stop",
    "job_resume",
    "job_rows",
    "compartment_revoke",
    "on_call_acknowledge",
    "on_call_waiting",
    "scan_again",
    "disclosures_file",
    "disclosures_inspection",
    "sale_bid",
    "sale_line_act",
    "sale_look",
    "sale_make_tape",
    "sale_manifest",
}
EXPECTED = (403, 404, 405, 409, 422)
# Both schemes and both widths are judged by every rule; at length the two other pairs too, by what a look can change.
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
# Three quarters of what judging takes goes into contrast, which hangs on the sorts of element alone.
KNOWN_SORTS = EVERY_RULE | {"rules": {"target-size": {"enabled": True}, "color-contrast": {"enabled": False}}}
if AT_LENGTH:
    LOOKS += (("dark", 1440, RULES_OF_A_LOOK), ("light", 390, RULES_OF_A_LOOK))
# What a page is made of, as its style sheets see it: sorts of element.
SORTS = """() => [...new Set(Array.from(document.body.querySelectorAll('*'), each => [each.localName, each.type,
    each.disabled, each.getAttribute('class'), each.getAttribute('aria-current')].join(' ')))]"""
JUDGE = "options => axe.run(document, options).then(found => found.violations)"


@dataclass
class Findings:
    """Complaints by page, the names of the routes that were drawn, and the sorts of element judged in each look."""

    complaints: list[str] = field(default_factory=list)
    routes: set[str] = field(default_factory=set)
    pages: int = 0
    sorts: dict[str, set[str]] = field(default_factory=dict)

    def rules_of(self, look: str, number: int, rules: dict[str, Any], sorts: list[str]) -> dict[str, Any] | None:
        """Return by which rules axe judges this page in the look that is `number` in the list; then it knows its sorts.

        At length by all of its rules. Else a page that shows what axe has not yet seen in a look is judged by all of
        them; of the other pages the looks take turns, and leave contrast out.
        """
        known = self.sorts.setdefault(look, set())
        if AT_LENGTH or not known.issuperset(sorts):
            known.update(sorts)
            return rules
        return KNOWN_SORTS if self.pages % len(LOOKS) == number else None


def routes() -> set[str]:
    """Return the names of all staff routes that draw a page."""
    web = next(each for each in get_resolver().url_patterns[-1].url_patterns if getattr(each, "namespace", "") == "web")
    return {pattern.name for pattern in web.url_patterns} - WITHOUT_PAGE


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
        self, route: str, path: str, *, status: int = 200, do: Callable[[Any], None] | None = None, looks: Any = LOOKS
    ) -> None:
        """Open a page, do something on it, then judge it."""
        response = self.page.goto(self.url + path)
        if response.status != status:
            self.complain(f"answered {response.status}, not {status}")
        if do is not None:
            do(self.page)
        self.findings.routes.add(route)
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
        sorts = self.page.evaluate(SORTS)
        self.findings.pages += 1
        for number, (scheme, width, rules) in enumerate(looks):
            self.look = f"{scheme} {width}"
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.set_viewport_size({"width": width, "height": 900})
            if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self.complain("scrolls sideways")
            if (chosen := self.findings.rules_of(self.look, number, rules, sorts)) is not None:
                self._judge_look(chosen)

    def _judge_look(self, rules: dict[str, Any]) -> None:
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
