"""Every page of a case worker answers, in the words of the case."""

import re
from pathlib import Path

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone

from cases.fraud.party_forms import PartyForm
from cases.kernel import casetypes
from cases.kernel.models import User
from cases.kernel.reading import timeline
from cases.templatetags import ui
from cases.web import icons
from cases.web.onecase import panels, story
from tests import emergencies, factories
from tests.web import desk

pytestmark = pytest.mark.django_db


def test_every_page_answers(people):
    case = factories.ready(people)
    client = desk.client_of("a.byrne")
    paths = ["/", "/counts/", "/cases/", "/approvals/", "/preferences/", "/cases/new/", "/cases/new/fraud_referral/"]
    paths += [reverse(f"web:{name}", args=[case.uid]) for name in ("case", "documents", "messages", "audit", "older")]
    paths += [reverse("web:edit_facts", args=[case.uid]), reverse("web:add_person", args=[case.uid])]
    paths += [reverse("web:edit_person", args=[case.uid, 2])]
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200, (path, response.content[:500])
        assert "&lt;" not in response.text, (path, "a piece of the page is shown as text")


def test_an_icon_is_a_name_and_what_an_attribute_says_of_it_is_escaped():
    page = Template(
        '{% load icons %}{% lucide "scale" %}{% lucide "eye" size=16 %}'
        '{% lucide "x" size=14 aria_label=label role="img" %}'
    )
    assert page.render(Context({"label": '">'})) == (
        '<i class="i-scale s24"></i><i class="i-eye"></i><i class="i-x s14" aria-label="&quot;&gt;" role="img"></i>'
    )


def test_every_size_of_an_icon_stands_in_the_style_sheet():
    sheet = (settings.BASE_DIR / "static/backoffice/backoffice.css").read_text()
    sizes = {n for path in settings.BASE_DIR.glob("templates/**/*.html") for n in SIZED.findall(path.read_text())}

    assert all(f"i.s{size} {{ width: {size}px; height: {size}px; }}" in sheet for size in (sizes - {"16"}) | {"24"})


SIZED = re.compile(r"{% lucide [^%]*size=([0-9]+)")
NAMED = re.compile(r'icon="([a-z0-9-]+)"|lucide "([a-z0-9-]+)"|Place\("[^"]+", "([a-z0-9-]+)"|Due\(.*"([a-z0-9-]+)"\)')


def test_every_icon_that_a_page_names_is_drawn():
    sources = [*settings.BASE_DIR.glob("cases/**/*.py"), *settings.BASE_DIR.glob("templates/**/*.html")]
    found = {name for path in sources for names in NAMED.findall(path.read_text()) for name in names if name}
    said = [*story.VERBS.values(), *story.PARTS.values(), *story.ACTS.values()]
    found |= {each.icon for each in said} | {icon for _, _, icon in story.ACTORS.values()} | {"cpu", "circle-dot"}

    assert {"scale", "eye", "inbox", "clock", "mail"} < found <= set(icons.NAMES)


def test_the_drawing_of_all_icons_and_where_each_stands_are_static_files():
    drawing, sheet = (Path(finders.find(f"backoffice/icons.{kind}")).read_text() for kind in ("svg", "css"))

    assert drawing.count("<g transform=") == sheet.count("--i:") == len(icons.NAMES)
    assert f'<g transform="translate({24 * icons.NAMES.index("eye")})"><path d="M2.062' in drawing
    assert ".i-activity{--i:0%}" in sheet
    assert ".i-x{--i:100%}" in sheet


PERSONAL = ["Tregaskis", "Morwenna", "+447700900123", "m.tregaskis", "203.0.113.45", "Harbour Row", "Fiction Way"]
PERSONAL += ["Penzance", "TR18", "LS1 0ZZ", "NM-4471", "passed security", "Recording of the call"]


@pytest.mark.parametrize("state", ["ready", "rejected", "filed"])
def test_no_page_holds_a_personal_value_before_it_is_revealed(people, state):
    case = getattr(factories, state)(people)
    client = desk.client_of("a.byrne")
    paths = ["/", "/cases/", "/approvals/"]
    paths += [reverse(f"web:{name}", args=[case.uid]) for name in ("case", "documents", "messages", "audit", "older")]
    if state == "ready":
        paths += [reverse("web:edit_facts", args=[case.uid]), reverse("web:edit_person", args=[case.uid, 2])]
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200
        assert [word for word in PERSONAL if word in response.content.decode()] == [], path


