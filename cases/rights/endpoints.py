"""The door of the send gate: whoever sends for us asks here before they send."""

from __future__ import annotations

import json
from typing import Any, cast

from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema

from cases.agencies import shapes, strict_json
from cases.agencies.strict_json import Unreadable
from cases.api.authentication import Call
from cases.api.problems import Problem
from cases.api.views import KIB, SignedView
from cases.kernel import actors
from cases.kernel.errors import NotAllowed
from cases.kernel.intake import FieldErrors
from cases.rights import gate

__all__ = ["urlpatterns"]


@extend_schema(exclude=True)
class MayContact(SignedView):
    """Whether each of some people may be contacted for a purpose by a channel now."""

    largest_body = 64 * KIB

    def sender_code(self, request: Any) -> str:
        return str(self.kwargs["code"])

    def post(self, request: Any, code: str) -> HttpResponse:
        """Answer, and keep what was answered."""
        call = cast(Call, request.user)
        try:
            document = strict_json.parse(call.raw)
            if faults := shapes.faults(document, gate.SCHEMA):
                raise FieldErrors(faults)
            with transaction.atomic():
                said = gate.answer(
                    document, actor=actors.agency(call.sender.agency), message_id=call.sender.message_id, at=call.at
                )
        except Unreadable as fault:
            raise Problem(400, code=fault.code) from fault
        except FieldErrors as fault:
            raise Problem(422, errors=fault.errors) from fault
        except NotAllowed as fault:
            raise Problem(403) from fault
        return HttpResponse(json.dumps(said, separators=(",", ":")), content_type="application/json")


urlpatterns = [path("partners/<slug:code>/may-contact", MayContact.as_view(), name="may_contact")]
