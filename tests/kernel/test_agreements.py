"""Nothing leaves to an agency whose data-sharing agreement is not in force."""

from datetime import date

import pytest

from cases.kernel import actors, transitions
from cases.kernel.models import Agency, OutboxMessage
from cases.kernel.office import policydocs
from cases.kernel.releases import ReleaseRefused
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of


@pytest.fixture
def people(db):
    return factories.office()


@pytest.fixture
def agency(people):
    return Agency.objects.get(code="sandbox-fraud-register")


def enter(agency, **changes):
    said = {"valid_from": date(2026, 1, 1), "review_by": date(2027, 1, 1)} | changes
    draft = policydocs.Draft(
        code=policydocs.agreement_code(agency),
        title="Agreement",
        data=b"%PDF-1.7",
        **said,
    )
    return policydocs.enter(draft, approved_by="staff:1", actor=actors.system("tests"), at=factories.AT)


def approve(people):
    case = factories.ready(people)
    return lambda: transitions.apply(
        case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
    )


def test_agreement_in_force_lets_a_filing_leave(people, agency):
    enter(agency)
    approve(people)()

    assert OutboxMessage.objects.filter(kind="fpa_file").count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"valid_from": date(2026, 12, 1)},
            "The data-sharing agreement with Sandbox Fraud Register is not in force before 1 December 2026.",
        ),
        (
            {"review_by": date(2026, 11, 15)},
            "The data-sharing agreement with Sandbox Fraud Register was due for review on 15 November 2026: "
            "nothing leaves on it.",
        ),
    ],
)
def test_agreement_not_in_force_stops_the_release_and_says_why(people, agency, changes, sentence):
    enter(agency, **changes)
    release = approve(people)

    with nothing_written(counted=1), pytest.raises(ReleaseRefused) as refused:
        release()

    assert str(refused.value) == sentence


def test_later_version_counts_from_its_day(people, agency):
    enter(agency, review_by=date(2026, 11, 15))
    enter(agency, valid_from=date(2026, 11, 16))

    assert policydocs.agreement_refusal(agency, day=date(2026, 11, 16)) == ""
    assert policydocs.agreement_refusal(agency, day=date(2026, 11, 17)) == ""


def test_agreement_is_listed_with_the_documents_and_hidden_where_the_agency_is(people, agency):
    enter(agency)
    enter(Agency.objects.get(code="sandbox-fiu"))
    page = client_of("v.tranter").get("/office/rules/documents/").content.decode()

    assert "Data-sharing agreement: Sandbox Fraud Register" in page and "Sandbox FIU" not in page
    hidden = policydocs.agreement_code(Agency.objects.get(code="sandbox-fiu"))
    assert client_of("v.tranter").get(f"/office/rules/documents/{hidden}/1/").status_code == 404
    assert (
        client_of("v.tranter").get(f"/office/rules/documents/{policydocs.agreement_code(agency)}/1/").status_code == 200
    )
