"""The pages of a package: whoever makes it, whoever checks it, and everybody else."""

import re

import pytest

from cases.disclosure import package
from cases.disclosure.models import ItemGround, PackagePart
from cases.kernel import edits
from cases.kernel.evidence import store
from cases.kernel.models import Case
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import disclosures, factories
from tests.disclosures import CHECKED, COMPARED, TEXTS, after
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
ROWS = "item,address,at,to\r\noutgoing_calls,+447700900789,2026-11-02T09:00Z,+447700900111\r\n"


@pytest.fixture
def people():
    return factories.office()


def at(case, tail=""):
    return f"/cases/{case.uid}/package/{tail}"


def test_an_officer_makes_a_package_and_an_approver_releases_it_by_the_pages(people):
    case = disclosures.taken_out(people)
    officer = client_of("k.mistry")
    page = officer.get(at(case)).content.decode()
    assert "+447700900789" in page
    assert "No reasons yet" in page
    assert page.count("(needed unless nothing is held)") == 8  # four of each item
    assert 'href="/cases/' in page
    for item in ("subscriber_name", "outgoing_calls"):
        typed = {**TEXTS, "minimised": ["only_items"]}
        assert officer.post(at(case, f"reasons/{item}/"), typed).status_code == 302
    typed = {"address": "+447700900789", "subject": "A", "begins_at": "2025-03-01T00:00Z", "ends_at": ""}
    assert officer.post(at(case, "holders/"), typed).status_code == 302
    summer = typed | {"begins_at": "2024-06-30T23:00Z", "ends_at": "2025-03-01T00:00Z"}
    assert officer.post(at(case, "holders/"), summer).status_code == 302
    # In summer London is an hour ahead: the page says the moment as it was typed.
    table = officer.get(at(case)).content.decode()
    assert "30 June 2024 23:00 UTC" in table
    assert "1 March 2025 00:00 UTC" in table
    sheet = {"item": "subscriber_name", "media_type": "text/plain", "content": "Osian Marchbanks", "subject": ""}
    assert officer.post(at(case, "files/"), sheet).status_code == 302
    table = {"item": "outgoing_calls", "media_type": "text/csv", "content": ROWS, "subject": ""}
    assert officer.post(at(case, "files/"), table).status_code == 302
    assert PackagePart.objects.get(item="outgoing_calls").row_count == 1
    assert officer.post(f"/cases/{case.uid}/steps/submit/", {"checked": CHECKED}).status_code == 302

    approver = client_of("e.hallam", is_stepped_up=True)
    beside = approver.get(at(case, "files/2/")).content.decode()
    assert "+447700900111" in beside
    assert "SBX/2026/" in beside
    assert "Osian Marchbanks" in approver.get(at(case, "files/1/")).content.decode()
    assert AccessEvent.objects.filter(streams__contains=[case.uid], fields__contains=["part-2"]).exists()
    assert 'name="content"' in page
    assert 'name="content"' not in approver.get(at(case)).content.decode()
    answer = approver.post(f"/cases/{case.uid}/steps/release/", {"compared": COMPARED})
    assert answer.status_code == 302
    assert Case.objects.get(pk=case.pk).state == "released"


def test_release_asks_for_the_second_factor_first(people):
    case = disclosures.quality_check(people)
    client, before = client_of("e.hallam"), LedgerEvent.objects.count()
    answer = client.post(f"/cases/{case.uid}/steps/release/", {"compared": COMPARED})
    assert answer.status_code == 302
    assert "step-up" in answer["Location"] or "step_up" in answer["Location"]
    assert LedgerEvent.objects.count() == before
    assert Case.objects.get(pk=case.pk).state == "quality_check"


@pytest.mark.parametrize(
    ("tail", "typed", "said"),
    [
        ("files/", {"item": "outgoing_calls", "media_type": "text/csv", "content": "a,b\n1,2"}, "The first line names"),
        (
            "files/",
            {"item": "outgoing_calls", "media_type": "text/csv", "content": ROWS, "subject": "Bob"},
            "one capital letter",
        ),
        ("holders/", {"address": "+447700900789", "subject": "A", "begins_at": "2025-03-01"}, "offset from UTC"),
        ("holders/", {"address": "+447700900789", "subject": "a"}, "Write one capital letter, such as A."),
        ("reasons/subscriber_name/", {"necessity": "4111 1111 1111 1111"}, "Card numbers are never kept"),
        ("reasons/passwords/", {"necessity": "x"}, "was not asked for"),
    ],
)
def test_bad_input_gets_a_sentence_and_keeps_what_was_typed(people, tail, typed, said):
    case = disclosures.taken_out(people)
    answer = client_of("k.mistry").post(at(case, tail), typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert not PackagePart.objects.exists()
    assert not ItemGround.objects.exists()
    if "content" in typed:
        assert typed["content"].splitlines()[0] in page


def test_the_story_says_what_was_done_to_the_package_and_names_items_and_reasons(people):
    case = disclosures.with_shut_item(people)
    after(case, "refuse_items", people["k.mistry"])
    assert "Text of SMS: Content is asked for" in client_of("k.mistry").get(f"/cases/{case.uid}/").content.decode()
    case = disclosures.extracting(people)
    package.remove_part(case.pk, 2, actor=people["k.mistry"], at=factories.AT)
    package.remove_holder(case.pk, 1, actor=people["k.mistry"], at=factories.AT)
    page = client_of("k.mistry").get(f"/cases/{case.uid}/").content.decode()
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))
    for sentence in (
        "wrote why an item is given",
        "entered who held an address",
        "took back who held an address",
        "put in what will be given: a file",
        "took out of what will be given: a file",
    ):
        assert sentence in said
    assert "worked on what will be given" not in said


