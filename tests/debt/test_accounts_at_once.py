"""Two people give files of accounts on the page at one moment: the same file is one file, and no account is there
twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from cases.accounts import uploads
from cases.accounts.models import Account, AccountUpload, AccountUploadPart
from cases.kernel.background import jobrun
from cases.kernel.models import Job
from tests import factories
from tests.accounts import portfolio
from tests.factories import AT
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db(transaction=True)
PLACE = "/debt/accounts/"
ROWS = [portfolio.row(number) for number in range(40)]


@pytest.fixture
def give(monkeypatch):
    """Return a function by which one person for each file gives it, all of them sealing theirs at one moment."""
    factories.office()
    real = uploads._keep

    def at_once(*files: bytes) -> list[tuple[int, str]]:
        everybody = Barrier(len(files), timeout=30)
        names = ("r.penhale", "c.adebayo")
        clients = [client_of(name) for name, _ in zip(names, files, strict=True)]

        def keep(*given, **named):
            everybody.wait()
            return real(*given, **named)

        def one(client, content):
            try:
                answer = client.post(PLACE, {"accounts": SimpleUploadedFile("billing.csv", content, "text/csv")})
                return answer.status_code, answer.headers.get("Location", "")
            finally:
                connection.close()

        monkeypatch.setattr(uploads, "_keep", keep)
        with ThreadPoolExecutor(len(files)) as aside:
            return list(aside.map(one, clients, files))

    return at_once


def test_the_same_file_given_twice_at_one_moment_is_one_file_of_which_both_see_the_page(give):
    for count in range(1, 6):
        file = portfolio.file([portfolio.row(count)])
        (status, place), other = give(file, file)
        assert (status, other) == (302, (302, place)) and place.startswith(PLACE)
        assert (AccountUpload.objects.count(), Job.objects.count(), AccountUploadPart.objects.count()) == (count,) * 3


def test_two_files_that_name_the_same_accounts_add_each_of_them_once(give):
    changed = [{**row, "as_of": "2026-03-02", "fees_pence": "100"} for row in ROWS]
    (_, first), (_, second) = give(portfolio.file(ROWS), portfolio.file(changed))
    assert first != second

    def work(_number):
        try:
            return jobrun.work(clock=lambda: AT, seconds=60)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as aside:
        list(aside.map(work, range(2)))
    files = AccountUpload.objects.all()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    # Whichever came first: what is older than known is refused row by row, and the newer stands.
    assert (Account.objects.count(), Account.objects.filter(fees_pence=100).count()) == (40, 40)
    assert sum(each.added for each in files) == 40
    assert sum(each.changed + each.refused for each in files) == 40
