"""Two who open a case of one account at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from cases.credit.defaults import opening
from cases.credit.defaults.models import Default
from tests import defaults, factories
from tests.agencies.stage import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("first", [opening.open_disputed, opening.open_arrears])
def test_two_who_open_a_case_of_one_account_at_once_open_one(first):
    factories.office()
    account = defaults.told()

    def second():
        try:
            opening.open_arrears(account.pk, at=factories.AT)
        except opening.NotInArrears as refused:
            return str(refused)
        finally:
            connection.close()

    def waits():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return cursor.fetchone()[0] > 0

    with ThreadPoolExecutor(1) as aside:
        with transaction.atomic():
            first(account.pk, at=factories.AT)
            said = aside.submit(second)
            wait_for(waits)
        assert "a case is there already" in said.result()
    assert Default.objects.filter(account=account).count() == 1
