"""The workloads: what each arm does for one operation, and the goal of ours."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import Any
from uuid import uuid4

from django.core.management import CommandError
from django.utils import timezone

from cases.agencies import application, delivery
from cases.agencies.transports.base import Answer, Parcel
from cases.fraud.intake import EXAMPLE
from cases.kernel.models import Case, OutboxMessage, RateBucket
from cases.management.bench import senders
from cases.management.bench.meter import Operation, numbered
from cases.management.bench.rows import RefCase
from cases.management.bench.stage import Stage
from cases.management.commands import seed_volume
from cases.management.volume import people

BATCH, MANY = 10, 50
INTAKE = "/api/v1/intake/fraud-referrals/"
CALLBACKS = "/api/v1/agencies/sandbox-fraud-register/callbacks/"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One measured thing. `ref` and `floor` are the most that ours may cost of theirs; None: there is no goal."""

    code: str
    label: str
    arms: Callable[[Stage], Mapping[str, Iterator[Operation]]]
    statements: int | None = None
    ref: float | None = None
    floor: float | None = None
    operations: int = 1
    repeats: int | None = None


def _referral(*, subjects: int) -> dict[str, Any]:
    document = copy.deepcopy(EXAMPLE)
    del document["incident_reference"]
    document["subjects"] = document["subjects"] * subjects
    return document


def _plain(number: int) -> dict[str, Any]:
    return {
        "reference": f"NEW-{uuid4().hex[:18]}",
        "kind": "fraud_referral",
        "state": "referred",
        "topic": "Facility takeover",
        "account": "NM-1",
        "summary": "SIM swapped and a handset ordered to another address.",
        "agency": 1 + number % 20,
        "opened_at": timezone.now().isoformat(),
        "due_at": timezone.now().isoformat(),
        "amount_pence": number,
    }


def _plain_referral(number: int) -> dict[str, Any]:
    address = {"line_1": "12 Harbour Row", "town": "Penzance", "postcode": "TR18 0ZZ"}
    person = {"role": "victim", "forename": "Morwenna", "surname": "Tregaskis", "phone": "+447700900123"}
    facts = {
        "product": "mob_paym",
        "sales_channel": "phone",
        "discovered_date": "2026-11-14",
        "account_reference": "NM-1",
    }
    told = {"narrative": "SIM swapped and a handset ordered to another address."}
    return {**_plain(number), **facts, **told, "people": [{**person, "addresses": [address]}] * 2}


