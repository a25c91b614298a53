"""Billing's door: which charges it has to take back."""

from __future__ import annotations

import json
from typing import Any, cast

from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view

from cases.agencies import shapes, strict_json
from cases.api import schema
from cases.api.authentication import Call
from cases.api.views import KIB, SignedView, answered
from cases.debt.moratorium import reversals
from cases.kernel import actors
from cases.kernel.intake import FieldErrors

__all__ = ["urlpatterns"]


@extend_schema_view(
    post=extend_schema(
        operation_id="fee_reversals",
        summary="Which charges are to be taken back?",
        description="For billing: charges that it made on a debt in a moratorium, for a day inside the period, and has "
        "not taken back yet. One leaves the list when the feed of accounts shows that it is gone. At most 4 KiB.",
        tags=["Own systems"],
        parameters=[schema.SENDER_HEADERS[0], *schema.SIGNED_HEADERS, schema.RETRY_AFTER],
        request={"application/json": reversals.SCHEMA},
        responses={
            **schema.good(200, reversals.SAID, reversals.SAID_EXAMPLE, "Answered."),
            **schema.problems_of(400, 401, 403, 411, 413, 415, 422, 429),
        },
        examples=[schema.asked("Example", reversals.EXAMPLE)],
    )
)
class FeeReversals(SignedView):
    """The charges that billing has to take back."""

    largest_body = 4 * KIB

    def post(self, request: Any) -> HttpResponse:
        """Answer; what was looked at is on record."""
        call = cast(Call, request.user)
        if faults := shapes.faults(strict_json.parse(call.raw), reversals.SCHEMA):
            raise FieldErrors(faults)
        actor = actors.agency(call.sender.agency)
        with transaction.atomic():
            said = reversals.waiting(actor=actor, at=call.at, request_id=call.sender.message_id)
        return answered(json.dumps(said, separators=(",", ":")).encode("ascii"))


urlpatterns = [path("fee-reversals/", FeeReversals.as_view(), name="fee_reversals")]
