"""A moratorium is heard of from two services, or twice: each notice is kept, the debt stays protected while any of them
is in force, people are asked whether both stand, and nobody else's register is answered (UK GDPR Art 5(1)(c), (f))."""

from datetime import timedelta

import pytest

from cases.agencies.directory import TERMS
from cases.debt import gate
from cases.debt.moratorium import searching
from cases.debt.moratorium.models import FeeReversal
from cases.kernel import actors, intake
from cases.kernel.exchange import agencies
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Agency, Case, OutboxMessage, Task
from cases.ledger.reads import Reader
from tests import moratoria, placements
from tests.debt.test_moratorium import answers, billed, placed
from tests.debt.test_placement import told
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
SCOTS = "drama-scots-register"


def enter_second() -> None:
    """Enter a second service of moratoria in the register of agencies."""
    out = agencies.ChannelPlan(
        direction="out", address=f"https://127.0.0.1:9/{SCOTS}/messages", allowed_cidrs=("127.0.0.0/8",)
    )
    plans = (agencies.ChannelPlan(direction="in"), out)
    listing = agencies.Listing(
        code=SCOTS, kind="insolvency", display_name="Drama Scots Register", terms=TERMS, channels=plans
    )
    agencies.register(listing, actor=actors.system("tests"), at=AT - timedelta(days=3))


def opened_by(code: str | None, *rows, reference: str, people) -> Case:
    """Open a case of a notice that a service sent, or that a person typed."""
    moratoria.enter()
    facts = moratoria.facts(*rows, register_reference=reference, agency_code=code)
    actor = actors.agency(Agency.objects.get(code=code)) if code else people[moratoria.ANALYST]
    who = [moratoria.debtor(rows[0]), moratoria.ADVISER]
    return intake.open_case("moratorium", actor=actor, at=AT, facts=facts, people=who)


def twice(case: Case) -> list[dict]:
    rows = Task.objects.filter(case=case, kind="moratorium_twice", closed_at=None).order_by("pk")
    return [each.detail for each in rows]


def stops(row) -> list[str]:
    account = placements.account_of(row["account"])
    rows = type(account).objects.filter(pk=account.pk).prefetch_related("holders", "flags")
    (known,) = gate.candidates(list(rows), reader=Reader(actor="tests", verb="check", purpose="tests"), at=AT)
    return [each.code for each in gate.judge(known)]


def test_two_services_may_count_alike_and_one_never_says_a_notice_twice(people):
    enter_second()
    row, other = moratoria.account(people), moratoria.account(people)
    first = opened_by(moratoria.CODE, row, reference="2026/0001", people=people)
    second = opened_by(SCOTS, other, reference="2026 0001", people=people)
    for code, named in ((moratoria.CODE, row), (SCOTS, other), (None, other)):
        with nothing_written(), pytest.raises(FieldErrors) as refused:
            opened_by(code, named, reference="2026-0001", people=people)
        assert [pointer for pointer, _, _ in refused.value.errors] == ["/register_reference"]
    # Each ends its own.
    moratoria.matched(first)
    assert moratoria.matched(second).state == "applied"
    moratoria.said(first, "moratorium.cancelled")
    assert (Case.objects.get(pk=first.pk).state, Case.objects.get(pk=second.pk).state) == ("cancelled", "applied")


def test_a_typed_notice_is_answered_to_the_one_service_there_is_and_else_by_hand(people):
    row = moratoria.account(people)
    case = moratoria.matched(opened_by(None, row, reference="BSS-1", people=people))
    assert (case.state, [each["outcome"] for each in answers()]) == ("applied", ["found"])
    enter_second()
    other = moratoria.account(people)
    case = moratoria.matched(opened_by(None, other, reference="SMS-1", people=people))
    assert (case.state, len(answers()), stops(other)) == ("applied", 1, ["hold_breathing_space"])
    by_hand = Task.objects.filter(case=case, kind="moratorium_by_hand", closed_at=None)
    assert [each.detail for each in by_hand] == [{"message": "moratorium_answer"}]
    assert OutboxMessage.objects.filter(kind="moratorium_answer").count() == 1


def test_one_moratorium_in_two_cases_is_asked_about_and_protects_until_both_have_ended(people):
    """A person mistyped the reference; then the register's own message came."""
    row = moratoria.account(people, balance_pence="31246")
    placement = placed(people, row)
    typed = moratoria.matched(opened_by(None, row, reference="BSS-2026-0000001", people=people))
    assert twice(typed) == []
    sent = moratoria.matched(opened_by(moratoria.CODE, row, reference="BSS-2026-0000010", people=people))
    assert twice(sent) == [{"debts": [1]}]
    assert len(told("dca_hold")) == 1

    # A charge of a protected day is taken back once.
    billed(people, row, "2026-11-16", fees_pence=1200, balance_pence=32446)
    assert list(FeeReversal.objects.values_list("amount_pence", flat=True)) == [1200]

    moratoria.said(sent, "moratorium.cancelled")
    assert twice(sent) == [{"debts": [1], "is_over": True}]
    assert (told("dca_release"), stops(row)) == ([], ["hold_breathing_space"])
    assert searching.debts_of(typed).get().standing == "protected"
    moratoria.said(typed, "moratorium.cancelled")
    assert told("dca_release") == [{"reference": placement.reference}]
    assert twice(typed) == []