def test_only_the_unit_sees_the_page_and_only_officers_change_it(people):
    case = disclosures.extracting(people)
    assert client_of("a.byrne").get(at(case)).status_code == 404
    assert client_of("e.hallam").get(at(case)).status_code == 200
    client, before = client_of("e.hallam"), LedgerEvent.objects.count()
    assert client.post(at(case, "reasons/subscriber_name/"), dict(TEXTS)).status_code == 403
    assert LedgerEvent.objects.count() == before
    for tail in ("holders/1/remove/", "files/1/remove/", "holders/", "files/"):
        assert client_of("a.byrne").post(at(case, tail)).status_code == 404
    other = factories.referred(people)
    assert client_of("a.byrne").get(at(other)).status_code == 404


def test_a_file_that_is_no_text_is_only_downloaded(people):
    case = disclosures.taken_out(people)
    disclosures.add(case, "subscriber_name", b"%PDF-1.7", people, media_type="application/pdf")
    answer = client_of("e.hallam").get(at(case, "files/1/"))
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert client_of("e.hallam").get(at(case, "files/2/")).status_code == 404


def test_a_large_file_is_handed_out_as_it_is_read_and_counts_as_opened(people):
    case, actor = disclosures.taken_out(people), people["k.mistry"]
    data = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 20_000
    about = {"kind": "extract", "file_name": "till.mp4", "media_type": "video/mp4", "data": data}
    edits.attach(case.pk, actor=actor, at=disclosures.AT, **about)
    factories.scan()
    part = package.put_in(case.pk, 2, item="subscriber_name", actor=actor, at=disclosures.AT)
    answer = client_of("e.hallam").get(at(case, "files/1/") + "?as=file")
    assert answer.streaming
    assert answer["Content-Disposition"].startswith("attachment")
    assert b"".join(answer.streaming_content) == data
    assert AccessEvent.objects.filter(actor=people["e.hallam"].label, fields__contains=["part-1"]).exists()

    store.named(part.blob.kept).delete(part.blob.uid)
    gone = client_of("e.hallam").get(at(case, "files/1/") + "?as=file")
    assert (gone.status_code, gone.streaming) == (409, False)


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow_with_the_files(people, count, django_assert_num_queries):
    case = disclosures.extracting(people)
    for _ in range(count):
        disclosures.add(case, "subscriber_name", disclosures.NAMES, people)
    client = client_of("k.mistry")
    client.get(at(case))
    with django_assert_num_queries(23):
        client.get(at(case))


@pytest.mark.parametrize(
    ("item", "rows", "said"),
    [
        ("cctv", "item,day\n" + "cctv,1\n" * 502, "2 more rows are not shown, and no machine compares them."),
        (
            "outgoing_calls",
            "item,address,at\n" + "outgoing_calls,+447700900789,2026-11-02T09:00Z\n" * 501,
            "1 more row is not shown; every one was compared by machine.",
        ),
    ],
)
def test_a_long_table_says_what_no_machine_compared_and_is_handed_out_whole(people, item, rows, said):
    case = disclosures.taken_out(people, gateway="ipa_s11_3a_d", items=[item])
    disclosures.add(case, item, rows.encode(), people)
    client = client_of("e.hallam")
    assert said in client.get(at(case, "files/1/")).content.decode()
    whole = client.get(at(case, "files/1/?as=file"))
    assert whole["Content-Disposition"].startswith("attachment")
    assert whole.content == rows.encode()


def test_what_destroys_a_file_or_takes_a_holder_back_asks_once_more(people):
    case, client = disclosures.taken_out(people), client_of("k.mistry")
    sheet = {"item": "subscriber_name", "media_type": "text/plain", "content": "Osian Marchbanks", "subject": ""}
    holder = {"address": "+447700900789", "subject": "A", "begins_at": "2025-03-01T00:00Z", "ends_at": ""}
    assert client.post(at(case, "files/"), sheet).status_code == 302
    assert client.post(at(case, "holders/"), holder).status_code == 302

    page = client.get(at(case)).content.decode()

    for tail, said in (
        ("files/1/remove/", "It is destroyed at once"),
        ("holders/1/remove/", "Nobody held the address"),
    ):
        before, _, form = page.partition(f'action="{at(case, tail)}"')
        opened, closed = before.rfind("<details>"), before.rfind("</details>")
        assert opened > closed
        assert "<summary>Take" in before[opened:]
        assert said in form[: form.index("<button")]
