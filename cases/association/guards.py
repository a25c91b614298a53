"""What must be true before a link moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import QuerySet

from cases.association import bureaus, codes, messages, proof
from cases.kernel import calendars
from cases.kernel.linking import people as linked
from cases.kernel.models import Case, CaseParty, Evidence

__all__ = ["document", "others_between", "why_not_again"]

_QUESTIONED = frozenset({"challenged", "break_requested", "signposted", "correcting"})


def document(context: Any) -> Evidence | None:
    """Return the document that was named, if it is one that is to show the agreement."""
    number = str(context.inputs.get("evidence") or "")
    if not number.isdecimal() or len(number) > 4:
        return None
    return _agreements(context).filter(number=int(number)).first()


def _agreements(context: Any) -> QuerySet[Evidence]:
    return Evidence.objects.select_related("blob__key", "case__key").filter(case=context.case, kind=proof.KIND)


def has_two_people(context: Any) -> str | None:
    rows = CaseParty.objects.filter(case=context.case, is_detached=False)
    if Counter(rows.values_list("role", flat=True)) != Counter((codes.DECLARER, codes.OTHER)):
        return "A link has two people: who declares it, and the other person. Correct the people first."
    if rows.filter(surname=None).exists():
        return "Give both people's last names: no agency can link files without them."
    return None


def others_between(case: Case) -> list[Case]:
    """Return the other cases of a standing link between the same two people. Six queries at most."""
    sides = {each.role: each for each in CaseParty.objects.filter(case=case, is_detached=False).select_related("case")}
    if len(sides) < len(codes.ROLES):
        return []
    found = [tie.case for tie in linked.between(sides[codes.DECLARER], sides[codes.OTHER])]
    return [each for each in found if each.pk != case.pk and not each.is_closed]


def no_other_is_open_to_question(context: Any) -> str | None:
    """Nobody is linked anew by a second declaration while one of the two denies the link, or asks to break it."""
    return why_not_again(context.case)


def why_not_again(case: Case) -> str | None:
    """Return why the two of a case are not linked anew now, or None. Six queries at most."""
    stopped = [each for each in others_between(case) if each.state in _QUESTIONED]
    if not stopped:
        return None
    named = ", ".join(sorted(each.reference for each in stopped if not each.is_restricted))
    return f"Another link of these two is not used at present{f': {named}' if named else ''}. Decide about that first."


def is_agreed_to(context: Any) -> str | None:
    """That somebody only says that the other agrees is no evidence of it."""
    facts = context.case.association
    if facts.agreement_kind == "declared_only":
        return "Nothing but the declaration says that the other person agrees. Ask that person, and record how."
    documents = list(_agreements(context))
    if not documents:
        return "Attach the document that shows the other person's agreement."
    return None if proof.shown(documents) else proof.why_not(documents[-1])


def has_agency_reference(context: Any) -> str | None:
    return None if context.inputs.get("agency_reference") else "The agency gave no reference."


def denies(context: Any) -> str | None:
    if not str(context.inputs.get("words") or "").strip():
        return "Write down what the other person says."
    return _how_and_when(context)


def _how_and_when(context: Any) -> str | None:
    if context.inputs.get("how") not in dict(codes.CHANNELS):
        return "Say how it came to us."
    received = context.inputs.get("received_date")
    if received is not None and received > calendars.london_date(context.at):
        return "It cannot have come in on a day to come."
    return None


def has_evidence(context: Any) -> str | None:
    shown = document(context)
    if shown is None:
        return "Name the document that shows the other person's agreement."
    if shown.obtained_by_id == context.actor.user_id:
        return "You attached this document. Another person must judge what it shows."
    return proof.why_not(shown)


def are_those_confirmed(context: Any) -> str | None:
    """Whom nobody confirmed is linked with nobody: a second person looked at the two of whom the agencies were told."""
    live = CaseParty.objects.filter(case=context.case, is_detached=False)
    told = live.filter(releases__release__message_kind=messages.CRA_ASSOC.code).distinct()
    if live.count() == told.count() == len(codes.ROLES):
        return None
    return (
        "The two people are not those whom a second person confirmed. Uphold the challenge, and declare the link anew."
    )


def lacks_a_person(context: Any) -> str | None:
    """A link of which a wrong person was detached is none, and nobody is added to it once it was confirmed."""
    return None if bureaus.lacks_a_person(context.case) else "The link has both its people."


def is_asked_by_one_of_them(context: Any) -> str | None:
    """Either of the two may ask; who asks is who they say."""
    if context.inputs.get("asked_by") not in dict(codes.ROLES):
        return "Say which of the two asks."
    if context.inputs.get("identity_check") not in dict(codes.IDENTITY_CHECKS):
        return "Check the identity of whoever asks, and say how."
    return _how_and_when(context)


def is_joint_open(context: Any) -> str | None:
    if context.inputs.get("exposure") not in dict(codes.EXPOSURES):
        return "Say what is jointly open."
    if context.inputs["exposure"] == codes.NO_EXPOSURE:
        return "Nothing joint is open: the request is not refused for that."
    return None


def nothing_joint_is_open(context: Any) -> str | None:
    if context.inputs.get("exposure") != codes.NO_EXPOSURE:
        return "Look whether anything joint is open, here and with other brands, and say that nothing is."
    return None


def is_answered_everywhere(context: Any) -> str | None:
    """Every agency said what it did, or its time is up."""
    rows = bureaus.links(context.case)
    waiting = [row.agency.display_name for row in rows if row.state == "asked"]
    if waiting:
        return f"Not answered yet: {', '.join(waiting)}."
    if rows and all(row.state in {"kept", "refused"} for row in rows):
        return "Every agency refused to break it: restore it instead."
    return None


def is_refused_everywhere(context: Any) -> str | None:
    rows = bureaus.links(context.case)
    if not rows or any(row.state not in {"kept", "refused"} for row in rows):
        return "Not every agency refused to break it."
    return None


def is_removed_everywhere(context: Any) -> str | None:
    """Every agency confirmed; a person may record why one did not, once it had its time and was chased."""
    open_rows = bureaus.unsaid(context.case)
    if not open_rows:
        return None
    names = ", ".join(row.agency.display_name for row in open_rows)
    if context.actor.kind != "staff":
        return f"Not confirmed yet: {names}."
    if bureaus.has_time_left(context.case):
        return f"Not confirmed yet, and there is time left to: {names}."
    if not str(context.inputs.get("why_silent") or "").strip():
        return f"Record why {names} did not confirm."
    return None
