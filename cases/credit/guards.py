"""What must be true before a check moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from cases.credit import codes, letters, rulesets, searches
from cases.credit.models import CheckDecision, Contest, Search
from cases.kernel import approvals, calendars
from cases.kernel.exchange import letters as notices
from cases.kernel.models import Case, CaseParty, Letter, Task
from cases.kernel.timing import places
from cases.ledger.models import LedgerEvent

__all__ = [
    "AGAIN",
    "is_contest_won",
    "is_contested",
    "is_out_of_original_path",
    "is_old_and_uncontested",
    "last_told",
    "is_decided_by_whom_it_may_be",
    "may_be_alone",
    "says_what_is_decided",
    "searches_are_over",
    "took_part",
    "why_not_alone",
]

AGAIN = "check_decide_again"
_NOT_LEFT = ("due", "rendered")
_TO_TELL = (letters.BY_HAND, notices.BY_HAND, notices.RETURNED)
# After that a check closes though a letter about it never left: a hold on contact may stand for ever.
_LONGEST = timedelta(days=183)
_OPEN_DAYS = 29  # the clock counts whole London days; it decides, this only refuses what comes much too early
_REASONS, _TRIGGERS = dict(codes.REASONS), dict(codes.TRIGGERS)


def why_not_alone(case: Case, outcome: str, triggers: Iterable[str]) -> str:
    """Return the code of the reason why no decision may be taken without a person (UK GDPR Art 22A to 22D), or
    nothing. Against a person none is, unless a trigger of the notice speaks against them and a letter reaches them."""
    facts = case.check_facts
    if facts.basis == "gdpr_6_1_ea":
        return "basis_forbids"
    if facts.has_special_category:
        return "special_category"
    if outcome in codes.ADVERSE and not set(triggers) & set(_TRIGGERS):
        return "no_trigger"
    if outcome in codes.ADVERSE and not _lives_where_we_know(case):
        return "cannot_write"
    return ""


def _lives_where_we_know(case: Case) -> bool:
    """Say whether the applicant's home is known to its postcode: there they were searched, there both letters go."""
    party = CaseParty.objects.filter(case=case, role="applicant", is_detached=False).order_by("number").first()
    home = places.home_of(party) if party is not None else None
    return home is not None and bool(home.line_1 and home.postcode)


def _is_person(context: Any) -> bool:
    return bool(context.actor.kind == "staff")


def is_decided_by_whom_it_may_be(context: Any) -> str | None:
    """While the searches run, only the rules decide; what was referred, only a person."""
    if context.case.state == "running":
        return "The searches are still running." if _is_person(context) else None
    return None if _is_person(context) else "This was referred: a person decides."


def may_be_alone(context: Any) -> str | None:
    """Whatever the rules in force say, what the searches found is looked at once more. Opens what they said."""
    if _is_person(context):
        return None
    code = why_not_alone(context.case, str(context.inputs.get("outcome")), context.inputs.get("triggers") or ())
    code = code or next(iter(rulesets.needs_a_person(searches.factors(context.case, at=context.at))), "")
    return f"A person decides: {_REASONS[code].lower()}." if code else None


def says_what_is_decided(context: Any) -> str | None:
    inputs = context.inputs
    if inputs.get("outcome") not in dict(codes.outcomes_of(context.case.check_facts.occasion)):
        return "Choose what is decided."
    if not set(inputs.get("reasons") or ()) or not set(inputs["reasons"]) <= set(_REASONS):
        return "Choose the main reasons."
    if not set(inputs.get("triggers") or ()) <= set(_TRIGGERS):
        return "These are not the triggers that the notice names."
    if _is_person(context) and not str(inputs.get("involvement") or "").strip():
        return "Write what you looked at yourself, and what you made of it."
    return None


def searches_are_over(context: Any) -> str | None:
    """While a check runs every agency is waited for. Whoever it was referred to decides with what is there: an agency
    that stays silent keeps nobody waiting."""
    if context.case.state != "running":
        return None
    if Search.objects.filter(case=context.case, state="asked").exists() and not context.inputs.get("gave_up"):
        return "Not every agency has answered yet."
    return None


def is_old_and_uncontested(context: Any) -> str | None:
    last = last_told(context.case, at=context.at)
    if last == context.at:
        return "The person has not been told of the decision yet."
    if last is not None and context.at < last + timedelta(days=_OPEN_DAYS):
        return "The person may still contest it in the usual way."
    return "A contest of it is open." if is_contested(context.case) else None


def last_told(case: Case, *, at: datetime) -> datetime | None:
    """Return since when the newest decision of a check is contested in the usual way: since it was taken, or the last
    letter about it left; since now while one waits or came back, or somebody has to write by hand, for at most half a
    year. Whoever was not told cannot contest. Four queries at most."""
    last = CheckDecision.objects.filter(case=case).order_by("number").last()
    if last is None:
        return None
    waiting = Letter.objects.filter(case=case, state__in=_NOT_LEFT)
    by_hand = Task.objects.filter(case=case, kind__in=_TO_TELL, closed_at=None)
    if at < last.decided_at + _LONGEST and (waiting.exists() or by_hand.exists()):
        return at
    day = Letter.objects.filter(case=case).aggregate(last=Max("dispatched_date"))["last"]
    return max(last.decided_at, calendars.end_of_day(day)) if day else last.decided_at


def is_contested(case: Case) -> bool:
    """Say whether somebody contests a decision of this check, or won and it is not decided again."""
    newest = CheckDecision.objects.filter(case=case).order_by("number").last()
    open_ones = Contest.objects.filter(decision__case=case, case__is_closed=False)
    won = Contest.objects.filter(decision=newest, outcome__in=codes.WON)
    return open_ones.exists() or won.exists() or _is_to_be_decided_again(case)


def _is_to_be_decided_again(case: Case) -> bool:
    """Say whether a contest was won that no decision has followed, whichever decision it was of."""
    return Task.objects.filter(case=case, kind=AGAIN, closed_at=None).exists()


def took_part(decision: CheckDecision, label: str) -> bool:
    """Say whether somebody decided on the check of this decision, or shaped the check before it: opened it, changed
    what it says or gave it documents. Two queries."""
    if CheckDecision.objects.filter(case=decision.case_id, decided_by=label).exists():
        return True
    verbs = approvals.shaping_verbs(decision.case.kind)
    shaped = LedgerEvent.objects.filter(stream=decision.case.uid, actor=label, action__in=verbs)
    return shaped.filter(at__lte=decision.decided_at).exists()


def is_out_of_original_path(context: Any) -> str | None:
    """Whoever took part in a decision does not look at it again."""
    last = CheckDecision.objects.filter(case=context.case).select_related("case").order_by("number").last()
    has_part = last is not None and took_part(last, context.actor.label)
    return "You took part in the first decision." if has_part else None


def is_contest_won(context: Any) -> str | None:
    """The newest decision was contested, and overturned or varied; or an earlier one was since. It is decided again
    once for each."""
    newest = CheckDecision.objects.filter(case=context.case).order_by("number").last()
    won = Contest.objects.filter(decision=newest, outcome__in=codes.WON, case__state__in=("decided", "closed"))
    is_won = won.exists() or _is_to_be_decided_again(context.case)
    return None if is_won else "No contest of this decision was decided for the person."