def create(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    one = _referral(subjects=1)
    return {
        "ours": numbered(lambda _: lambda: _opened(stage, one)),
        "ref": numbered(lambda n: lambda: stage.call("/bench/ref/cases/", _plain(n), sender="bench")),
        "floor": numbered(lambda n: lambda: stage.call("/bench/floor/cases/", _plain(n), sender="bench")),
    }


def create_whole(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    two = _referral(subjects=2)
    return {
        "ours": numbered(lambda _: lambda: _opened(stage, two)),
        "ref": numbered(lambda n: lambda: stage.call("/bench/ref/referrals/", _plain_referral(n), sender="bench")),
    }


def _opened(stage: Stage, document: dict[str, Any]) -> None:
    stage.call(INTAKE, document, sender="own-detection")


def move(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    waiting = iter(list(Case.objects.filter(state="referred").order_by("-pk").values_list("uid", flat=True)))
    plain = RefCase.objects.filter(state="referred").values_list("pk", flat=True)
    first, second = iter(list(plain[:4000:2])), iter(list(plain[1:4000:2]))
    return {
        "ours": numbered(lambda _: _step(stage, f"/cases/{next(waiting)}/steps/take/")),
        "ref": numbered(lambda _: lambda: stage.post(f"/bench/ref/cases/{next(first)}/take/")),
        "floor": numbered(lambda _: lambda: stage.post(f"/bench/floor/cases/{next(second)}/take/")),
    }


def _step(stage: Stage, path: str) -> Operation:
    """Return one move by a person who has read on the page before what came of the last one."""
    session = stage.client.session
    session.pop("_messages", None)
    session.save()

    def step() -> None:
        answer = stage.client.post(path, headers={"HX-Request": "true"})
        assert answer.status_code in (204, 302) or answer.headers.get("HX-Redirect"), (answer.status_code, path)

    return step


def _pages(stage: Stage, ours: str, ref: str, floor: str) -> Mapping[str, Iterator[Operation]]:
    paths = {"ours": ours, "ref": ref, "floor": floor}
    return {name: numbered(lambda _, path=path: lambda: stage.get(path) and None) for name, path in paths.items()}


def queue(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    return _pages(stage, "/cases/", "/bench/ref/list/", "/bench/floor/list/")


def case_page(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    uid = Case.objects.filter(state="filed").order_by("pk").values_list("uid", flat=True)[0]
    return _pages(stage, f"/cases/{uid}/", "/bench/ref/cases/7/", "/bench/floor/cases/7/")


def my_work(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    return _pages(stage, "/", "/bench/ref/list/", "/bench/floor/list/")


def task_list(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    return _pages(stage, "/tasks/?view=all", "/bench/ref/list/", "/bench/floor/list/")


def _search(stage: Stage, words: list[str]) -> Mapping[str, Iterator[Operation]]:
    ours, ref, floor = cycle(words), cycle(["Tre101kis", "Tre2022kis"]), cycle(["Tre101kis", "Tre2022kis"])
    return {
        "ours": numbered(lambda _: lambda: _found(stage, next(ours))),
        "ref": numbered(lambda _: lambda: stage.post("/bench/ref/search/", q=next(ref))),
        "floor": numbered(lambda _: lambda: stage.post("/bench/floor/search/", q=next(floor))),
    }


def _found(stage: Stage, text: str) -> None:
    asked = stage.client.post("/search/", {"q": text})
    assert asked.status_code == 302, asked.status_code
    assert stage.client.get(asked.headers["Location"]).status_code in (200, 302)


def search_exact(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    return _search(stage, [people.FIELDS["phone"](number * people_apart) for number in (3, 40, 51, 77)])


def search_start(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    return _search(stage, [people.surname(number)[:5] for number in (24, 320, 408, 616)])


def search_sound(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    return _search(stage, [people.surname(number).replace("k", "c") + "e" for number in (24, 320, 408, 616)])


people_apart = 8


def _callback() -> dict[str, Any]:
    return {
        "schema_version": 1,
        "type": "fpa.enquiry",
        "reference": str(uuid4()),
        "occurred_at": (timezone.now() - timedelta(minutes=1)).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "data": {},
    }


def callback(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    return _callbacks(stage, lambda: "")


def callback_again(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    """The same id and body every time: the first of each arm is its delivery, the rest are repeats."""
    known, document = str(uuid4()), _callback()
    return {
        "ours": numbered(lambda _: lambda: _called(stage, document, known)),
        "ref": numbered(lambda _: lambda: _called(stage, _callback(), "")),
    }


def _called(stage: Stage, document: dict[str, Any], message_id: str) -> None:
    stage.call(CALLBACKS, document, sender="sandbox-fraud-register", message_id=message_id)


def _callbacks(stage: Stage, identity: Callable[[], str]) -> Mapping[str, Iterator[Operation]]:
    return {
        "ours": numbered(lambda _: lambda: _called(stage, _callback(), identity())),
        "ref": numbered(lambda _: lambda: stage.call("/bench/ref/callbacks/", _callback(), sender="bench")),
        "floor": numbered(lambda _: lambda: stage.call("/bench/floor/callbacks/", _callback(), sender="bench")),
    }


def deliver(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    """Ten promises at a time, to a receiver that says yes at once: what is measured is ours, not a network's."""
    batches = _promises()
    return {
        "ours": numbered(lambda _: partial(_delivered, next(batches))),
        "ref": numbered(lambda _: lambda: senders.ref_deliver(bytes, BATCH)),
        "floor": numbered(lambda _: lambda: senders.floor_deliver(bytes, BATCH)),
    }


def _promises() -> Iterator[list[int]]:
    """Return filings that wait, a batch at a time and without end: as many as are wanted are made. Whatever else waits
    is put off."""
    while True:
        promises = OutboxMessage.objects.filter(state="pending")
        filings = promises.filter(channel__transport="https", kind="fpa_file").order_by("pk")
        waiting = list(filings.values_list("pk", flat=True)[:MANY])
        if len(waiting) < BATCH:
            seed_volume.repeat(seed_volume.PENDING[1], MANY)
            continue
        promises.update(due_at=timezone.now() + timedelta(days=1))
        for first in range(0, len(waiting) - BATCH + 1, BATCH):
            yield waiting[first : first + BATCH]


def answer(stage: Stage) -> Mapping[str, Iterator[Operation]]:
    """Ten answers to filings that were delivered, each to a case of its own: that it was filed. They are stored as the
    agency's calls before, and applied in one run."""
    batches = _promises()
    return {
        "ours": numbered(lambda _: _answered(stage, next(batches))),
        "ref": numbered(lambda _: lambda: senders.ref_answer(BATCH)),
        "floor": numbered(lambda _: lambda: senders.floor_answer(BATCH)),
    }


def _answered(stage: Stage, batch: list[int]) -> Operation:
    """Have a batch delivered, and its answers called in; return what applies them."""
    _delivered(batch)
    application.apply_pending(now=timezone.now())  # what an earlier workload called in
    for public_id in OutboxMessage.objects.filter(pk__in=batch).values_list("public_id", flat=True):
        filed = {"type": "fpa.filed", "reference": str(public_id), "agency_reference": f"BENCH-{uuid4().hex[:12]}"}
        _called(stage, _callback() | filed, "")
    between_rounds()
    return _apply


def _apply() -> None:
    run = application.apply_pending(now=timezone.now())
    if run.applied != BATCH:
        raise CommandError(f"W14A: somebody else applies what is measured, or it does not fit: {run}.")


def _delivered(batch: list[int]) -> None:
    OutboxMessage.objects.filter(pk__in=batch).update(due_at=timezone.now() - timedelta(minutes=1))
    run = delivery.deliver_due(clock=timezone.now, transports={"https": _yes}, most=BATCH)
    if run.delivered != BATCH:
        raise CommandError(f"W14: somebody else delivers what is measured, or it does not go: {run}.")


def _yes(_parcel: Parcel) -> Answer:
    return Answer(status=202, body=b"{}", media_type="application/json", remote_ip="127.0.0.1")


def between_rounds() -> None:
    """Let the callers' budgets begin anew: a bench calls oftener than an agency may."""
    RateBucket.objects.all().delete()


WORKLOADS = (
    Workload(code="W1", label="Open a referral by API: one person, one address", arms=create, ref=1.4),
    Workload(
        code="W1F", label="The same: two people, two addresses, clocks", arms=create_whole, statements=30, ref=1.5
    ),
    Workload(code="W2", label="A move by a member of staff", arms=move, statements=18, ref=0.6),
    Workload(code="W3", label="Queue, 25 rows, with counts", arms=queue, statements=8, floor=1.5),
    Workload(code="W4", label="Case page of a filed referral", arms=case_page, statements=12),
    Workload(code="W7E", label="Search: a telephone number", arms=search_exact),
    Workload(code="W7P", label="Search: the beginning of a name", arms=search_start),
    Workload(code="W7S", label="Search: a name that sounds alike", arms=search_sound),
    Workload(code="W15", label="What I have to do today", arms=my_work),
    Workload(code="W15T", label="Tasks, 25 rows, with counts", arms=task_list),
    Workload(code="W13", label="A callback of an agency", arms=callback, floor=2.0),
    Workload(code="W13R", label="The same callback again (ref: a first one)", arms=callback_again, ref=1.0),
    Workload(code="W14", label="Deliver ten promises", arms=deliver, repeats=1, operations=BATCH),
    Workload(code="W14A", label="Apply ten answers", arms=answer, repeats=1, operations=BATCH),
)
