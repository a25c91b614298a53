"""Pages and doors of the arms `ref` and `floor`. Both sit behind the same middleware as ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template import engines
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases.kernel.models import User
from cases.management.bench.rows import (
    RefAddress,
    RefCallback,
    RefCase,
    RefClock,
    RefEvent,
    RefFacts,
    RefPerson,
)

SECRET = b"bench" * 8
ROWS = 25
LIST = engines["django"].from_string(
    "<!doctype html><html><head><title>Cases</title></head><body><nav>{{ request.user.username }}</nav><form>"
    "<select name=kind>{% for code, label in kinds %}<option value='{{ code }}'>{{ label }}</option>{% endfor %}"
    "</select>"
    "<select name=state>{% for code, label in states %}<option value='{{ code }}'>{{ label }}</option>{% endfor %}"
    "</select></form><table>{% for row in rows %}<tr><td>"
    "<a href='/bench/ref/cases/{{ row.id }}/'>{{ row.reference }}</a></td><td>{{ row.kind }}</td>"
    "<td>{{ row.state }}</td><td>{{ row.topic }}</td><td>{{ row.account }}</td>"
    "<td>{{ row.version }}</td><td>{{ row.amount_pence }}</td><td>{{ row.agency__name }}</td>"
    "<td>{{ row.assignee__username }}</td><td>{{ row.due_at|date:'Y-m-d H:i' }}</td>"
    "<td>{{ row.opened_at|date:'Y-m-d H:i' }}</td></tr>{% endfor %}</table>{{ total }}"
    "{% if next %}<a href='?after={{ next }}'>next</a>{% endif %}</body></html>"
)
KINDS = [(code, code.title()) for code in ("fraud", "debt", "disclosure", "association")]
STATES = [(code, code.title()) for code in ("new", "triage", "open", "waiting", "approved", "sent", "closed")]
DETAIL = engines["django"].from_string(
    "<html><body><h1>{{ case.reference }}</h1>{{ case.state }} {{ facts.narrative }}"
    "{% for each in people %}<p>{{ each.role }} {{ each.forename }} {{ each.surname }}</p>{% endfor %}"
    "{% for each in clocks %}<p>{{ each.rule }} {{ each.due_at }}</p>{% endfor %}"
    "{% for each in events %}<p>{{ each.at }} {{ each.verb }} {{ each.actor }}</p>{% endfor %}"
    "{% for each in history %}<p>{{ each.history_date }} {{ each.state }}</p>{% endfor %}</body></html>"
)


class Token(BaseAuthentication):
    """A token looked up in the database, as DRF's own does."""

    def authenticate(self, request: Request) -> tuple[User, None]:
        return User.objects.get(username=request.headers["X-Token"]), None


class NewCase(serializers.ModelSerializer[RefCase]):
    """A case with its unique reference and its agency checked."""

    class Meta:
        model = RefCase
        fields = (
            "reference",
            "kind",
            "state",
            "topic",
            "account",
            "summary",
            "agency",
            "opened_at",
            "due_at",
            "amount_pence",
        )


class NewFacts(serializers.ModelSerializer[RefFacts]):
    """Facts."""

    class Meta:
        model = RefFacts
        exclude = ("case",)


class NewAddress(serializers.ModelSerializer[RefAddress]):
    """An address."""

    class Meta:
        model = RefAddress
        exclude = ("person",)


class NewPerson(serializers.ModelSerializer[RefPerson]):
    """A person with addresses."""

    addresses = NewAddress(many=True)

    class Meta:
        model = RefPerson
        fields = ("role", "forename", "surname", "date_of_birth", "phone", "addresses")


class Door(APIView):
    """What the doors of `ref` share."""

    authentication_classes = [Token]
    permission_classes = [AllowAny]


