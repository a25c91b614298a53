"""Nothing is removed from a store whose documents are those of another database, such as the one before a restore."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command

from cases.kernel import actors, record
from cases.kernel.evidence import custody
from cases.kernel.reading import metrics
from tests.factories import AT
from tests.kernel.test_evidence import attach, case, folder  # noqa: F401 -- fixtures
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
ACTOR = actors.system("tests")


def said(*words):
    out = StringIO()
    call_command("documents", *words, stdout=out)
    return out.getvalue()


def told():
    """What a monitor reads of the store."""
    return {each.name: each.value for each in metrics.gauges(now=AT) if each.name.startswith("documents_")}


def status_page():
    return client_of("a.byrne").get("/status/").content.decode()


def listed(folder):  # noqa: F811 -- the fixture's
    return sorted(uid for uid, _ in folder.names())


@pytest.fixture
def of_another(case, people, folder, django_capture_on_commit_callbacks):  # noqa: F811 -- fixtures
    """A document that was erased and one that was never recorded, in the store of another database."""
    document = attach(case, people)
    stray = folder.writing(uuid4())
    stray.write(b"of a day that the dump does not know")
    stray.keep()
    folder.prepare("another database")
    with django_capture_on_commit_callbacks(execute=True), record.act(case, "test.erased", actor=ACTOR, at=AT):
        custody.erase(case, [document], actor=ACTOR, at=AT, reason="test")
    yield folder
    folder.prepare()


def test_nothing_is_removed_from_the_store_of_another_database_before_it_is_adopted(of_another):
    late = datetime.now(UTC) + timedelta(days=2)
    before = listed(of_another)
    assert len(before) == 2
    assert custody.prepare_store() and not custody.is_ours("folder")
    assert (custody.sweep(now=late), listed(of_another)) == (0, before)
    assert said() == "folder: of another database: nothing is removed there\n"
    assert "Of another database" in status_page() and told() == {"documents_away": False, "documents_foreign": True}

    assert said("--adopt") == "folder: of this database\n"
    assert "Of another database" not in status_page()
    assert told() == {"documents_away": False, "documents_foreign": False}
    assert (custody.sweep(now=late), listed(of_another)) == (2, [])


def test_a_store_that_names_nobody_becomes_that_of_the_database_that_starts(folder):  # noqa: F811 -- the fixture's
    assert (folder.owner(), custody.prepare_store()) == ("", True)
    assert folder.owner() and custody.is_ours("folder")
    folder.prepare()


def test_a_store_that_is_away_is_said_to_be_away_to_staff_and_monitor(people, folder, tmp_path, settings):  # noqa: F811 -- fixtures
    assert said() == "folder: of this database\n" and told()["documents_away"] is False
    settings.EVIDENCE_DIR = tmp_path / "not mounted"

    assert said() == "folder: cannot be reached\n"
    assert told() == {"documents_away": True, "documents_foreign": False}
    assert '<dt>Store of documents</dt><dd><span class="tag bad">Does not answer</span>' in status_page()
