"""A document is looked at as a picture that we drew: its own bytes never reach the page, whatever is in it."""

import io
import re
from base64 import b64decode

import pytest
from django.urls import reverse

from cases.kernel import edits
from cases.kernel.errors import CaseError
from cases.ledger.models import LedgerEvent
from cases.reports import pictures
from tests import factories, uploads
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(people):
    return factories.investigating(people)


def pdf(pages=2):
    import pypdfium2

    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(200, 100)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def photo(size=(2000, 1000)):
    """A picture that says where it was taken."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x010E] = "Taken at 8 Mill Street"
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, "JPEG", exif=exif)
    return out.getvalue()


def attach(case, people, name, media_type, data, *, verdict="clean"):
    row = edits.attach(
        case.pk,
        kind="call_recording",
        file_name=name,
        media_type=media_type,
        data=data,
        actor=people["a.byrne"],
        at=factories.AT,
    )
    factories.scan(verdict)
    return row


def look(case, number, page=1, who="a.byrne"):
    path = reverse("web:preview", args=[case.uid, number])
    return desk.client_of(who).get(f"{path}?page={page}")


def drawn(response):
    from PIL import Image

    found = re.search(r'src="data:image/jpeg;base64,([^"]+)"', response.content.decode())
    picture = Image.open(io.BytesIO(b64decode(found[1])))
    return picture.format, picture.size, dict(picture.getexif())


def shown(case):
    events = LedgerEvent.objects.filter(stream=case.uid, action="case.evidence_shown").order_by("seq")
    return [event.content()["detail"] for event in events]


def test_a_pdf_is_shown_page_by_page_and_each_look_is_recorded(case, people):
    row = attach(case, people, "letter.pdf", "application/pdf", pdf())
    listed = desk.client_of("a.byrne").get(reverse("web:documents", args=[case.uid])).content.decode()
    assert reverse("web:preview", args=[case.uid, row.number]) in listed

    first, second = look(case, row.number), look(case, row.number, 2)
    assert (first.status_code, second.status_code) == (200, 200)
    assert drawn(first)[:2] == ("JPEG", (800, 400))
    assert "page 2 of 2" in second.content.decode()
    assert b"%PDF" not in first.content
    assert "img-src 'self' data:" in first["Content-Security-Policy"]
    assert "data:" not in desk.client_of("a.byrne").get(reverse("web:case", args=[case.uid]))["Content-Security-Policy"]
    known = {"document": row.number, "sha256": row.sha256}
    assert shown(case) == [{**known, "page": 1}, {**known, "page": 2}]

    beyond = look(case, row.number, 3)
    assert (beyond.status_code, "The document has 2 pages." in beyond.content.decode()) == (409, True)


def test_a_photo_is_made_smaller_and_says_no_more_where_it_was_taken(case, people):
    row = attach(case, people, "still.jpg", "image/jpeg", photo())
    assert drawn(look(case, row.number)) == ("JPEG", (1600, 800), {})


@pytest.mark.parametrize("name", ["broken.pdf", "broken.jpg", "bomb.png"])
def test_what_cannot_be_drawn_safely_is_a_sentence_and_nothing_of_it_is_shown(case, people, name, caplog):
    data = {"broken.pdf": uploads.PDF, "broken.jpg": uploads.JPEG, "bomb.png": uploads.png(9000, 9000)}[name]
    kind = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}[name[-3:]]
    row = attach(case, people, name, kind, data)
    answer = look(case, row.number)
    assert (answer.status_code, "No safe picture can be made" in answer.content.decode()) == (409, True)


def test_only_whoever_may_download_a_clean_document_of_a_kind_that_is_drawn_sees_a_picture(case, people):
    turned_down = attach(case, people, "letter.pdf", "application/pdf", pdf(), verdict="infected")
    assert look(case, turned_down.number).status_code == 409
    assert look(case, 1).status_code == 409  # a text
    clean = attach(case, people, "again.pdf", "application/pdf", pdf())
    assert look(case, clean.number, who="o.thackray").status_code in (403, 404)
    assert look(case, 99).status_code == 404
    assert shown(case) == []


def test_the_child_has_nothing_of_ours_and_little_time(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql:///secret")
    monkeypatch.setattr(pictures, "WALL_SECONDS", 0.001)
    with pytest.raises(pictures.NotDrawn):
        pictures.draw(pdf(), media_type="application/pdf", page=1)
    assert set(pictures.ENVIRONMENT) == {"PATH", "LANG", "LD_LIBRARY_PATH"}


def test_one_document_at_a_time_is_drawn_and_the_next_is_told_to_wait():
    pictures._FREE.acquire()
    try:
        with pytest.raises(pictures.DrawingNow, match="Try again in a moment"):
            pictures.draw(pdf(), media_type="application/pdf", page=1)
    finally:
        pictures._FREE.release()
    assert pictures.draw(pdf(), media_type="application/pdf", page=1).pages == 2


def test_page_nought_is_the_first_and_hands_nothing_out(case, people):
    number = attach(case, people, "again.pdf", "application/pdf", pdf()).number
    assert look(case, number, page=0).status_code == 200
    assert look(case, 1, page=0).status_code == 409  # a text
    assert [each["page"] for each in shown(case)] == [1]
    assert not LedgerEvent.objects.filter(stream=case.uid, action="case.evidence_handed_out").exists()


def test_no_hostile_file_does_more_than_be_refused():
    """Every file of the corpus, called each kind that is drawn: a picture of ours, or a sentence."""
    ended = set()
    for name, make in uploads.FILES.items():
        data = make()
        if len(data) > 1_000_000:
            continue
        try:
            drawn = pictures.draw(data, media_type="image/png" if "png" in name else "application/pdf", page=1)
            assert drawn.picture.startswith(b"\xff\xd8\xff")
            ended.add("drawn")
        except CaseError:
            ended.add("refused")
    assert "refused" in ended