class RefCreate(Door):
    """One case, its history and one event."""

    def post(self, request: Request) -> Response:
        serializer = NewCase(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            case = serializer.save(assignee=request.user)
            RefEvent.objects.create(case=case, verb="opened", actor=str(request.user.pk), at=timezone.now())
        return Response(serializer.data, status=201)


class RefCreateAll(Door):
    """The rows of a whole referral, with history, in clear."""

    def post(self, request: Request) -> Response:
        case_data, facts = NewCase(data=request.data), NewFacts(data=request.data)
        people = NewPerson(data=request.data["people"], many=True)
        for serializer in (case_data, facts, people):
            serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            case = case_data.save()
            facts.save(case=case)
            for person in people.validated_data:
                addresses = person.pop("addresses")
                row = RefPerson.objects.create(case=case, **person)
                for address in addresses:
                    RefAddress.objects.create(person=row, **address)
            RefClock.objects.create(case=case, rule="triage", due_at=timezone.now() + timedelta(days=2))
            RefEvent.objects.create(case=case, verb="opened", actor=str(request.user.pk), at=timezone.now())
        return Response(case_data.data, status=201)


_CREATE = """
WITH made AS (
    INSERT INTO bench_refcase (reference, kind, state, topic, account, summary, agency_id, assignee_id, version,
        opened_at, due_at, amount_pence, is_closed)
    VALUES (%(reference)s, %(kind)s, %(state)s, %(topic)s, %(account)s, %(summary)s, %(agency)s, %(user)s, 1,
        now(), now(), %(amount_pence)s, false) RETURNING *
), kept AS (
    INSERT INTO bench_historicalrefcase (id, reference, kind, state, topic, account, summary, agency_id, assignee_id,
        version, opened_at, due_at, amount_pence, is_closed, history_date, history_type, history_user_id)
    SELECT id, reference, kind, state, topic, account, summary, agency_id, assignee_id,
        version, opened_at, due_at, amount_pence, is_closed, now(), '+', assignee_id FROM made
)
INSERT INTO bench_refevent (case_id, verb, actor, at, data) SELECT id, 'opened', assignee_id, now(), '{}' FROM made
"""


def _caller(request: HttpRequest) -> int:
    """Return who calls, by their token: one statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM cases_user WHERE username = %s AND is_active", [request.headers["X-Token"]])
        return int(cursor.fetchone()[0])


@csrf_exempt  # a machine calls, and proves itself by a token; a demonstration alone has these addresses
@login_not_required
def floor_create(request: HttpRequest) -> HttpResponse:
    """Two statements: the token, and one that writes case, history and event."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE, {**json.loads(request.body), "user": _caller(request)})
    return JsonResponse({"status": "ok"}, status=201)


def ref_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Get, save, event."""
    with transaction.atomic():
        case = get_object_or_404(RefCase.objects.select_for_update(), pk=pk)
        case.state, case.version, case.assignee_id = "triage", case.version + 1, request.user.pk
        case.save()
        RefEvent.objects.create(case=case, verb="take", actor=str(request.user.pk), at=timezone.now())
    return HttpResponseRedirect("/")


def floor_move(request: HttpRequest, pk: int) -> HttpResponse:
    """One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH moved AS ("
            "UPDATE bench_refcase SET state = 'triage', version = version + 1 WHERE id = %s RETURNING id)"
            " INSERT INTO bench_refevent (case_id, verb, actor, at, data)"
            " SELECT id, 'take', %s, now(), '{}' FROM moved",
            [pk, str(request.user.pk)],
        )
    return HttpResponseRedirect("/")


def ref_list(request: HttpRequest) -> HttpResponse:
    """A paginator, which counts, and objects with what they point to."""
    cases = RefCase.objects.filter(is_closed=False).select_related("assignee", "agency").order_by("due_at", "id")
    page = Paginator(cases, ROWS).get_page(request.GET.get("page"))
    rows = list(page)
    for row in rows:
        row.agency__name = row.agency.name if row.agency else ""
        row.assignee__username = row.assignee.username if row.assignee else ""
    shown = {"rows": rows, "total": page.paginator.count, "kinds": KINDS, "states": STATES}
    return HttpResponse(LIST.render(shown, request))


def floor_list(request: HttpRequest) -> HttpResponse:
    """A keyset page of plain values, with two joins."""
    columns = ("id", "reference", "kind", "state", "topic", "account", "version", "amount_pence", "due_at", "opened_at")
    rows = list(
        RefCase.objects.filter(is_closed=False, due_at__gt="2000-01-01T00:00Z")
        .order_by("due_at", "id")
        .values(*columns, "agency__name", "assignee__username")[: ROWS + 1]
    )
    more = rows[ROWS - 1]["id"] if len(rows) > ROWS else None
    return HttpResponse(LIST.render({"rows": rows[:ROWS], "next": more, "kinds": KINDS, "states": STATES}, request))


def ref_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Five queries."""
    case = get_object_or_404(RefCase, pk=pk)
    held = {
        "case": case,
        "facts": getattr(case, "facts", None),
        "people": case.people.all(),
        "clocks": case.clocks.all(),
        "events": case.events.order_by("-id")[:50],
        "history": case.history.all()[:20],
    }
    return HttpResponse(DETAIL.render(held, request))


def floor_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Two queries of plain values."""
    case = RefCase.objects.values("reference", "state").get(pk=pk)
    events = RefEvent.objects.filter(case_id=pk).order_by("-id").values("at", "verb", "actor")[:50]
    return HttpResponse(DETAIL.render({"case": case, "events": events}, request))


def ref_search(request: HttpRequest) -> HttpResponse:
    """Look for the words anywhere in clear columns."""
    text = request.POST["q"]
    people = RefPerson.objects.filter(surname__icontains=text) | RefPerson.objects.filter(phone__icontains=text)
    cases = RefCase.objects.filter(pk__in=people.values("case_id")).select_related("assignee").order_by("-id")
    page = Paginator(cases, ROWS).get_page(1)
    return HttpResponse(LIST.render({"rows": list(page), "total": page.paginator.count}, request))


def floor_search(request: HttpRequest) -> HttpResponse:
    """Look for one indexed value."""
    people = RefPerson.objects.filter(surname=request.POST["q"]).values_list("case_id", flat=True)[:ROWS]
    rows = RefCase.objects.filter(pk__in=list(people)).values("reference", "kind", "state", "topic", "due_at")
    return HttpResponse(LIST.render({"rows": rows}, request))


def _is_genuine(request: Any, body: bytes) -> bool:
    sent = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.digest(SECRET, sent, hashlib.sha256)).decode()
    return hmac.compare_digest(wanted, request.headers["webhook-signature"])


