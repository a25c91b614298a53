"""What must be true before anything is given, and after: from the package to its receipt, errors and the end.

Each guard reads the context and returns the sentence why not, or None.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from cases.disclosure import cancelling, codes, excess, guards, inspection, package
from cases.disclosure.dataitems import ITEMS
from cases.disclosure.models import DisclosureRequest, PackagePart
from cases.kernel.models import Clock, Evidence
from cases.ledger import sealing
from cases.ledger.models import AccessEvent

# Under what name the read log has a file of a package that was opened.
PART = "part-{}"
# The task of whoever compares what an authority put in writing.
COMPARE = "disclosure_compare_writing"


def reader(context: Any, field: str) -> sealing.Reader:
    """Return who opens what is about to be given, and why."""
    streams = (context.case.uid,)
    return sealing.Reader(
        actor=context.actor.label, verb="release", purpose="answer_authority", streams=streams, fields=(field,)
    )


def _text(context: Any, name: str) -> str:
    return str(context.inputs.get(name) or "").strip()


# --- the package ----------------------------------------------------------------------------------------------------
def is_checked_by_its_maker(context: Any) -> str | None:
    """Every line of the redaction check-list that applies is ticked (data minimisation, UK GDPR Art 5(1)(c))."""
    ticked = set(context.inputs.get("checked") or ())
    missing = [text for code, text in checklist(context.case.disclosure_request) if code not in ticked]
    return f"Check first: {missing[0][:1].lower()}{missing[0][1:]}." if missing else None


def checklist(facts: DisclosureRequest) -> list[tuple[str, str]]:
    """Return the lines of the check-list that apply to a request."""
    return [
        (code, text)
        for code, text in codes.CHECKLIST
        if codes.ONLY_FOR.get(code, facts.request_type) == facts.request_type
    ]


def package_is_in_order(context: Any) -> str | None:
    """Reasons for every item, a file of each, and no row outside what was asked for (IPA 2016 s.66(2))."""
    return inspection.fault(context.case, actor=context.actor, at=context.at)


def is_the_redacted_copy(context: Any) -> str | None:
    """Where a redacted copy was made, the original does not leave in its place."""
    parts = package.unredacted(context.case)
    return f"{parts[0].name} was redacted since: take it out, and put the redacted copy in." if parts else None


def files_are_whole(context: Any) -> str | None:
    """What leaves is byte for byte what was put in. A large file was hashed as it was put in, and whenever it is taken
    whole; each of its pieces proves itself again before it leaves. Here, where the case is locked, no store is
    asked."""
    for part in package.parts_of(context.case):
        if package.is_in_store(part):
            continue
        data = package.bytes_of(part, reader=reader(context, "part"), at=context.at)
        if data is None or hashlib.sha256(data).hexdigest() != part.sha256:
            return f"{part.name} is no longer what was put in. Make it again."
    return None


def each_file_was_opened(context: Any) -> str | None:
    """Whoever releases has opened every file of the package themselves, beside the request: no machine reads a sheet or
    a recording. A recording is opened also by whoever plays the document that it is. The read log says so. Two queries
    and that of the parts, one more where there is a recording."""
    parts = package.parts_of(context.case)
    ways = {PART.format(part.number): {part.name} for part in parts}
    played = [part for part in parts if part.media_type.startswith(("audio/", "video/"))]
    if played:
        same = Evidence.objects.filter(case=context.case, sha256__in=[part.sha256 for part in played])
        for number, sha256 in same.values_list("number", "sha256"):
            ways[f"document-{number}"] = {part.name for part in played if part.sha256 == sha256}
    looks = AccessEvent.objects.filter(
        actor=context.actor.label, streams__contains=[context.case.uid], fields__overlap=list(ways)
    )
    seen = {
        name for fields in looks.values_list("fields", flat=True) for field in fields for name in ways.get(field, ())
    }
    missing = [part.name for part in parts if part.name not in seen]
    return f"Open each file first, and compare it with the request: {', '.join(missing)}." if missing else None


def is_what_was_sent_to_be_checked(context: Any) -> str | None:
    said = context.case.disclosure_request.package_sha256
    if said and said == package.manifest_hash(package.parts_of(context.case)):
        return None
    return "This is not the package that was sent to be checked."


# --- a second person ------------------------------------------------------------------------------------------------
def is_compared(context: Any) -> str | None:
    """Whoever releases has laid request and package side by side, point by point."""
    ticked = set(context.inputs.get("compared") or ())
    missing = [text[:1].lower() + text[1:] for code, text in codes.COMPARED if code not in ticked]
    return f"Compare first: {'; '.join(missing)}." if missing else None


def names_the_difference(context: Any) -> str | None:
    known = {code for code, _ in (*codes.FAULTS, codes.UNFINISHED)}
    if context.inputs.get("fault") not in known:
        return "Say what kind of difference it is."
    return None if _text(context, "difference") else "Say what differs, and where."


# --- at once --------------------------------------------------------------------------------------------------------
def is_one_officers_alone(context: Any) -> str | None:
    """One officer alone gives entity data of one address of one subscriber where a life is in immediate danger; whoever
    asks was called back."""
    facts = context.case.disclosure_request
    if facts.grade != 1:
        return "Only where there is an immediate threat to life: grade 1."
    if any(ITEMS[item].item_class != "entity" for item in guards.open_items(facts)):
        return "Only entity data is given at once; the rest is checked by another person first."
    if len(inspection.addresses(context.case, reader=reader(context, "package"), at=context.at)) != 1:
        return "Only one address at once; more are checked by another person first."
    if context.case.address_holders.filter(is_removed=False).values("subject").distinct().count() > 1:
        return "Only of an address that never changed hands at once; whose it was is checked by another person first."
    parts = package.parts_of(context.case)
    if any(part.media_type != package.CSV for part in parts):
        return "Only a table goes at once: a machine compares its rows. Another person looks at a sheet first."
    if sentence := _column_to_look_at(parts):
        return sentence
    return None if facts.called_back_at else "Call the authority back first."


def _column_to_look_at(parts: Sequence[PackagePart]) -> str | None:
    """What one officer gives alone holds the columns of its item and no other, since nobody compares them before."""
    for part in parts:
        if names := excess.unknown(part.fields, part.item):
            known = ", ".join(sorted(ITEMS[part.item].columns))
            return (
                f"{part.name}: nothing says that the column {names[0]} was asked for. At once go the columns {known}; "
                "another person looks at any other first."
            )
    return None


# --- a cancellation after the release ---------------------------------------------------------------------------------
def has_not_arrived(context: Any) -> str | None:
    """What they have is given: the cancellation is then put on record, and ends nothing."""
    if context.case.disclosure_request.receipted_at or cancelling.has_arrived(context.case):
        return "They have the package, or are getting it now. Record the cancellation, and ask what they did with it."
    return None


def is_known_not_to_be_there(context: Any) -> str | None:
    """A try to send it that failed may have arrived all the same; whoever cancelled is asked."""
    if context.actor.kind != "agency" and _text(context, "not_there"):
        return None
    if not cancelling.tried(context.case):
        return None
    return "It was tried to be sent: say how you know that they do not have it."


def may_be_there(context: Any) -> str | None:
    if context.case.disclosure_request.cancelled_at is not None:
        return "The cancellation is on record."
    if context.case.state == "released" and not cancelling.tried(context.case):
        return "It was never tried to be sent: end the request as cancelled."
    return None


# --- receipt and writing --------------------------------------------------------------------------------------------
def says_how_it_was_confirmed(context: Any) -> str | None:
    """The authority's own word is its confirmation, if it names the package that we sent; a person says how it came."""
    named = _text(context, "package_sha256")
    if named and named != context.case.disclosure_request.package_sha256:
        return "What the authority confirms is not the package that it was sent."
    if context.actor.kind == "agency" or _text(context, "how"):
        return None
    return "Say how the authority confirmed that it has it."


