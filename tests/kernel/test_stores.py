"""A store whose setting was taken away, and one that does not answer: a sentence, never a failure, and nothing lost."""

import io
import os

import pytest
from django.core.management.base import CommandError
from django.urls import reverse

from cases.agencies.objectstore import Bucket, ObjectStore
from cases.kernel import edits
from cases.kernel.evidence import custody, scanning, store
from cases.kernel.models import Evidence, StoredBlob, Task
from cases.management.commands import prepare
from tests import factories
from tests.web import desk

pytestmark = pytest.mark.django_db
AWAY = "The place where documents lie does not answer just now. Try again later."
BUCKET = Bucket(url="http://127.0.0.1:9", name="documents", access_key="tests", secret_key="never-shown")


def kept_elsewhere(people, case, *, scan="clean"):
    """One document that lies in an object store which the settings no longer name."""
    data = b"%PDF-1.7\n" + os.urandom(40_000)
    row = edits.attach(
        case.pk,
        kind="call_recording",
        file_name="a.pdf",
        media_type="application/pdf",
        data=data,
        actor=people["a.byrne"],
        at=factories.AT,
    )
    if scan:
        factories.scan(scan)
    StoredBlob.objects.filter(pk=row.blob_id).update(kept="s3")
    return Evidence.objects.get(pk=row.pk)


def test_document_of_a_store_that_the_settings_no_longer_name_is_away_and_not_damaged():
    people = factories.office()
    case = factories.investigating(people)
    row = kept_elsewhere(people, case)
    client = desk.client_of("a.byrne")
    for name in ("web:download", "web:preview"):
        answer = client.get(reverse(name, args=[case.uid, row.number]))
        assert (answer.status_code, AWAY in answer.content.decode()) == (409, True)
    assert custody.check_sample(now=factories.AT) == 0
    assert custody.sweep(now=factories.AT) == 0
    assert not Task.objects.filter(kind="document_damaged").exists()


def test_document_that_waits_for_the_scan_in_such_a_store_goes_on_waiting():
    people = factories.office()
    case = factories.investigating(people)
    row = kept_elsewhere(people, case, scan="")
    factories.scan("clean")
    row.refresh_from_db()
    assert scanning.waits(row)


def test_start_of_an_office_whose_object_store_is_away_says_so_and_goes_on(monkeypatch):
    monkeypatch.setitem(store.STORES, "s3", lambda: ObjectStore(BUCKET))
    monkeypatch.setattr("cases.agencies.objectstore.CONNECT_SECONDS", 0.2)
    said = io.StringIO()
    command = prepare.Command(stderr=said, no_color=True)
    command._prepare_documents()
    assert said.getvalue().startswith("The documents' store s3 cannot be reached")


def test_start_of_an_office_whose_folder_is_not_mounted_fails_in_a_sentence(monkeypatch, settings):
    monkeypatch.setattr(custody, "prepare_store", lambda: False)
    with pytest.raises(CommandError, match=str(settings.EVIDENCE_DIR)):
        prepare.Command()._prepare_documents()


def test_secret_of_the_store_is_in_no_text_of_its_settings():
    assert "never-shown" not in f"{BUCKET!r} {BUCKET}"
