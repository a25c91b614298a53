"""The order system's doors for checks: one hands an application in and waits a few seconds for the decision, the other
asks what was decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view

from cases.agencies import delivery, requests, shapes, strict_json
from cases.agencies.requests import Answer, Done
from cases.api import schema
from cases.api.authentication import Call
from cases.api.views import KIB, SignedView, answer_of, call_of, info_of
from cases.credit import intake, opening
from cases.credit.models import Check, CheckDecision, Search
from cases.credit.rules import ASK
from cases.kernel import actors, policy
from cases.kernel import intake as kernel_intake
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Case, IntakeRequest

__all__ = ["urlpatterns"]

WAIT_SECONDS = 8.0
KIND = "check"
STATUS_ADDRESS = "/api/v1/intake/checks/status"


def said_of(case: Case) -> Done:
    """Return what the order system is told of a check now: the decision, or where to ask for it."""
    told: dict[str, Any] = {"id": str(case.uid), "reference": case.reference, "state": case.state}
    decision = CheckDecision.objects.filter(case=case).order_by("number").last()
    if decision is None:
        return Done(case, 202, {**told, "status_address": STATUS_ADDRESS})
    return Done(
        case,
        200,
        {
            **told,
            "outcome": decision.outcome,
            "automated": decision.automated_level == "solely",
            "decided_at": f"{decision.decided_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        },
    )


@extend_schema(exclude=True)
class CheckIntake(SignedView):
    """Keeps an application, asks the agencies at once, and answers with the decision if it comes in time."""

    largest_body = 256 * KIB

    def post(self, request: Any) -> HttpResponse:
        """Say what was decided, or where to ask for it."""
        return answer_of(self._kept(call_of(request)))

    def _kept(self, call: Call) -> Answer:
        if (repeat := requests.repeated(call.sender, call.raw, now=call.at)) is not None:
            return repeat
        facts, people = self._read(call)

        def do() -> Done:
            actor, info = actors.agency(call.sender.agency), info_of(call)
            case = kernel_intake.open_case(KIND, actor=actor, at=call.at, facts=facts, people=people, request=info)
            return said_of(case)

        kept = requests.once(call.sender, call.raw, do, now=call.at)
        if kept.is_repeat:
            return kept
        case = IntakeRequest.objects.get(agency=call.sender.agency, message_id=call.sender.message_id).case
        if case is None:
            return kept
        asked = Search.objects.filter(case=case).exclude(message_id=None).values_list("message_id", flat=True)
        delivery.deliver_now([uid for uid in asked if uid], clock=lambda: datetime.now(UTC), seconds=WAIT_SECONDS)
        done = said_of(Case.objects.get(pk=case.pk))
        return requests.answer_anew(call.sender, done)

    def _read(self, call: Call) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        actor = actors.agency(call.sender.agency)
        policy.require(actor, "open_case", kind=KIND)
        document = strict_json.parse(call.raw)
        if faults := shapes.faults(document, intake.schema()):
            raise FieldErrors(faults)
        return intake.parse(document)


def _answered(status: str) -> dict[Any, Any]:
    said = intake.ANSWERS[status]
    return schema.good(int(status), said["schema"], said["example"], said["description"])


@extend_schema_view(
    post=extend_schema(
        operation_id="check_status",
        summary="Ask what was decided on an application",
        description=(
            "For whoever handed the application in and was answered 202. Ask again as long as the answer is 202: the "
            "rest may take a person some days. The question is asked anew each time, under an id of its own. At most "
            "4 KiB."
        ),
        tags=["Own systems"],
        parameters=[*schema.SENDER_HEADERS, *schema.SIGNED_HEADERS, schema.RETRY_AFTER],
        request={"application/json": intake.STATUS},
        responses={
            **_answered("200"),
            **_answered("202"),
            **schema.problems_of(400, 401, 403, 411, 413, 415, 422, 429),
        },
        examples=[schema.asked("Example", {"schema_version": 1, "application_id": "ORD-2026-118204"})],
    )
)
class CheckStatus(SignedView):
    """Says what was decided on an application. The question is in the signed body, so that nobody asks another's."""

    largest_body = 4 * KIB

    def post(self, request: Any) -> HttpResponse:
        """Say it; nothing is kept."""
        call = call_of(request)
        policy.require(actors.agency(call.sender.agency), ASK, kind=KIND)
        document = strict_json.parse(call.raw)
        if faults := shapes.faults(document, intake.STATUS):
            raise FieldErrors(faults)
        found = (
            Check.objects.select_related("case")
            .filter(application_id__in=opening.spellings(document["application_id"]))
            .first()
        )
        if found is None:
            raise FieldErrors([("/application_id", "unknown", "No check of this application is known.")])
        return answer_of(requests.as_answer(said_of(found.case)))


urlpatterns = [
    path("intake/checks/", CheckIntake.as_view(), name="check_intake"),
    path("intake/checks/status", CheckStatus.as_view(), name="check_status"),
]
