"""The two doors for machines. Each proves the sender, makes one call, answers in fixed bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.http import Http404, HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from cases.agencies import accounts, inbound, questions, requests
from cases.agencies.callback_body import FormRefused
from cases.agencies.inbound import IdReused
from cases.agencies.requests import NotASender
from cases.agencies.senders import Sender
from cases.agencies.strict_json import Unreadable
from cases.api import problems
from cases.api.authentication import Call, SignedCall
from cases.api.problems import Problem
from cases.api.schema import ACCOUNTS_SCHEMA, CALLBACK_SCHEMA, HOLD_SCHEMA, INTAKE_SCHEMA
from cases.kernel.casetypes import CaseType
from cases.kernel.errors import NotAllowed
from cases.kernel.intake import FieldErrors, IntakeRefused
from cases.ledger import api as ledger

KIB = 1024
ID_REUSED = [("", "webhook_id_reused", "This webhook-id came before with another body.")]


class JsonOnly(BaseContentNegotiation):
    """Answer JSON whatever the caller says it would rather have."""

    def select_parser(self, request: Request, parsers: Any) -> None:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class SignedView(APIView):
    """A POST whose sender proves itself by signature."""

    http_method_names = ["post"]
    authentication_classes = [SignedCall]
    content_negotiation_class = JsonOnly
    parser_classes: list[Any] = []
    largest_body = 64 * KIB

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method != "POST":
            raise Problem(405, headers={"Allow": "POST"})
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Any:
        return problems.handle

    def sender_code(self, request: Request) -> str:
        """Return the code of the agency the caller claims to be."""
        raise NotImplementedError

    def counted(self, sender: Sender, *, now: datetime) -> Sender:
        """Count the call in its sender's window, whatever it asks; return the sender with what was kept of its id
        before. Raises TooMany."""
        return requests.counted(sender)


def _answer(content: bytes, *, status: int, is_repeat: bool) -> HttpResponse:
    headers = {"Idempotent-Replayed": "true"} if is_repeat else {}
    return HttpResponse(content, content_type="application/json", status=status, headers=headers)


@CALLBACK_SCHEMA
class AgencyCallback(SignedView):
    """What an agency tells us about a message of ours, or of its own accord."""

    largest_body = 64 * KIB

    def sender_code(self, request: Request) -> str:
        return str(self.kwargs["code"])

    def counted(self, sender: Sender, *, now: datetime) -> Sender:
        return inbound.counted(sender, now=now)

    def post(self, request: Request, code: str) -> HttpResponse:
        """Store the callback and say so; it is applied afterwards."""
        call = cast(Call, request.user)
        try:
            receipt = inbound.receive(call.sender, call.raw, ip_token=call.ip_token, now=call.at)
        except Unreadable as fault:
            raise Problem(400, code=fault.code) from fault
        except FormRefused as fault:
            raise Problem(422, errors=fault.faults) from fault
        except IdReused as fault:
            raise Problem(422, errors=ID_REUSED) from fault
        return _answer(receipt.content, status=202, is_repeat=receipt.is_repeat)


@INTAKE_SCHEMA
class Intake(SignedView):
    """A case that one of the firm's own systems opens."""

    largest_body = 256 * KIB

    def sender_code(self, request: Request) -> str:
        return str(request.headers.get("webhook-sender", ""))

    def post(self, request: Request, path: str) -> HttpResponse:
        """Open the case, or repeat the answer given before."""
        call = cast(Call, request.user)
        casetype = requests.casetype_at(path)
        if casetype is None:
            raise Http404
        if request.headers.get("idempotency-key", call.sender.message_id) != call.sender.message_id:
            raise Problem(400, code="idempotency_key_is_not_webhook_id")
        answer = _open(casetype, call)
        return _answer(answer.content, status=answer.status, is_repeat=answer.is_repeat)


@ACCOUNTS_SCHEMA
class AccountsIntake(SignedView):
    """Accounts as billing tells of them."""

    largest_body = 256 * KIB

    def sender_code(self, request: Request) -> str:
        return str(request.headers.get("webhook-sender", ""))

    def post(self, request: Request) -> HttpResponse:
        """Take all rows in, or say what is wrong with which, or repeat the answer given before."""
        call = cast(Call, request.user)
        if request.headers.get("idempotency-key", call.sender.message_id) != call.sender.message_id:
            raise Problem(400, code="idempotency_key_is_not_webhook_id")
        info = ledger.RequestInfo(id=call.sender.message_id, ip_token=call.ip_token)
        try:
            answer = accounts.take(call.sender, call.raw, now=call.at, request=info)
        except Unreadable as fault:
            raise Problem(400, code=fault.code) from fault
        except FieldErrors as fault:
            raise Problem(422, errors=fault.errors) from fault
        except IdReused as fault:
            raise Problem(422, errors=ID_REUSED) from fault
        except NotAllowed as fault:
            raise Problem(403) from fault
        return _answer(answer.content, status=answer.status, is_repeat=answer.is_repeat)


@HOLD_SCHEMA
class PolicyHold(SignedView):
    """Whether a hold stops an act on an account, without why."""

    largest_body = 4 * KIB

    def sender_code(self, request: Request) -> str:
        return str(request.headers.get("webhook-sender", ""))

    def post(self, request: Request) -> HttpResponse:
        """Answer yes or no."""
        call = cast(Call, request.user)
        try:
            return _answer(questions.policy_hold(call.sender, call.raw, now=call.at), status=200, is_repeat=False)
        except Unreadable as fault:
            raise Problem(400, code=fault.code) from fault
        except FieldErrors as fault:
            raise Problem(422, errors=fault.errors) from fault
        except NotAllowed as fault:
            raise Problem(403) from fault


def _open(casetype: CaseType, call: Call) -> requests.Answer:
    """Make the one call and put its refusals into the words of HTTP."""
    info = ledger.RequestInfo(id=call.sender.message_id, ip_token=call.ip_token)
    try:
        return requests.open_case(casetype, call.sender, call.raw, now=call.at, request=info)
    except Unreadable as fault:
        raise Problem(400, code=fault.code) from fault
    except FieldErrors as fault:
        raise Problem(422, errors=fault.errors) from fault
    except IdReused as fault:
        raise Problem(422, errors=ID_REUSED) from fault
    except IntakeRefused as fault:
        raise Problem(422, errors=[("", "refused", str(fault))]) from fault
    except (NotASender, NotAllowed) as fault:
        raise Problem(403) from fault
