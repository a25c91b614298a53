"""The doors of partners and of the network: what is asked is answered in the same request, once for each webhook-id.

The bodies of the questions have the names of CAMARA's SIM Swap API; everything else is as our other operations are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from cases.agencies import inbound, limits, requests, shapes, strict_json
from cases.agencies.requests import Done
from cases.agencies.strict_json import Unreadable
from cases.api import problems, schema
from cases.api.authentication import Call
from cases.api.views import KIB, SignedView, answer_of, call_of, info_of
from cases.disclosure.partners import asking, codes, guessing, simevents, terms
from cases.disclosure.partners.models import PartnerAgreement
from cases.kernel import actors, policy, transitions
from cases.kernel.errors import NotAllowed
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Agency, IntakeRequest
from cases.kernel.transitions import TransitionRefused

__all__ = ["urlpatterns"]

OK, FORBIDDEN, TOO_MANY = 200, 403, 429
# Of a refusal; of any other it is FORBIDDEN. 422 is what CAMARA answers where its service cannot speak of a number.
STATUS_OF = {"rate_exceeded": TOO_MANY, "number_unknown": 422}
DAY_SECONDS = 86_400
_CODE = OpenApiParameter("code", OpenApiTypes.STR, OpenApiParameter.PATH, description="Your code.")


def _read(call: Call, shape: Mapping[str, Any]) -> Any:
    """Return the body of a known shape. Raises Unreadable, FieldErrors; the body is kept first, with a task."""
    try:
        document = strict_json.parse(call.raw)
        if faults := shapes.faults(document, shape):
            raise FieldErrors(faults)
    except (Unreadable, FieldErrors):
        _keep(call)
        raise
    return document


def _keep(call: Call) -> None:
    inbound.keep_unreadable(call.sender, call.raw, ip_token=call.ip_token, now=call.at)


def _answer(request: Any, prepare: Callable[[Call], Callable[[], Done]], *, partner: str = "") -> HttpResponse:
    """Give the answer a request had before; or prepare it outside a transaction, do it in one, and keep what it is
    answered. `partner` is whose limits count."""
    call = call_of(request)
    answer = requests.repeated(call.sender, call.raw, now=call.at)
    response = answer_of(answer or requests.once(call.sender, call.raw, prepare(call), now=call.at))
    if response.status_code == TOO_MANY:
        response["Retry-After"] = str(_wait_seconds(partner))
    return response


def _is_within_rate(agreement: PartnerAgreement | None, code: str) -> bool:
    """Count a query in the partner's minute and day, outside any transaction: one that is refused counts too."""
    if agreement is None:
        return True
    try:
        for name, most, seconds in _windows(agreement, code):
            limits.count(name, most=most, seconds=seconds)
    except limits.TooMany:
        return False
    return True


def _guesses_wait(code: str, number: str) -> int:
    """Count a comparison about a number in the partner's day, as `_is_within_rate` counts; return in how many seconds
    the next is answered, none where this one is."""
    try:
        limits.count(guessing.bucket(code, number), most=guessing.MOST_A_DAY, seconds=DAY_SECONDS)
    except limits.TooMany as refusal:
        return refusal.retry_after
    return 0


def _windows(agreement: PartnerAgreement, code: str) -> tuple[tuple[str, int, int], ...]:
    return (
        (f"partner:{code}:minute", agreement.per_minute, limits.WINDOW_SECONDS),
        (f"partner:{code}:day", agreement.per_day, DAY_SECONDS),
    )


def _wait_seconds(partner: str) -> int:
    """Return after how many seconds a new question may be answered: those of whichever limit lasts longest."""
    agreement = PartnerAgreement.objects.filter(agency__code=partner, is_live=True).first()
    if agreement is None:
        return limits.WINDOW_SECONDS
    windows = _windows(agreement, partner)
    return max(1, *(limits.wait_seconds(name, most=most, seconds=seconds) for name, most, seconds in windows))


class PartnerView(SignedView):
    """A call of the partner that the address names, or of a processor that asks for it with a key of its own."""

    largest_body = 4 * KIB

    def sender_code(self, request: Any) -> str:
        return str(request.headers.get("webhook-sender") or self.kwargs["code"])

    def partner(self, call: Call) -> Agency:
        """Return the partner that is asked for. Raises NotAllowed for who is neither partner nor processor."""
        code, sender = str(self.kwargs["code"]), call.sender.agency
        if sender.code == code:
            found: Agency | None = sender
        elif sender.kind == terms.PROCESSOR:
            found = Agency.objects.filter(code=code, is_active=True).first()
        else:
            found = None
        if found is None or found.kind not in terms.PARTNER_KINDS:
            raise NotAllowed("This agency is no partner.")
        return found


