"""Every case and everything that leaves names its ground; our interest names its assessment and the version of it."""

from datetime import timedelta

import pytest

from cases.kernel import calendars, casetypes, notice
from cases.kernel.models import PolicyDocument, ReleasedItem
from cases.kernel.office import policydocs
from cases.kernel.outputs import bases
from tests import associations, checks, factories
from tests.web import desk

pytestmark = pytest.mark.django_db
# By hand from the design, 1.4 and the sections of each kind.
GROUNDS = {
    "association": ("gdpr_6_1_f", "association_lia"),
    "breach": ("gdpr_6_1_c", ""),
    "check": ("gdpr_6_1_f", "credit_checks_lia"),
    "contest": ("gdpr_6_1_c", ""),
    "cra_file": ("gdpr_6_1_f", "credit_reporting_lia"),
    "debt_placement": ("gdpr_6_1_b", ""),
    "debt_sale": ("gdpr_6_1_f", "debt_sale_lia"),
    "default": ("gdpr_6_1_f", "credit_reporting_lia"),
    "dp_complaint": ("gdpr_6_1_c", ""),
    "emergency_disclosure": ("gdpr_6_1_d", ""),
    "fraud_referral": ("gdpr_6_1_f", "fraud_sharing_lia"),
    "le_disclosure": ("gdpr_6_1_c", ""),
    "moratorium": ("gdpr_6_1_c", ""),
    "partner_query": ("gdpr_6_1_f", "partner_checks_lia"),
    "rights_request": ("gdpr_6_1_c", ""),
    "suspicion_report": ("gdpr_6_1_c", ""),
    "trace": ("pecr_15", ""),
    "transfer": ("gdpr_6_1_c", ""),
}


def again(code, *, valid_from):
    """Enter a further version of a document."""
    draft = policydocs.Draft(
        code=code,
        title="Anew",
        valid_from=valid_from,
        review_by=valid_from + timedelta(days=900),
        data=b"weighed anew",
        media_type="text/plain",
    )
    return policydocs.enter(draft, approved_by="J. Merriweather", actor=factories.job(), at=factories.AT)


def test_each_kind_of_case_has_its_ground_and_our_interest_its_assessment():
    assert {each.code: (each.basis.gateway, each.basis.assessment) for each in casetypes.all_types()} == GROUNDS
    for each in casetypes.all_types():
        assert each.basis.gateway in notice.GATEWAYS and each.basis.why
        needs_one = each.basis.gateway == "gdpr_6_1_f"
        assert needs_one == bool(each.basis.assessment)
        assert not needs_one or notice.DOCUMENTS[each.basis.assessment].kind == "lia"


def test_a_case_names_the_version_that_was_in_force_on_the_day_it_was_opened(people):
    case = associations.declared(people)
    today = calendars.london_date(case.opened_at)
    assert bases.told([case]) == {case.pk: "Legitimate interests, assessment association_lia, version 1"}
    again("association_lia", valid_from=today + timedelta(days=1))
    assert bases.told([case])[case.pk].endswith("version 1")
    again("association_lia", valid_from=today)
    assert bases.told([case])[case.pk].endswith("version 3")
    page = desk.client_of("m.achterberg").get(f"/cases/{case.uid}/").content.decode()
    assert "To link the records of two people who are linked by money" in page and "Legitimate interests" in page


def test_a_check_stands_on_the_ground_that_was_said_of_it(people):
    case = checks.running(people, basis="gdpr_6_1_ea")
    assert bases.told([case]) == {case.pk: "Recognised legitimate interests"}


def test_what_leaves_keeps_the_version_that_it_left_on_whatever_is_approved_later(people):
    associations.enter()
    again("association_lia", valid_from=calendars.london_date(factories.AT))
    case = associations.confirmed(people)
    rows = ReleasedItem.objects.filter(release__case=case, clause="link_records")
    assert rows.count()
    assert all(row.documents == [{"code": "association_lia", "version": 2}] for row in rows)
    again("association_lia", valid_from=calendars.london_date(factories.AT))
    assert all(row.documents == [{"code": "association_lia", "version": 2}] for row in rows.all())
    assert PolicyDocument.objects.filter(code="association_lia").count() == 3