def test_pages_forbid_inline_script_and_style_and_hold_none(people):
    case = factories.ready(people)
    client = desk.client_of("d.osei")
    for path in ("/", "/cases/", reverse("web:case", args=[case.uid]), "/cases/new/fraud_referral/"):
        response = client.get(path)
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        page = response.content.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert not re.search(r"<script(?![^>]* src=)", page)
        assert not re.search(r" on[a-z]+=", page)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
            "Safari/537.36 Edg/131.0.0.0",
            "Edge 131 on Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.1; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox 133 on Mac"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari 18 on iPhone",
        ),
        ("curl/8.1", "Another program"),
        ("", "Another program"),
    ],
)
def test_a_session_names_its_browser(line, shown):
    assert ui.browser(line) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1023, "1023 bytes"), (16_780, "16 KB"), (157_286_448, "150.0 MB"), (4 * 1024**3, "4,096.0 MB")],
)
def test_a_size_is_written_as_people_do(count, shown):
    assert ui.size(count) == shown


def test_sessions_are_told_apart_and_who_has_signed_in_is_not_said_to_be_new():
    factories.office()
    client = desk.client_of("a.byrne")
    long = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
    given = {"user": User.objects.get(username="a.byrne"), "ip": "203.0.113.9", "data": {}}
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    UserSession.objects.create(session_key=key, user_agent=long, last_seen_at=timezone.now(), **given)
    page = client.get("/account/sessions/").content.decode()
    assert "Chrome 131 on Linux" in page
    assert long in page
    User.objects.filter(username="d.osei").update(last_login=timezone.now())
    listed = desk.client_of("o.thackray").get("/people/").content.decode()
    row = listed.partition("D. Osei</a>")[2].partition("</tr>")[0]
    assert "Has signed in" in row


def test_a_case_that_left_its_line_keeps_what_was_done_of_it():
    casetype = casetypes.get("fraud_referral")
    moved = [
        timeline.Entry(
            **{"seq": 2, "uid": None, "at": factories.AT, "recorded_at": factories.AT, "actor": "", "actor_name": ""},
            **{"verb": "fraud_referral.take", "hash": "", "detail": {"to": "triage"}},
        ),
        timeline.Entry(
            **{"seq": 9, "uid": None, "at": factories.AT, "recorded_at": factories.AT, "actor": "", "actor_name": ""},
            **{"verb": "fraud_referral.file", "hash": "", "detail": {"to": "filed"}},
        ),
    ]
    looks = [each["look"] for each in panels.steps(casetype, "removed", moved)]
    assert looks == ["done"] * 6
    opened = [each["at"] for each in panels.steps(casetype, "filed", moved[1:], factories.AT)]
    assert opened == [factories.AT, None, None, None, None, factories.AT]


def test_an_address_is_not_taken_without_saying_what_it_is(people):
    form = PartyForm(
        {"role": "fraudster", "forename": "Kay", "line_1": "1 Example Way", "town": "Leeds", "postcode": "LS1 0ZZ"}
    )
    assert not form.is_valid()
    assert form.errors["address_kind"] == ["Say what this address is. Nothing is chosen beforehand."]
    assert PartyForm().fields["address_kind"].initial is None


def test_the_queue_of_a_kind_is_called_so_and_it_alone_is_marked_in_the_rail(people):
    factories.referred(people)
    page = desk.client_of("a.byrne").get("/cases/?view=overdue&kind=fraud_referral").content.decode()
    assert "<h1>Fraud referral</h1>" in page
    rail = page.partition('id="rail"')[2].partition("</nav>")[0]
    marked = re.findall(r'href="([^"]*)" aria-current="page"', rail)
    assert marked == ["/cases/?kind=fraud_referral"]


def test_what_is_urgent_is_marked_in_every_list(people):
    case = emergencies.live(people)
    page = desk.client_of("n.okonjo").get("/cases/?kind=emergency_disclosure").content.decode()
    rows = [row for row in re.findall(r"<tr class=\"row[^>]*>.*?</tr>", page, re.DOTALL) if case.reference in row]
    assert len(rows) == 2
    assert all(row.startswith('<tr class="row emergency">') for row in rows)


def test_a_period_does_not_say_its_name_twice(people):
    case = factories.ready(people)
    page = desk.client_of("d.osei").get(reverse("web:case", args=[case.uid])).content.decode()
    period = page.partition("<dt>Second person's check</dt>")[2].partition("</dd>")[0]
    period = period or page.partition("<dt>Second person&#x27;s check</dt>")[2].partition("</dd>")[0]
    assert "1 working day after" in period
    assert "check: 1 working day" not in period


def test_faults_stand_in_the_order_of_the_page(people):
    answer = desk.client_of("a.byrne").post("/cases/new/fraud_referral/", {})
    named = re.findall(r'<a href="#id_facts-(\w+?)(?:_0)?">|<a href="#id_(\w+?)(?:_0)?">', answer.content.decode())
    names = [one or other for one, other in named]
    order = list(answer.context["facts"].fields) if "facts" in answer.context else list(answer.context["form"].fields)
    assert len(names) > 3
    assert names == sorted(names, key=order.index)