def was_oral(context: Any) -> str | None:
    """Only of a request by word of mouth is a written notice owed."""
    facts = context.case.disclosure_request
    if facts.oral_given_at is None:
        return "This was asked for in writing from the start."
    return None if facts.written_at is None else "The written notice is on record already."


def is_now_written(context: Any) -> str | None:
    """A notice in writing follows an oral one, and is compared with what was given (K03)."""
    if context.actor.kind == "agency":
        return None
    if not Evidence.objects.filter(case=context.case, kind="written_notice").exists():
        return "Attach the written notice first."
    return None if context.inputs.get("is_compared") else "Compare the notice with what was given."


def writing_is_overdue(context: Any) -> str | None:
    clock = Clock.objects.filter(case=context.case, rule="k03_written_notice", state="running").first()
    if clock is None or clock.due_at >= context.at:
        return "The time for the written notice is not over."
    return None


# --- errors ---------------------------------------------------------------------------------------------------------
def describes_the_error(context: Any) -> str | None:
    if context.inputs.get("fault") not in dict(codes.FAULTS):
        return "Say what was wrong with what was given."
    if not _text(context, "how"):
        return "Say how it happened."
    if not _text(context, "collateral"):
        return "Say whom it touches besides whom was asked about, or that it touches nobody."
    found_at = context.inputs.get("found_at")
    released_at = context.case.disclosure_request.released_at
    if not isinstance(context.inputs.get("is_breach"), bool):
        return "Say whether it is a personal data breach."
    if found_at is None or found_at > context.at or (released_at and found_at < released_at):
        return "Say when it was found: after the release, and not in the future."
    return None