class _Question(PartnerView):
    """One question about one number; `question` is its code."""

    question = ""

    # Why this call waits where it was asked too often about its number: in how many seconds it may be asked anew.
    waits_seconds = 0

    def post(self, request: Any, code: str) -> HttpResponse:
        """Answer it, or repeat the answer given before."""
        response = _answer(request, self.prepare, partner=code)
        if self.waits_seconds and response.status_code == TOO_MANY:
            response["Retry-After"] = str(max(self.waits_seconds, int(response["Retry-After"])))
        return response

    def prepare(self, call: Call) -> Callable[[], Done]:
        """Read the body and count the call, and where details are compared, the call about this number."""
        partner = self.partner(call)
        asker = None if call.sender.agency == partner else call.sender.agency
        facts = _facts(call, self.question)
        if asker and facts["processor"] not in (None, asker.code):
            raise FieldErrors([("/processor", "invalid", "Leave this out: your key says who you are.")])
        agreement = terms.live(partner.pk)
        is_within_rate = _is_within_rate(agreement, partner.code)
        if agreement is not None and self.question == codes.RECORD:
            self.waits_seconds = _guesses_wait(partner.code, facts["number"])
            is_within_rate = is_within_rate and not self.waits_seconds

        def do() -> Done:
            asked = asking.ask(
                facts,
                partner=partner,
                asker=asker,
                agreement=agreement,
                is_within_rate=is_within_rate,
                at=call.at,
                request=info_of(call),
            )
            if not asked.refusal:
                return Done(asked.case, 200, asked.said)
            if self.waits_seconds:
                guessing.tell(partner, asked.case, at=call.at)
            status = STATUS_OF.get(asked.refusal, FORBIDDEN)
            return Done(asked.case, status, problems.document(status, code=asked.refusal))

        return do


def _facts(call: Call, question: str) -> dict[str, Any]:
    document = _read(call, asking.SCHEMAS[question])
    try:
        return asking.facts_of(question, document)
    except FieldErrors:
        _keep(call)
        raise


def _described(
    operation: str,
    summary: str,
    description: str,
    *,
    body: Mapping[str, Any],
    example: Mapping[str, Any],
    answer: Mapping[str, Any],
    answered: Mapping[str, Any],
    tag: str = "Partners",
    parameters: tuple[OpenApiParameter, ...] = (_CODE,),
    status: int = 200,
    refusals: tuple[int, ...] = (400, 401, 403, 411, 413, 415, 422, 429),
) -> Any:
    """Describe one operation for whoever integrates."""
    good = schema.good(status, dict(answer), dict(answered), "Answered." if status == OK else "Kept.")
    return extend_schema_view(
        post=extend_schema(
            operation_id=operation,
            summary=summary,
            description=description,
            tags=[tag],
            parameters=[*parameters, *schema.SIGNED_HEADERS, schema.REPLAYED, schema.RETRY_AFTER],
            request={"application/json": dict(body)},
            responses={**good, **schema.problems_of(*refusals)},
            examples=[schema.asked("Example", dict(example))],
        )
    )


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


_KEPT = (
    "Every query is kept, also one that is refused; the code of a refusal says why. A processor that asks for a "
    "partner with a key of its own names itself in the header webhook-sender. "
)
_OURS = (
    "422 with the code number_unknown where nobody here can say it: no mobile contract that goes on has the number, "
    "though an account has or had it, or nothing at all is on record of it. "
)
_ASKED = {"phoneNumber": "+447700900123", "maxAge": 480, "caseReference": "PAY-20261202-1", "purpose": "new_payee"}


@_described(
    "sim_swap_check",
    "Was the SIM of a number changed lately?",
    _KEPT
    + "As CAMARA SIM Swap, check: true where the SIM was changed within maxAge hours. "
    + _OURS
    + "At most 4 KiB.",
    body=asking.SCHEMAS["sim_swap"],
    example=_ASKED,
    answer=_object(swapped={"type": "boolean"}),
    answered={"swapped": True},
)
class SimSwapCheck(_Question):
    """Whether the SIM was changed within some hours."""

    question = "sim_swap"


