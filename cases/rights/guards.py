"""What must be true before a rights request moves. Each guard reads the context and returns the sentence why not, or
None."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from cases.kernel.evidence import custody, scanning
from cases.kernel.models import Case, CaseParty, Evidence, Letter, Task
from cases.ledger.models import LedgerEvent
from cases.rights import access, codes, effects, erasing, held, identity, messages, recipients, restricting
from cases.rights.models import RightsRequest

__all__ = ["NEEDS_ALL", "NEEDS_IDENTITY", "is_person_told", "is_stop", "needs_another"]

NOT_PUT_RIGHT = (
    "Since this request came in no correction is on record. Put it right where it stands, attach what shows that it "
    "was put right elsewhere, or choose “Nothing needs changing” and write why: the person is told."
)
NOT_RESTRICTED = (
    "Nothing would stop the use: choose the matters in which it is stopped, or attach what shows that it was stopped "
    "elsewhere."
)
# Nobody is given another's data, and nobody's is erased on another's word.
NEEDS_IDENTITY = frozenset({codes.ACCESS, codes.PORT, codes.RECTIFY, codes.ERASE})
# Whatever is answered is about all that is held of the person, in whichever case.
NEEDS_ALL = NEEDS_IDENTITY | codes.STOPS_USE
UNSHOWN = "Somebody acts for the person: attach what shows their authority first, found clean, or detach them."


def is_stop(facts: RightsRequest) -> bool:
    """Say whether a request changes a choice: then it counts at once, whoever takes it in."""
    return facts.right in codes.CHANGES


def is_no_stop(context: Any) -> str | None:
    if is_stop(context.case.rights_request):
        return "A stop or a consent counts at once: nobody has to prove who they are."
    return None


def identity_is_checked(context: Any) -> str | None:
    if context.inputs.get("how") not in dict(codes.IDENTITY):
        return "Say how the person showed who they are."
    return None


def is_not_known_yet(context: Any) -> str | None:
    if context.case.state == "received" and identity.is_known(context.case):
        return "It is on record already that it is them."
    return None


def is_a_stop_or_ones_own_field(context: Any) -> str | None:
    """Any colleague and the system itself carry out a stop; everything else is a rights officer's to do or propose."""
    if context.proposer or is_stop(context.case.rights_request) or "rights_officer" in context.actor.roles:
        return None
    return "Only a rights officer answers this request."


def knows_who_asks(context: Any) -> str | None:
    if context.case.rights_request.right in NEEDS_IDENTITY and not identity.is_known(context.case):
        return "Check first that it is the person who asks: ask who they are, then record that it is them."
    return None


def knows_what_is_held(context: Any) -> str | None:
    """Nothing is given, erased or put right while people of other cases may be the one who asks (UK GDPR Art 12(1))."""
    return held.why_not_all(context.case) or None if context.case.rights_request.right in NEEDS_ALL else None


def acts_with_authority(context: Any) -> str | None:
    """Whoever acts for somebody is given nothing of theirs, and changes nothing, on their own word."""
    case = context.case
    beside = CaseParty.objects.filter(case=case, role__in=codes.BESIDE, is_detached=False)
    if case.rights_request.right not in NEEDS_IDENTITY or not beside.exists():
        return None
    rows = Evidence.objects.filter(case=case, kind=codes.AUTHORITY).select_related("blob__key", "case__key")
    shown = [each for each in rows if not custody.is_erased(each) and scanning.why_not(each) is None]
    return None if shown else UNSHOWN


def says_what_was_done(context: Any) -> str | None:
    if is_stop(context.case.rights_request):
        return None
    outcome, right = context.inputs.get("outcome"), context.case.rights_request.right
    if outcome not in dict(codes.OUTCOMES) or (outcome == codes.UNCHANGED and right != codes.RECTIFY):
        return "Choose what came of it."
    return None if str(context.inputs.get("answer") or "").strip() else "Write what was done."


