"""What must be true before a request moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from cases.disclosure import authorities, codes, gates, periods
from cases.disclosure.dataitems import ITEMS
from cases.disclosure.described import period_fault
from cases.disclosure.gates import Finding
from cases.disclosure.models import AuthorityContact, DisclosureRequest
from cases.disclosure.opening import urn_tokens
from cases.kernel import calendars, clocks, holds
from cases.kernel.models import Case, CaseParty, Evidence, Note
from cases.ledger import sealing

EARLIEST_CALL = timedelta(days=7)


def open_items(facts: DisclosureRequest) -> list[str]:
    """Return the items that were asked for and not refused."""
    return [item for item in facts.items if item not in facts.refused_items]


def findings(facts: DisclosureRequest) -> dict[str, Finding]:
    """Return what the class gate says of every item that still stands."""
    asking = gates.asking_of(facts)
    return {item: gates.class_gate(item, asking) for item in open_items(facts)}


def shut_items(facts: DisclosureRequest) -> dict[str, str]:
    """Return the items that the class gate refuses, each with the code why."""
    return {item: found.code for item, found in findings(facts).items() if found.outcome == "refuse"}


def liftable_items(facts: DisclosureRequest) -> list[str]:
    """Return the shut items that counsel and an approver could open on this ground."""
    if facts.gateway not in gates.OVERRIDES:
        return []
    opened = gates.OPENS[facts.gateway]
    return [item for item in shut_items(facts) if ITEMS[item].opened_by in opened]


# --- out of scope ---------------------------------------------------------------------------------------------------
def nothing_else_is_recorded(context: Any) -> str | None:
    """Of interception not even the existence of a warrant may be recorded here (s.57, s.255(8))."""
    facts = context.case.disclosure_request
    said = (facts.urn, facts.asked_by, facts.authoriser, facts.particulars, facts.oral_given_at)
    is_bare = not facts.items and not facts.authority_code and all(each is None for each in said)
    if facts.request_type != codes.INTERCEPTION:
        return "This end is for the lawful-interception unit alone. Refuse the request, or cancel it."
    if not is_bare or _has_parts(context.case):
        return "Something else is recorded here. Void this case instead, and tell the unit."
    return None


def _has_parts(case: Case) -> bool:
    return any(model._default_manager.filter(case=case).exists() for model in (CaseParty, Evidence, Note))


# --- an order is applied for ----------------------------------------------------------------------------------------
def is_notice_of_application(context: Any) -> str | None:
    """On notice of an application nothing may be concealed, destroyed, altered or disposed of (K08)."""
    if context.case.disclosure_request.request_type == codes.APPLICATION:
        return None
    return "This is not a notice that an order is applied for. Correct what came, if it is."


def order_is_attached(context: Any) -> str | None:
    is_there = Evidence.objects.filter(case=context.case, kind="court_order").exists()
    return None if is_there else "Attach the order first."


def hold_is_released(context: Any) -> str | None:
    is_held = holds.active(context.case, at=context.at).filter(kind="legal").exists()
    return "Two people release the legal hold first." if is_held else None


# --- who asks -------------------------------------------------------------------------------------------------------
def is_called_back(context: Any) -> str | None:
    """Somebody called the desk on the directory's own number, after the request came in, and says when."""
    facts, inputs = context.case.disclosure_request, context.inputs
    contact = str(inputs.get("contact") or "")
    desks = authorities.active(facts.authority_code, contact) if contact else []
    if not desks:
        return "Choose the desk that you called from the directory."
    if facts.came_by == codes.PORTAL and desks[0].method == "portal_identity":
        return None  # the portal's signature says who it is
    called_at = inputs.get("called_back_at")
    if called_at is None or called_at > context.at:
        return "Say when you called the desk back."
    if called_at < context.case.opened_at - EARLIEST_CALL:
        return "That call was long before the request came in. Call again."
    if not str(inputs.get("spoken_to") or "").strip():
        return "Say whom you spoke to."
    return None


def is_not_ones_own_entry(context: Any) -> str | None:
    facts = context.case.disclosure_request
    if authorities.too_close(
        facts.authority_code, str(context.inputs.get("contact") or ""), context.actor, at=context.at
    ):
        return "You changed the entry of this desk within a day: another person calls it back."
    return None