class RefCallbackDoor(Door):
    """Check the signature, get or create, write an event."""

    authentication_classes: list[Any] = []

    def post(self, request: Request) -> Response:
        if not _is_genuine(request, request._request.body):
            return Response(status=401)
        with transaction.atomic():
            _, is_new = RefCallback.objects.get_or_create(
                message_id=request.headers["webhook-id"],
                defaults={"body": json.loads(request._request.body), "received_at": timezone.now()},
            )
            if is_new:
                RefEvent.objects.create(case_id=1, verb="callback", actor="agency", at=timezone.now())
        return Response({"id": str(uuid.uuid4()), "status": "accepted"}, status=202)


_CALLED = """
WITH kept AS (
    INSERT INTO bench_refcallback (message_id, body, received_at) VALUES (%s, %s, now())
    ON CONFLICT (message_id) DO NOTHING RETURNING id
)
INSERT INTO bench_refevent (case_id, verb, actor, at, data) SELECT 1, 'callback', %s, now(), '{}' FROM kept
"""


@csrf_exempt  # a machine calls, and proves itself by a token; a demonstration alone has these addresses
@login_not_required
def floor_callback(request: HttpRequest) -> HttpResponse:
    """Check the signature; two statements: who calls, and one that keeps a new message with its event."""
    caller = _caller(request)
    if not _is_genuine(request, request.body):
        return HttpResponse(status=401)
    with connection.cursor() as cursor:
        cursor.execute(_CALLED, [request.headers["webhook-id"], request.body.decode(), str(caller)])
    return JsonResponse({"status": "accepted"}, status=202)