def erases_something(context: Any) -> bool:
    """Say whether matters are to be erased: then two people decide."""
    return context.case.rights_request.right == codes.ERASE and bool(context.inputs.get("erased"))


def needs_another(context: Any) -> bool:
    """Say whether two people decide: matters are erased for good, or what was asked is not done, or not all of it. No
    right is refused by one officer."""
    keeps_some = context.inputs.get("outcome") in {"done_in_part", codes.UNCHANGED}
    return erases_something(context) or (keeps_some and not is_stop(context.case.rights_request))


def says_why_the_rest_is_kept(context: Any) -> str | None:
    """Whoever is not given all they asked for is told why, UK GDPR Art 12(4)."""
    inputs = context.inputs
    if inputs.get("outcome") != "done_in_part" or inputs.get("kept_because") in dict(codes.KEPT_BECAUSE):
        return None
    return "Choose why the rest is not done: the person is told."


def can_be_erased(context: Any) -> str | None:
    """Only a closed matter of theirs alone, which nothing keeps, is erased before its time (UK GDPR Art 17(3))."""
    if not erases_something(context):
        return None
    if context.inputs.get("outcome") == "nothing_held":
        return "Something is held: it is to be erased."
    free = {str(each.case.uid) for each in erasing.matters(context.case, at=context.at) if not each.why_kept}
    kept = set(context.inputs["erased"]) - free
    return "Not all of these matters can be erased any more: look at the page of the request." if kept else None


def is_true_of_what_is_kept(context: Any) -> str | None:
    """Nobody is told that nothing is held, or that all was erased, while other matters keep a record of them (UK GDPR
    Art 5(1)(a), 17)."""
    case, outcome = context.case, context.inputs.get("outcome")
    if outcome != "nothing_held" and (case.rights_request.right, outcome) != (codes.ERASE, "done"):
        return None
    goes = set(context.inputs.get("erased") or ())
    stays = [row for row in held.rows(case) if str(row.case.uid) not in goes]
    kept = {row.case_id for row in stays if row.case_id != case.pk}
    if not kept:
        is_named = outcome == "done" and any(row.account_reference for row in stays)
        has_account = is_named or held.has_account(case, by=context.actor.label, at=context.at)
        said = erasing.ACCOUNT if outcome == "done" else "Something is held: an account with us is theirs."
        return said if has_account else None
    where = f"{len(kept)} other matter{'s' * (len(kept) > 1)} here"
    if outcome == "nothing_held":
        return f"Something is held: this person stands in {where}."
    return (
        f"This person stands in {where} that would be kept. Choose “Done in part”, and write what was erased and on "
        "what ground the rest is kept."
    )


def copy_is_given(context: Any) -> str | None:
    """What is held goes to whoever asked for it, and something proves that it did (UK GDPR Art 15, 20)."""
    facts, inputs = context.case.rights_request, context.inputs
    if facts.right not in (codes.ACCESS, codes.PORT) or inputs.get("outcome") == "nothing_held":
        return None
    if access.newest(context.case) is None:
        what = "subject access pack" if facts.right == codes.ACCESS else "copy to take elsewhere"
        return f"Make the {what} first."
    if inputs.get("given_how") not in dict(codes.GIVEN):
        return "Say how the copy was given."
    return None if str(inputs.get("given_proof") or "").strip() else "Write what proves that the copy was given."


def _told(case: Case) -> tuple[QuerySet[Letter], QuerySet[Task]]:
    letters = Letter.objects.filter(case=case, template=effects.LIFTING).exclude(state="withdrawn")
    return letters, case.tasks.filter(kind=effects.TELL, detail__letter=effects.LIFTING)


def is_person_told(case: Case) -> bool:
    """Say whether a letter or a task tells the person that a restriction is to end. Two queries at most."""
    letters, by_hand = _told(case)
    return letters.exists() or by_hand.exists()