def has_receipt(context: Any) -> str | None:
    return None if context.case.disclosure_request.receipted_at else "There is no receipt on record yet."


def has_no_receipt(context: Any) -> str | None:
    return "The receipt is on record." if context.case.disclosure_request.receipted_at else None


def explains_the_error(context: Any) -> str | None:
    """What was found after the release was given: it is reported. Recordable is what was caught before it left."""
    kind = context.inputs.get("kind")
    if kind not in dict(codes.ERROR_KINDS):
        return "Say whether it is recordable or reportable."
    error = context.case.disclosure_errors.filter(settled_at=None).order_by("number").last()
    released_at = context.case.disclosure_request.released_at
    if kind == "recordable" and error is not None and released_at and error.found_at >= released_at:
        return "It was found after the release, so it was given: it is reportable."
    if context.inputs.get("cause") not in dict(codes.CAUSES):
        return "Say what caused it."
    return None if _text(context, "prevention") else "Say what keeps it from happening again."


def asks_to_destroy(context: Any) -> str | None:
    """What was wrongly given is asked back: the recipient destroys it and says so."""
    if context.inputs.get("kind") != "reportable" or context.inputs.get("ask_to_destroy"):
        return None
    return "Ask the authority to destroy what it was wrongly given."


# --- the end --------------------------------------------------------------------------------------------------------
_OPEN = {
    "k03_written_notice": "The written notice is still owed.",
    "k04_error_report": "An error is not reported yet.",
}


def nothing_is_open(context: Any) -> str | None:
    live = set(Clock.objects.filter(case=context.case, ended_at=None).values_list("rule", flat=True))
    sentence = next((text for rule, text in _OPEN.items() if rule in live), None)
    if sentence:
        return sentence
    if context.case.disclosure_errors.filter(destroy_asked_at__isnull=False, destroyed_at=None).exists():
        return "The authority has not confirmed yet that it destroyed what it was wrongly given."
    if context.case.approvals.filter(mode="after", closed_at=None).exists():
        return "Somebody still has to look at what one officer released alone."
    if context.case.tasks.filter(kind=COMPARE, closed_at=None).exists():
        return "Nobody has compared the written notice with what was given yet."
    return None