def who_asked_is_who_was_verified(context: Any) -> str | None:
    facts = context.case.disclosure_request
    desks = authorities.active(facts.authority_code, facts.contact_code or "-")
    if not desks or authorities.proven(facts) != facts.authority_code:
        return "The desk that was called back is not one of this authority. Refuse the request, and enter it anew."
    return _other_kind(facts, desks[0])


def desk_may_still_ask(context: Any) -> str | None:
    """A desk that was set apart since it was called back gets nothing: it may never have been theirs."""
    facts = context.case.disclosure_request
    if authorities.active(facts.authority_code, facts.contact_code or "-"):
        return None
    return (
        "The desk that was called back may not ask any more, as the directory says. Return or refuse the request, or "
        "have the desk entered again."
    )


def _other_kind(facts: DisclosureRequest, desk: AuthorityContact) -> str | None:
    """The directory, not whoever asks, says what kind of authority a desk is of: some items are not for councils."""
    if facts.authority_kind == desk.kind:
        return None
    label = dict(codes.DESK_KINDS).get(desk.kind, desk.kind)
    return f"The directory says of this desk: {label}. Correct the kind of authority."


def is_of_the_kind_that_it_says(context: Any) -> str | None:
    """A kind that the request does not say is taken from the directory; what it says is what stands there."""
    facts = context.case.disclosure_request
    desks = authorities.active(facts.authority_code, str(context.inputs.get("contact") or "-"))
    if not desks:
        return None
    if desks[0].kind not in dict(codes.AUTHORITY_KINDS):
        return "This desk asks for nothing but help in an emergency. Choose another."
    return _other_kind(facts, desks[0]) if facts.authority_kind else None


# --- what is asked for ----------------------------------------------------------------------------------------------
def asks_about_addresses(facts: DisclosureRequest) -> bool:
    """Say whether an item that still stands is asked for about a number or another address: recordings of a place are
    not."""
    return any(ITEMS[item].opened_by in codes.ADDRESSED for item in open_items(facts))


def is_described(context: Any) -> str | None:
    facts = context.case.disclosure_request
    items = open_items(facts)
    if not items:
        return "Nothing is asked for: choose at least one item, or refuse the request."
    if asks_about_addresses(facts) and not _has_address(context.case):
        return "Enter the number, address or handset that the request is about."
    return period_fault(items, facts.begins_at, facts.ends_at)


def _has_address(case: Case) -> bool:
    named = CaseParty.objects.filter(case=case, is_detached=False)
    return any(getattr(row, name) is not None for row in named for name in ("phone", "email", "device", "ip_address"))


def gate_is_open(context: Any) -> str | None:
    """Every item that still stands opens on the ground that is asserted; the others are refused first."""
    return next(
        (found.sentence for found in findings(context.case.disclosure_request).values() if found.sentence), None
    )


def authorisation_was_in_force(context: Any) -> str | None:
    """It had not lapsed when it reached us; a notice given in time outlives its authorisation (s.65(7))."""
    facts = context.case.disclosure_request
    rule = codes.AUTHORISATIONS.get(facts.gateway)
    if rule is None:
        return None
    received = _came_in(context.case)
    if facts.granted_date is None:
        return "Enter the day on which the authorisation was granted."
    if facts.granted_date > received:
        return "The authorisation is dated after the request came in. Ask the authority."
    if clocks.plan(rule, started_at=periods.noon(facts.granted_date)).due_date < received:
        return "The authorisation had lapsed before the request came in. Refuse it as expired."
    return None


def _came_in(case: Case) -> date:
    """Return the London day on which the request reached us. One to preserve turns into one to answer on the day that
    it is corrected to be so: then the authorisation came."""
    told = list(
        DisclosureRequest.history.filter(case_id=case.pk)
        .order_by("history_id")
        .values_list("request_type", "history_date")
    )
    since = [at for kind, at in told if kind != codes.PRESERVATION]
    was_to_preserve = bool(told) and told[0][0] == codes.PRESERVATION
    return calendars.london_date(since[0] if was_to_preserve and since else case.opened_at)


def comes_without_original(facts: DisclosureRequest) -> bool:
    is_oral = facts.oral_given_at is not None and facts.grade in codes.URGENT_GRADES
    return facts.gateway in codes.AUTHORISATIONS and (is_oral or facts.came_by == codes.PORTAL)


