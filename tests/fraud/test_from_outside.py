"""A fraud that somebody outside confirms on a number: the filing that tells of it, or another referral."""

from datetime import UTC, date, datetime, timedelta

from cases.fraud import fromoutside
from cases.fraud.models import FraudReferral
from tests.factories import FILED_AT
from tests.fraud.standing import Stage

NUMBER = "+447700900123"
# The design's scenario: the SIM was changed on 13 November 2026 and the fraud filed on the 16th.
SWAPPED_AT = datetime(2026, 11, 13, 10, 0, tzinfo=UTC)
YEARS_LATER = datetime(2028, 5, 4, 10, 0, tzinfo=UTC)


class FromOutside(Stage):
    def confirmed(self, at, swapped_at=None):
        return fromoutside.fraud_confirmed(NUMBER, swapped_at=swapped_at, at=at)

    def test_the_filing_tells_of_a_sim_that_was_changed_before_it(self):
        assert self.confirmed(FILED_AT + timedelta(days=60), SWAPPED_AT).pk == self.filed.pk
        assert FraudReferral.objects.count() == 1

    def test_another_change_of_sim_is_another_fraud_and_is_opened_once(self):
        opened = self.confirmed(YEARS_LATER, YEARS_LATER - timedelta(days=1))
        assert (opened.pk != self.filed.pk, opened.state) == (True, "referred")
        assert opened.fraud_referral.discovered_date == date(2028, 5, 4)
        assert self.confirmed(YEARS_LATER, YEARS_LATER - timedelta(days=1)).pk == opened.pk

    def test_without_a_change_of_sim_the_filing_is_meant_for_thirty_days(self):
        assert self.confirmed(FILED_AT + timedelta(days=30)).pk == self.filed.pk
        assert self.confirmed(FILED_AT + timedelta(days=31)).pk != self.filed.pk
