"""Whoever collects takes a file of accounts in on a page, and reads there what became of each row."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cases.accounts import uploads
from cases.accounts.models import Account, AccountUpload
from cases.web.onecase.uploads import PackedHandler
from tests import sales
from tests.accounts import portfolio
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
PLACE = "/debt/accounts/"
ANALYST = "r.penhale"


def given(client: Client, rows, name: str = "billing.csv"):
    content = rows if isinstance(rows, bytes) else portfolio.file(rows)
    return client.post(PLACE, {"accounts": SimpleUploadedFile(name, content, "text/csv")}, follow=True)


def test_a_file_is_taken_in_and_each_row_that_cannot_be_read_is_named_with_column_and_reason(people):
    client = client_of(ANALYST)
    rows = [portfolio.row(number) for number in range(3)]
    rows[1] = portfolio.row(1, balance_pence="12.50", product="fax")
    answer = given(client, rows)
    upload = AccountUpload.objects.get()
    assert answer.redirect_chain == [(f"{PLACE}{upload.uid}/", 302)]
    assert "It is about to begin." in answer.text and "None so far" in answer.text
    sales.work()
    page = client.get(f"{PLACE}{upload.uid}/").text
    assert (Account.objects.count(), "It is not a whole number; money is in whole pence." in page) == (2, True)
    assert "It is none of the codes." in page and "12.50" not in page and "fax" not in page
    assert '<th scope="row" class="num">3</th><td class="mono">balance_pence</td>' in page
    listed = client.get(PLACE).text
    assert '<td class="num">3</td><td class="num">2</td><td class="num">0</td><td class="num">0</td>' in listed


def test_the_same_file_again_changes_nothing_and_says_so(people):
    client = client_of(ANALYST)
    given(client, [portfolio.row(1)])
    sales.work()
    again = given(client, [portfolio.row(1)], name="called-otherwise.csv")
    assert "This very file came before: it changes nothing." in again.text
    assert (AccountUpload.objects.count(), Account.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"account,colour\n1,red\n", "These columns are not known: colour."),
        (b"", "The file has no rows."),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"account\n1\n", "These columns are missing: "),
    ],
)
def test_what_is_no_file_of_accounts_is_refused_whole(people, content, said):
    client = client_of(ANALYST)
    with nothing_written():
        answer = given(client, content)
    assert (answer.status_code, said in answer.text) == (422, True)


def test_a_file_that_is_too_large_is_refused_whole(people, monkeypatch):
    monkeypatch.setattr("cases.debt.pages.LARGEST_MB", 0)
    client = client_of(ANALYST)
    with nothing_written():
        answer = given(client, [portfolio.row(1)])
    assert (answer.status_code, "The file is larger than" in answer.text) == (413, True)


@pytest.mark.parametrize("name", ["b.lacombe", "j.merriweather"])
def test_who_reads_the_batches_reads_what_came_and_gives_nothing(people, name):
    client = client_of(name)
    assert client.get(PLACE).status_code == 200 and "Take a file in" not in client.get(PLACE).text
    with nothing_written():
        assert given(client, [portfolio.row(1)]).status_code == 403


def test_a_form_of_another_page_takes_nothing_in(people):
    browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})
    browser.cookies = client_of(ANALYST).cookies
    with nothing_written():
        assert given(browser, [portfolio.row(1)]).status_code == 403


def test_the_faults_of_thousands_of_rows_are_read_page_by_page_and_none_twice(people):
    rows = [portfolio.row(number, balance_pence="x", product="y", jurisdiction="z") for number in range(120)]
    upload, _, _ = uploads.take([portfolio.file(rows)], actor=people[ANALYST], at=AT)
    sales.work()
    client, after, seen = client_of(ANALYST), 0, []
    while True:
        shown = client.get(f"{PLACE}{upload.uid}/?after={after}").context
        seen += shown["faults"]
        if not (after := shown["after"]):
            break
    assert seen == uploads.faults(upload, most=1000) and len(seen) == 360


def test_what_is_packed_comes_out_as_it_came_some_of_it_at_a_time():
    handler, content = PackedHandler("accounts", most=10_000_000), b"one line of a file\n" * 100_000
    handler.new_file("accounts", "a.csv", "text/csv", None)
    for start in range(0, len(content), 65_536):
        handler.receive_data_chunk(content[start : start + 65_536], start)
    handler.file_complete(len(content))
    pieces = list(handler.chunks())
    assert b"".join(pieces) == content and max(map(len, pieces)) <= 65_536