def original_is_attached(context: Any) -> str | None:
    """What came is here. Of an urgent authorisation that was said by word of mouth nothing can be yet (K03), and of one
    that came by the portal nothing else is."""
    if comes_without_original(context.case.disclosure_request):
        return None
    rows = Evidence.objects.filter(case=context.case)
    if context.case.disclosure_request.gateway in codes.ORDERS:
        return order_is_attached(context)
    return None if rows.exists() else "Attach what the authority sent first."


def may_be_answered(context: Any) -> str | None:
    """A request from abroad goes through the UK Central Authority; one to preserve, or the notice that an order is
    applied for, gives nothing away."""
    facts = context.case.disclosure_request
    if facts.request_type == codes.APPLICATION:
        return "It only says that an order is applied for. When the order is here, correct what came."
    if facts.request_type == codes.PRESERVATION:
        return "It only asks to preserve. When the authorisation or order is here, correct what came."
    if facts.request_type == codes.OVERSEAS and facts.gateway not in codes.FROM_ABROAD:
        return "A request from abroad goes through the UK Central Authority. Refuse it, and say so."
    return None


def is_ours(context: Any) -> str | None:
    """Nobody has to say of a request about no address that its addresses are ours."""
    if context.inputs.get("is_ours") or not asks_about_addresses(context.case.disclosure_request):
        return None
    return "Look the addresses up first: are they ours, for the whole period?"


def is_not_asked_already(context: Any) -> str | None:
    """One number of theirs names one request; a second is compared by a person, never answered twice. One on which data
    was given is found after its end too, whatever index key its number was kept under."""
    facts = context.case.disclosure_request
    if facts.urn_token is None:
        return "Enter the authority's own number of the request."
    same = DisclosureRequest.objects.filter(urn_token__in=_tokens(context), case__is_erased=False).exclude(pk=facts.pk)
    references = same.order_by("pk").values_list("case__reference", flat=True)
    if (open_one := references.filter(case__is_closed=False).first()) is not None:
        return f"The authority used this number before, in {open_one}. Compare them, then cancel one or ask."
    answered = references.exclude(request_type=codes.STATEMENT).filter(released_at__isnull=False)
    is_for_court = facts.request_type == codes.STATEMENT  # a statement is about what was given before
    if is_for_court or context.inputs.get("is_another") or (known := answered.first()) is None:
        return None
    return f"This number of theirs was answered before, in {known}. Compare them: cancel this, or say what differs."


def _tokens(context: Any) -> list[bytes]:
    """Return what the authority's number of a request is kept as under each index key there is. Opens it."""
    facts = context.case.disclosure_request
    reader = sealing.Reader(
        actor=context.actor.label,
        verb="match",
        purpose="answer_authority",
        streams=(context.case.uid,),
        fields=("urn",),
    )
    urn = sealing.open_rows([facts], ("urn",), reader=reader, at=context.at)[0]["urn"]
    return [bytes(facts.urn_token), *(urn_tokens(facts.authority_code, urn) if urn else ())]


# --- answers --------------------------------------------------------------------------------------------------------
def has_question(context: Any) -> str | None:
    return None if str(context.inputs.get("question") or "").strip() else "Write the question."


def has_reason_code(context: Any) -> str | None:
    code = context.inputs.get("reason_code")
    if code not in dict(codes.REFUSALS):
        return "Choose why it is refused."
    if context.actor.kind == "system" and code not in codes.REFUSED_BY_RULE:
        return "Only a person refuses for this reason."
    return None


def gate_shuts_some(context: Any) -> str | None:
    facts = context.case.disclosure_request
    shut = shut_items(facts)
    if not shut:
        return "Every item is open on the ground that is asserted."
    if len(shut) == len(open_items(facts)):
        return "Nothing would be left. Refuse the whole request."
    return None


def can_be_lifted(context: Any) -> str | None:
    facts = context.case.disclosure_request
    wanted = set(context.inputs.get("items") or ())
    if not wanted or not wanted <= set(liftable_items(facts)):
        return "Choose items that are shut now and that this ground could open."
    return None


def has_cancellation(context: Any) -> str | None:
    """An agency's own word is the notice; a person says which notice came, unless it is on record."""
    if context.actor.kind == "agency" or context.case.disclosure_request.cancelled_at is not None:
        return None
    if str(context.inputs.get("notice") or "").strip():
        return None
    return "Say which notice of cancellation came, and when."