@_described(
    "sim_swap_retrieve_date",
    "When was the SIM of a number last changed?",
    _KEPT + "As CAMARA SIM Swap, retrieve-date: null where no change is on record. " + _OURS + "At most 4 KiB.",
    body=asking.SCHEMAS["sim_swap_date"],
    example={"phoneNumber": "+447700900123"},
    answer=_object(latestSimChange={"type": ["string", "null"], "format": "date-time"}),
    answered={"latestSimChange": "2026-11-13T10:00:00Z"},
)
class SimSwapDate(_Question):
    """When the SIM was last changed."""

    question = "sim_swap_date"


@_described(
    "transaction_verify",
    "Is this transaction the customer's own?",
    _KEPT + "yes: the SIM that serves the number was there before the maxAge hours began. no: it was changed within "
    "them. unknown: nobody here can say it. Never more than this one word. At most 4 KiB.",
    body=asking.SCHEMAS["transaction"],
    example={**_ASKED, "purpose": "online_payment", "customerAuthenticated": True},
    answer=_object(verified={"type": "string", "enum": ["yes", "no", "unknown"]}),
    answered={"verified": "no"},
)
class TransactionVerify(_Question):
    """Whether what we know speaks for the customer."""

    question = "transaction"


@_described(
    "record_check",
    "Are these details of the customer as you have them?",
    _KEPT + "Names the surname, and the date of birth, the postcode or both. yes: one person who holds an account with "
    "the number has every detail. no: none has all of them. unknown: no account that goes on has it. Which detail "
    "differs is not told. At most five a day about one number: then 429. At most 4 KiB.",
    body=asking.SCHEMAS["record"],
    example={"phoneNumber": "+447700900123", "surname": "Strake", "postcode": "SA1 0ZZ"},
    answer=_object(recordMatches={"type": "string", "enum": ["yes", "no", "unknown"]}),
    answered={"recordMatches": "yes"},
)
class RecordCheck(_Question):
    """Whether a partner's record of a customer is as ours."""

    question = "record"


@_described(
    "partner_feedback",
    "Say what came of a query",
    "Names the query by the webhook-id with which you asked. The answer is the same whatever follows from it. At most "
    "4 KiB.",
    body=asking.FEEDBACK,
    example={"query": "pay-20261202-1", "outcome": "CONFIRMED_FRAUD"},
    answer=_object(status={"type": "string", "enum": ["accepted"]}),
    answered={"status": "accepted"},
    status=202,
)
class Feedback(PartnerView):
    """What came of one of the partner's own queries."""

    def post(self, request: Any, code: str) -> HttpResponse:
        """Keep it, or repeat the answer given before."""
        return _answer(request, self.prepare, partner=code)

    def prepare(self, call: Call) -> Callable[[], Done]:
        partner, document = self.partner(call), _read(call, asking.FEEDBACK)
        asked = IntakeRequest.objects.filter(agency=call.sender.agency, message_id=document["query"])
        asked = asked.filter(case__partner_query__partner=partner)
        request = asked.filter(case__kind=asking.KIND).select_related("case__partner_query").first()
        if request is None or request.case is None:
            raise FieldErrors([("/query", "unknown_query", "You asked nothing with this webhook-id.")])
        known, outcome = request.case, document["outcome"].lower()

        def do() -> Done:
            if known.partner_query.feedback == outcome:
                return Done(known, 202, {"status": "accepted"})
            try:
                case = transitions.apply(
                    known.pk,
                    "feed_back",
                    actor=actors.agency(call.sender.agency),
                    at=call.at,
                    inputs={"outcome": outcome},
                    request=info_of(call),
                )
            except TransitionRefused as fault:
                told = "It was not answered, or you said something else of it before."
                raise FieldErrors([("/query", "not_open_to_feedback", told)]) from fault
            return Done(case, 202, {"status": "accepted"})

        return do


_MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?Z$"
EVENTS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version", "events"],
    "properties": {
        "schema_version": {"type": "integer", "enum": [1]},
        "complete_until": {
            "type": "string",
            "pattern": _MOMENT,
            "maxLength": 32,
            "description": "Until when every change was told, in UTC. With it events may be empty: there were none.",
        },
        "events": {
            "type": "array",
            "maxItems": 1000,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["phone_number", "swapped_at"],
                "properties": {
                    "phone_number": {
                        "type": "string",
                        "pattern": "^\\+[1-9][0-9]{6,14}$",
                        "maxLength": 16,
                        "description": asking.NUMBER,
                    },
                    "swapped_at": {
                        "type": "string",
                        "pattern": _MOMENT,
                        "description": "Write the time in UTC, as 2026-11-13T10:00:00Z.",
                    },
                    "kind": {
                        "type": "string",
                        "enum": [simevents.SWAP, simevents.LEFT],
                        "default": simevents.SWAP,
                        "description": "left: the number went to another network then.",
                    },
                },
            },
        },
    },
}


@_described(
    "sim_events",
    "Tell us which SIMs were changed",
    "For the network, at least once a day, also where a number leaves it: after a day of silence no partner is told "
    "that a SIM was not changed, and none of a number that left. A change that is known already changes nothing. At "
    "most 256 KiB.",
    body=EVENTS,
    example={
        "schema_version": 1,
        "events": [{"phone_number": "+447700900123", "swapped_at": "2026-11-13T10:00:00Z"}],
    },
    answer=_object(status={"type": "string", "enum": ["accepted"]}, kept={"type": "integer"}),
    answered={"status": "accepted", "kept": 1},
    tag="Own systems",
    parameters=tuple(schema.SENDER_HEADERS),
    status=202,
)
class SimEvents(SignedView):
    """Changes of SIMs, from the firm's own network."""

    largest_body = 256 * KIB

    def post(self, request: Any) -> HttpResponse:
        """Keep what is new of them, or repeat the answer given before."""
        return _answer(request, self.prepare)

    def prepare(self, call: Call) -> Callable[[], Done]:
        actor = actors.agency(call.sender.agency)
        policy.require(actor, simevents.ACT, kind=asking.KIND)
        document = _read(call, EVENTS)
        told = _swaps(document["events"], now=call.at)
        complete_until = _complete_until(document, now=call.at)

        def do() -> Done:
            kept = simevents.keep(
                told[simevents.SWAP],
                left=told[simevents.LEFT],
                stream=call.sender.agency.uid,
                actor=actor,
                at=call.at,
                complete_until=complete_until,
                request=info_of(call),
            )
            return Done(None, 202, {"status": "accepted", "kept": kept})

        return do


def _complete_until(document: Mapping[str, Any], *, now: datetime) -> datetime | None:
    """Return until when every change was told, if that is said. Raises FieldErrors."""
    if "complete_until" not in document:
        if not document["events"]:
            raise FieldErrors([("/events", "required", "Tell a change, or until when all were told.")])
        return None
    moment = simevents.moment(document["complete_until"])
    if moment is None or moment > now:
        raise FieldErrors([("/complete_until", "invalid", "Write a time that has passed as 2026-11-13T10:00:00Z.")])
    return moment


def _swaps(events: list[dict[str, str]], *, now: datetime) -> dict[str, list[simevents.Swap]]:
    """Return the changes by their kind. Raises FieldErrors for a number or a time that cannot be."""
    found: dict[str, list[simevents.Swap]] = {simevents.SWAP: [], simevents.LEFT: []}
    faults = []
    for place, event in enumerate(events):
        try:
            change = simevents.read(event["phone_number"], event["swapped_at"], now=now)
            found[event.get("kind", simevents.SWAP)].append(change)
        except simevents.BadEvent as fault:
            faults.append((f"/events/{place}/{fault.field}", "invalid", str(fault)))
    if faults:
        raise FieldErrors(faults)
    return found


urlpatterns = [
    path("partners/<slug:code>/sim-swap/check", SimSwapCheck.as_view(), name="sim_swap_check"),
    path("partners/<slug:code>/sim-swap/retrieve-date", SimSwapDate.as_view(), name="sim_swap_date"),
    path("partners/<slug:code>/records/check", RecordCheck.as_view(), name="record_check"),
    path("partners/<slug:code>/transactions/verify", TransactionVerify.as_view(), name="transaction_verify"),
    path("partners/<slug:code>/feedback", Feedback.as_view(), name="partner_feedback"),
    path("intake/sim-events/", SimEvents.as_view(), name="sim_events"),
]
