"""The doors for machines. Each proves the sender, makes one call, answers in fixed bytes; what the call refuses
problems.py puts into the words of HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.http import Http404, HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from cases.agencies import accounts, inbound, questions, requests
from cases.agencies.senders import Sender
from cases.api import problems
from cases.api.authentication import Call, SignedCall
from cases.api.problems import Problem
from cases.api.schema import ACCOUNTS_SCHEMA, CALLBACK_SCHEMA, HOLD_SCHEMA, INTAKE_SCHEMA
from cases.ledger import api as ledger

KIB = 1024


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
        """Return the code of the agency the caller claims to be. An own system names itself in a header."""
        return str(request.headers.get("webhook-sender", ""))

    def counted(self, sender: Sender, *, now: datetime) -> Sender:
        """Count the call in its sender's window, whatever it asks; return the sender with what was kept of its id
        before. Raises TooMany."""
        return requests.counted(sender)


def call_of(request: Request) -> Call:
    """Return the call that was proven. Raises Problem where it goes by two ids."""
    call = cast(Call, request.user)
    if request.headers.get("idempotency-key", call.sender.message_id) != call.sender.message_id:
        raise Problem(400, code="idempotency_key_is_not_webhook_id")
    return call


def info_of(call: Call) -> ledger.RequestInfo:
    """Return what the ledger notes of a call."""
    return ledger.RequestInfo(id=call.sender.message_id, ip_token=call.ip_token)


def answered(content: bytes, *, status: int = 200, is_repeat: bool = False) -> HttpResponse:
    """Return the answer in its fixed bytes; a problem document is said to be one."""
    headers = {"Idempotent-Replayed": "true"} if is_repeat else {}
    media_type = problems.MEDIA_TYPE if status >= 400 else "application/json"
    return HttpResponse(content, content_type=media_type, status=status, headers=headers)


def answer_of(answer: requests.Answer) -> HttpResponse:
    """Return the answer a request is given, now or again."""
    return answered(answer.content, status=answer.status, is_repeat=answer.is_repeat)


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
        receipt = inbound.receive(call.sender, call.raw, ip_token=call.ip_token, now=call.at)
        return answered(receipt.content, status=202, is_repeat=receipt.is_repeat)


@INTAKE_SCHEMA
class Intake(SignedView):
    """A case that one of the firm's own systems opens."""

    largest_body = 256 * KIB

    def post(self, request: Request, path: str) -> HttpResponse:
        """Open the case, or repeat the answer given before."""
        casetype = requests.casetype_at(path)
        if casetype is None:
            raise Http404
        call = call_of(request)
        return answer_of(requests.open_case(casetype, call.sender, call.raw, now=call.at, request=info_of(call)))


@ACCOUNTS_SCHEMA
class AccountsIntake(SignedView):
    """Accounts as billing tells of them."""

    largest_body = 256 * KIB

    def post(self, request: Request) -> HttpResponse:
        """Take all rows in, or say what is wrong with which, or repeat the answer given before."""
        call = call_of(request)
        return answer_of(accounts.take(call.sender, call.raw, now=call.at, request=info_of(call)))


@HOLD_SCHEMA
class PolicyHold(SignedView):
    """Whether a hold stops an act on an account, without why."""

    largest_body = 4 * KIB

    def post(self, request: Request) -> HttpResponse:
        """Answer yes or no."""
        call = cast(Call, request.user)
        return answered(questions.policy_hold(call.sender, call.raw, now=call.at))
