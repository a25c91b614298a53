"""Several questions of a partner at once, with real commits: what people have to do about them is asked once."""

import pytest

from cases.disclosure.partners import guessing
from cases.kernel import actors, tasks
from cases.kernel.models import Agency, Task
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from tests import factories, partners
from tests.factories import AT
from tests.faults.test_races import at_once
from tests.length import times

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_comparisons_at_once_that_are_too_many_raise_one_task():
    case = partners.received(factories.office())
    bank = Agency.objects.get(code=partners.BANK)
    for number in range(1, times(8, 100) + 1):
        at_once(*[lambda: guessing.tell(bank, case, at=AT)] * 4)
        raised = Task.objects.filter(kind="partner_guesses", detail__agency=partners.BANK)
        events = LedgerEvent.objects.filter(stream=bank.uid, action="partner.guesses")
        assert (raised.count(), events.count()) == (number, number)
        actor = actors.system("tests")
        with ledger.action(bank.uid, "tests.asked", actor=actor.label, at=AT):
            tasks.close_office("partner_guesses", actor=actor, at=AT, agency=partners.BANK)
