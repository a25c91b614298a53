"""What the pages name is there: links, paths, commands, settings; what is generated is as the code prints it."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

from cases.kernel import casetypes
from tests.docs.pages import PAGES, ROOT, anchors, commands, links, paths

# Spelt apart, so that this file does not name what it forbids.
UNWANTED = ("/wo" + "rk/", "/tm" + "p/", "TO" + "DO", "FIX" + "ME")
EXPECTED = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/architecture.md",
    "docs/coverage.md",
    "docs/decisions.md",
    "docs/families.md",
    "docs/operations.md",
    "docs/threat-model.md",
)
by_page = pytest.mark.parametrize("written", PAGES, ids=lambda written: str(written.relative_to(ROOT)))


def test_every_page_that_the_readme_promises_is_there():
    assert [name for name in EXPECTED if ROOT / name not in PAGES] == []


@by_page
def test_links_lead_to_files_and_headings(written: Path):
    broken = []
    for link in links(written):
        name, _, anchor = link.partition("#")
        target = (written.parent / name).resolve() if name else written
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@by_page
def test_named_paths_exist(written: Path):
    assert sorted({path for path in paths(written) if not (ROOT / path).exists()}) == []


@by_page
def test_named_commands_exist(written: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(commands(written, "make")) - targets == set()
    assert set(commands(written, "manage.py")) - set(get_commands()) == set()


def test_readme_lists_every_command_of_ours():
    ours = {name for name, app in get_commands().items() if app == "cases"}
    readme = (ROOT / "README.md").read_text()
    listed = set(re.findall(r"`([a-z_]+)`", readme.partition("## Commands")[2].partition("## Recipes")[0]))

    assert ours - listed == set()


@by_page
def test_pages_name_nothing_of_the_writers_machine(written: Path):
    text = written.read_text()

    assert [word for word in UNWANTED if word in text] == []


@pytest.mark.parametrize(("part", "options"), [("mermaid", {"mermaid": True}), ("table", {})])
def test_lifecycle_in_the_families_is_what_the_command_prints(part: str, options: dict):
    out = StringIO()
    call_command("lifecycle", "fraud_referral", stdout=out, **options)
    text = (ROOT / "docs/families.md").read_text()
    written = re.search(rf"<!-- lifecycle:{part} -->\n(.*?)<!-- /lifecycle:{part} -->", text, re.DOTALL)

    assert written is not None
    assert out.getvalue().strip() == re.sub(r"^```.*\n?", "", written[1], flags=re.MULTILINE).strip()


def test_lifecycle_of_every_kind_is_printed():
    out = StringIO()
    call_command("lifecycle", stdout=out)

    assert all(f"({casetype.code})" in out.getvalue() for casetype in casetypes.all_types())


def test_settings_named_in_operations_are_read_by_the_code():
    code = "".join(path.read_text() for path in [*ROOT.glob("backoffice/*.py"), *ROOT.glob("cases/**/*.py")])
    table = (ROOT / "docs/operations.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE))

    assert len(named) > 15
    assert sorted(name for name in named if f'"{name.removesuffix("_FILE")}"' not in code) == []


def test_background_work_in_the_architecture_is_what_the_settings_schedule(settings):
    table = (ROOT / "docs/architecture.md").read_text().partition("## Background work")[2].partition("\n## ")[0]
    written = {
        (f"cases.tasks.{name}", queue, float(seconds))
        for name, queue, seconds in re.findall(r"^\| `(\w+)` \| `(\w+)` \| (\d+) s \|", table, re.MULTILINE)
    }

    assert written == {
        (name, settings.CELERY_TASK_ROUTES[name]["queue"], entry["schedule"])
        for name, entry in settings.CELERY_BEAT_SCHEDULE.items()
    }


def test_every_direct_dependency_is_argued_for():
    argued = (ROOT / "docs/decisions.md").read_text()
    wanted = [
        re.match(r"[\w.-]+", line)[0]
        for name in ("requirements.in", "requirements-dev.in")
        for line in (ROOT / name).read_text().splitlines()
        if re.match(r"\w", line)
    ]

    assert [name for name in wanted if f"`{name}`" not in argued] == []


def test_pictures_are_small_and_shown():
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    pictures = list((ROOT / "docs/screenshots").glob("*.png"))

    assert [path.name for path in pictures if path.stat().st_size > 250_000] == []
    assert [path.name for path in pictures if path.resolve() not in shown] == []
