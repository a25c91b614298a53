"""What a buyer may say of a sale, and what each credit agency is told of it (domain 5B.7: same default date, one
default, put-back reverses it)."""

import json
from datetime import date

import pytest

from cases.accounts.models import BureauTold
from cases.debt.sale import callbacks, lines
from cases.debt.sale.models import DebtSaleAccount, SaleClaim
from cases.kernel import outbox
from cases.kernel.casetypes import Content
from cases.kernel.models import Agency, Case, OutboxMessage
from cases.ledger import api as ledger
from cases.ledger.reads import Reader
from tests import associations, sales
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.sales import LATER

pytestmark = pytest.mark.django_db
READER = Reader(actor="tests", verb="read", purpose="tests")


def said(agency: str, **data: object) -> Content:
    return Content(
        type="sale.claimed",
        agency_code=agency,
        agency_kind="purchaser",
        agency_reference="",
        agency_sequence=None,
        occurred_at=LATER,
        data=data,
        message=None,
        callback_uid=None,
    )


def test_only_the_firm_that_bought_claims_an_account(people):
    case = sales.warranty_open(people)
    claim = callbacks.CALLBACKS["sale.claimed"]
    with nothing_written(), pytest.raises(lines.LineRefused, match="did not buy"):
        claim(case, said("loser-purchase", line=1, reason="title"), actor=sales.enter(), at=LATER)
    assert not SaleClaim.objects.exists()
    claim(case, said(sales.BUYER, line=1, reason="title"), actor=sales.enter(), at=LATER)
    assert SaleClaim.objects.get().reason == "title"


def line_of(case: Case) -> DebtSaleAccount:
    return DebtSaleAccount.objects.select_related("account").get(sale=case.pk, number=1)


def have(case: Case, *rows: tuple[str, date | None]) -> list[Agency]:
    """Let credit agencies, in the order of their codes, have the account with these statuses and default dates."""
    associations.enter()
    agencies = list(Agency.objects.filter(kind="cra").order_by("code"))[: len(rows)]
    with ledger.action(case.uid, "tests.told", actor="tests", at=AT):
        for agency, (status, day) in zip(agencies, rows, strict=True):
            known = {"told_at": AT, "status": status, "balance_pence": 1, "default_date": day}
            BureauTold(account=line_of(case).account, agency=agency, **known).save()
    return agencies


def told() -> list[tuple[str, str, str, list[str]]]:
    found = []
    for message in OutboxMessage.objects.filter(kind="cra_correct").select_related("channel__agency").order_by("pk"):
        said = json.loads(outbox.open_body(message, reader=READER, at=AT))["data"]
        found.append((message.channel.agency.code, said["old"] + said["new"], said["default_date"], said["flags"]))
    return found


def migrated(case: Case, people) -> Case:
    case = sales.moved(case, "migrate", people[sales.STEWARD], at=LATER)
    case = sales.agreed_to(case, people, sales.DATA_APPROVER, at=LATER)
    sales.work(at=LATER)
    return Case.objects.get(pk=case.pk)


def test_each_credit_agency_is_told_what_it_has_itself(people):
    """A default that one agency refused is not put on its file by a sale."""
    case = sales.notices_issued(people)
    first, second = have(case, ("8", date(2026, 2, 1)), ("3", None))
    migrated(case, people)
    assert told() == [(first.code, "88", "2026-02-01", ["sold"]), (second.code, "33", "", ["sold"])]


def test_an_account_on_which_a_claim_stands_is_told_as_sold_too(people):
    case = sales.notices_issued(people)
    (agency,) = have(case, ("8", date(2026, 2, 1)))
    lines.claim(case, 1, "no_documents", actor=sales.enter(), at=LATER)
    case = migrated(Case.objects.get(pk=case.pk), people)
    lines.refuse(case, 1, reason="They are there.", actor=people[sales.MANAGER], at=LATER)
    assert line_of(case).state == "sold"
    assert told() == [(agency.code, "88", "2026-02-01", ["sold"])]