def person_was_told_first(context: Any) -> str | None:
    """Whoever obtained a restriction is told before it ends, UK GDPR Art 18(3): by a letter that is posted, or by hand
    where no letter can go."""
    case = context.case
    if case.rights_request.right != codes.LIFT:
        return None
    written, by_hand = _told(case)
    waits = written.filter(dispatched_date=None).exists() or by_hand.filter(closed_at=None).exists()
    if (written.exists() or by_hand.exists()) and not waits:
        return None
    return "The person has to be told before a restriction ends: wait until the letter is posted, or tell them by hand."


def says_where_it_changed(context: Any) -> str | None:
    """Whoever was told before hears of it (UK GDPR Art 19), so the officer says of which matters."""
    outcome, chosen = context.inputs.get("outcome"), set(context.inputs.get("changed_in") or ())
    if outcome == codes.UNCHANGED and chosen - {recipients.NONE}:
        return "Nothing needs changing, so nobody hears of a change: choose none of the matters."
    right = context.case.rights_request.right
    if right not in {*recipients.CHANGES, codes.OBJECT} or outcome in ("nothing_held", codes.UNCHANGED):
        return None
    known = {str(row.case.uid) for row in restricting.offered(context.case)}
    if not known or chosen == {recipients.NONE}:
        return None
    if chosen and chosen <= known:
        return None
    return "Say in which matters it was changed, or that it was in none, so that whoever was told hears of it."


def is_put_right(context: Any) -> str | None:
    """Nobody is told that what is held is put right (UK GDPR Art 16) where nothing on record shows that it was."""
    case, outcome = context.case, context.inputs.get("outcome")
    if case.rights_request.right != codes.RECTIFY or outcome not in ("done", "done_in_part"):
        return None
    since = min(case.opened_at, case.rights_request.received_at)
    matters = {row.case.uid for row in held.rows(case)} - {case.uid}
    edited = LedgerEvent.objects.filter(stream__in=matters, action="case.edited", at__gte=since)
    shown = Evidence.objects.filter(case=case, kind=codes.CORRECTION)
    return None if edited.exists() or shown.exists() else NOT_PUT_RIGHT


def is_restricted(context: Any) -> str | None:
    """Nobody is told that the use of their data is restricted or ended (UK GDPR Art 18, 21(1)) where nothing on record
    stops it."""
    case, inputs = context.case, context.inputs
    if case.rights_request.right not in codes.STOPS_USE or inputs.get("outcome") not in ("done", "done_in_part"):
        return None
    is_held = set(inputs.get("changed_in") or ()) - {recipients.NONE}
    is_shown = Evidence.objects.filter(case=case, kind=codes.CORRECTION).exists()
    return None if is_held or is_shown else NOT_RESTRICTED


def has_reason_code(context: Any) -> str | None:
    if context.inputs.get("reason_code") not in dict(codes.REFUSALS):
        return "Choose why it is refused."
    return None


def is_refused_for_what_is_open(context: Any) -> str | None:
    """Who never showed who they are is refused for that alone, and nobody has to record before that it is them."""
    if context.case.state != "identity_check" or context.inputs.get("reason_code") == "identity_not_proved":
        return None
    return "Who they are is still open: refuse it for that, or record first that it is them."


def somebody_has_to_know(context: Any) -> str | None:
    return None if messages.recipients(context.case) else "Nobody else has to be told."


def everybody_has_confirmed(context: Any) -> str | None:
    """Whoever was told has confirmed, or the 28 days are over. What was done but not passed on yet is not confirmed."""
    case, at = context.case, context.at
    if case.state == "actioned":
        return "Others have to be told first." if messages.recipients(case) else None
    open_until = case.clocks.filter(rule="rights_passed_on", ended_at=None).values_list("due_at", flat=True).first()
    if messages.unconfirmed(case) - int(context.inputs.get("confirming") or 0) > 0 and (open_until or at) > at:
        return "Not everybody who was told has confirmed yet."
    return None
