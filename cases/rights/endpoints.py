"""The door of the send gate: whoever sends for us asks here before they send."""

from __future__ import annotations

import json
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from cases.agencies import shapes, strict_json
from cases.api import schema
from cases.api.authentication import Call
from cases.api.problems import Problem
from cases.api.views import KIB, SignedView, answered
from cases.kernel import actors
from cases.kernel.intake import FieldErrors
from cases.rights import gate

__all__ = ["urlpatterns"]

_CODE = OpenApiParameter("code", OpenApiTypes.STR, OpenApiParameter.PATH, description="Your code.")


_ANSWER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["may_contact"],
    "properties": {"may_contact": {"type": "boolean"}, "reason": {"type": "string"}},
}
_SAID = {
    "type": "object",
    "additionalProperties": False,
    "required": ["answers"],
    "properties": {"answers": {"type": "array", "items": _ANSWER}},
}


@extend_schema_view(
    post=extend_schema(
        operation_id="may_contact",
        summary="May these people be contacted?",
        description="Ask just before anything is sent: yes or no for each person, in the order of "
        "the question. Each part of what you know of a person has to allow it. Of a text or an e-mail that markets say "
        "how whoever gets it can opt out, else the answer is no; `batch` is your own number of what you send or match; "
        "a partner always gives it, and a later stop names each batch from which the person has to be taken. "
        "Own systems are told why; group companies and partners are told yes or no alone, partners only for "
        "advertising and others' products, and neither without a data-sharing agreement in force. Each webhook-id asks "
        "once. At most 64 KiB.",
        tags=["Partners"],
        parameters=[_CODE, *schema.SIGNED_HEADERS, schema.RETRY_AFTER],
        request={"application/json": gate.SCHEMA},
        responses={
            **schema.good(200, _SAID, {"answers": [{"may_contact": False}]}, "Answered."),
            **schema.problems_of(400, 401, 403, 411, 413, 415, 422, 429),
        },
        examples=[schema.asked("Example", gate.EXAMPLE)],
    )
)
class MayContact(SignedView):
    """Whether each of some people may be contacted for a purpose by a channel now."""

    largest_body = 64 * KIB

    def sender_code(self, request: Any) -> str:
        return str(self.kwargs["code"])

    def post(self, request: Any, code: str) -> HttpResponse:
        """Answer, and keep what was answered."""
        call = cast(Call, request.user)
        document = strict_json.parse(call.raw)
        if faults := shapes.faults(document, gate.SCHEMA):
            raise FieldErrors(faults)
        try:
            with transaction.atomic():
                said = gate.answer(
                    document, actor=actors.agency(call.sender.agency), message_id=call.sender.message_id, at=call.at
                )
        except IntegrityError as fault:  # the same question twice at one moment: one of the two is answered
            raise Problem(422, errors=gate.CAME_BEFORE) from fault
        return answered(json.dumps(said, separators=(",", ":")).encode("ascii"))


urlpatterns = [path("partners/<slug:code>/may-contact", MayContact.as_view(), name="may_contact")]
