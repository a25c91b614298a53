"""Fill a demonstration: people of every role, agencies, and two months of invented referrals with true ledgers."""

from __future__ import annotations

import hashlib
import json
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from cases.agencies import application, inbound, settlement
from cases.agencies.sandbox import desks
from cases.agencies.senders import Sender
from cases.association import demo as association
from cases.credit import demo as credit
from cases.credit.defaults import demo as defaults
from cases.credit.files import demo as creditfiles
from cases.debt import demo as debt
from cases.debt.sale import demo as sales
from cases.disclosure import demo as disclosure
from cases.disclosure.breach import demo as breach
from cases.disclosure.emergency import demo as emergency
from cases.disclosure.partners import demo as partners
from cases.disclosure.transfer import demo as transfer
from cases.fraud import demo, incoming_demo
from cases.fraud.suspicion import demo as suspicion
from cases.fraud.trace import demo as trace
from cases.kernel import actors, outbox
from cases.kernel.evidence import scanning
from cases.kernel.exchange import agencies
from cases.kernel.models import Case, DeliveryAttempt, Letter, OutboxMessage
from cases.kernel.office import demo_people
from cases.kernel.timing import sweeps
from cases.ledger import sealing
from cases.reports import letters
from cases.rights import demo as rights

SEED = 20261122
MAKING_SAMPLES, LONGEST_SECONDS = "samples_are_being_made", 1800
FIELD_ERROR = {"pointer": "/subjects/1/date_of_birth", "code": "SUBJECT_2_MISSING_DOB_FORMAT"}


class Command(BaseCommand):
    """Everything is done by the verbs that staff and agencies use, at past times and with the source 'demo'."""

    help = "Make demo people, agencies and about 200 fraud referrals. Refused outside demo mode or over existing cases."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--share", type=float, default=1.0, help="the share of the cases to make; 0: people alone")

    def handle(self, *_args: Any, share: float, **_options: Any) -> None:
        """Make them. Meanwhile the page of how the office is says so, for what is dated back looks late."""
        caches["default"].set(MAKING_SAMPLES, True, LONGEST_SECONDS)
        try:
            self._make(share)
        finally:
            caches["default"].delete(MAKING_SAMPLES)

    def _make(self, share: float) -> None:
        if not settings.DEMO:
            raise CommandError("Demo data is made in demo mode only.")
        if Case.objects.exists():
            raise CommandError("There are cases already; demo data is only made in an empty office.")
        started, now = time.monotonic(), timezone.now()
        chance = random.Random(SEED)  # noqa: S311 -- invented data, not a secret
        with connection.cursor() as cursor:
            # Nobody is told of these commits, so a crash may lose the last of them: a third of the time is saved.
            cursor.execute("SET synchronous_commit TO off")
        call_command("provision_agencies")
        office = office_of(now, source="demo")
        if not share:
            self.stdout.write("People and agencies, and no cases.")
            return
        plan = [moves for count, moves in demo.PLAN for _ in range(max(1, round(count * share)))]
        chance.shuffle(plan)
        for moves in plan:
            demo.tell(office, moves, chance=chance, now=now)
        sweeps.end_due_clocks(now=now)
        _told_by_agencies(office, now)
        _associations(now)
        _checks(now)
        _defaults(now)
        _traces(now)
        _rights(now)
        _debts(now)
        _restricted(now)
        self.stdout.write(f"{len(plan)} referrals in {time.monotonic() - started:.0f} s.")


def office_of(now: datetime, *, source: str) -> demo.Office:
    """Return who acts, under this source, and an outside world that answers at once."""
    by_name = {user.username: actors.staff(user, source=source) for user in demo_people.ensure(now)}
    own_system = agencies.get("own-detection")
    return demo.Office(
        analysts=(by_name["a.byrne"], by_name["p.nair"]),
        approvers=(by_name["d.osei"], by_name["a.byrne"]),
        own_system=actors.agency(own_system, source=source),
        rights=by_name["i.sowande"],
        deliver=_deliver,
        fail=_fail,
        field_error=_field_error,
        file=_file,
        answer=_answer,
        expire=_expire,
    )


def _told_by_agencies(office: demo.Office, now: datetime) -> None:
    """Matches, enquiries, instructions and hits about filed referrals, some of them decided."""
    cases = list(Case.objects.filter(kind="fraud_referral", state="filed").order_by("-pk")[:10])
    if cases:
        incoming_demo.tell(cases, say=_say, decider=office.analysts[0], now=now)


def _say(case: Case, name: str, at: datetime) -> None:
    """Let the sandbox's own words come in through the same door as ever; nothing where nobody was told of the case."""
    message_kind = "alert_upload" if name == "hit" else "fpa_file"
    sent = OutboxMessage.objects.filter(kind=message_kind).select_related("channel__agency").order_by("-pk")
    message = (sent if name == "hit" else sent.filter(case=case)).first()
    if message is not None:
        said = desks.saying(name, {}, number=message.pk)
        _hear(message, said["type"], "", at=at, data=said["data"])


def _associations(now: datetime) -> None:
    """Links between people, each as far as its story goes, and what the agencies said of them."""
    by_name = {user.username: actors.staff(user, source="demo") for user in demo_people.ensure(now)}
    _scan_all(now)
    cast = association.Cast(
        officer=by_name["m.achterberg"],
        reviewer=by_name["p.lindqvist"],
        confirmer=by_name["f.aldersey"],
        rights=by_name["i.sowande"],
        scan=_scan_all,
        deliver=_deliver_all,
        say=_say_of_link,
    )
    association.tell(cast, now=now)


def _scan_all(at: datetime) -> None:
    """Every document of the demonstration is its own, and clean."""
    while scanning.scan_due(now=at, scan=_find_nothing):
        pass


def _find_nothing(chunks: Iterator[bytes]) -> scanning.Verdict:
    for _ in chunks:
        pass
    return scanning.Verdict(state=scanning.CLEAN)


def _checks(now: datetime) -> None:
    """Applications that were checked, and what came of it."""
    by_name = {user.username: actors.staff(user, source="demo") for user in demo_people.ensure(now)}
    cast = credit.Cast(
        orders=actors.agency(agencies.get("own-orders"), source="demo"),
        officer=by_name["m.achterberg"],
        reviewer=by_name["p.lindqvist"],
        rights=by_name["i.sowande"],
        answer=_answer_searches,
    )
    credit.tell(cast, now=now)


def _defaults(now: datetime) -> None:
    """Accounts in arrears, the defaults that came of some of them, and the file of the month."""
    by_name = {user.username: actors.staff(user, source="demo") for user in demo_people.ensure(now)}
    cast = defaults.Cast(
        steward=by_name["s.oyelaran"],
        approver=by_name["t.marchetti"],
        analyst=by_name["r.penhale"],
        post=_post_letters,
        deliver=_deliver_all,
    )
    defaults.tell(cast, now=now)
    creditfiles.tell(by_name["s.oyelaran"], now=now)


def _post_letters(case: Case, at: datetime) -> None:
    """Let the letters of a case that are due be written, taken by the post house and put in the post."""
    for letter in Letter.objects.filter(case=case, state="due").order_by("pk"):
        letters.write(letter.pk, now=at)
        message = Letter.objects.get(pk=letter.pk).message
        if message is not None:
            _end_one(message, at, state="delivered", outcome="ok", status=202, delivered_at=at)
            _hear(message, "letter.dispatched", "", at=at)


def _debts(now: datetime) -> None:
    """Accounts at an agency, one batch that waits, debtors in a moratorium, a sale that is complete and one to come."""
    by_name = {user.username: actors.staff(user, source="demo") for user in demo_people.ensure(now)}
    cast = debt.Cast(
        billing=actors.agency(agencies.get("own-billing"), source="demo"),
        analyst=by_name["r.penhale"],
        manager=by_name["c.adebayo"],
        agency=actors.agency(agencies.get("sandbox-recoveries"), source="demo"),
        register=actors.agency(agencies.get("sandbox-moratorium"), source="demo"),
        deliver=_deliver_debts,
    )
    debt.tell(cast, now=now)
    sellers = sales.Cast(
        billing=cast.billing,
        manager=by_name["g.whitlock"],
        finance=by_name["l.forsgren"],
        protection=by_name["j.merriweather"],
        counsel=by_name["v.tranter"],
    )
    sales.tell(sellers, now=now)


def _deliver_debts(at: datetime) -> None:
    waiting = OutboxMessage.objects.filter(state="pending", channel__agency__kind__in=["dca", "insolvency"])
    for message in waiting.order_by("pk"):
        _end_one(message, at, state="delivered", outcome="ok", status=202, delivered_at=at)


def _answer_searches(case: Case, at: datetime) -> None:
    """Let the sandbox's agencies answer what a check asked them, in the reply to it."""
    reader = sealing.Reader(actor="system:delivery", verb="send", purpose="delivery", streams=(case.uid,))
    waiting = OutboxMessage.objects.filter(case=case, state="pending").select_related("channel__agency", "key")
    for message in waiting.order_by("pk"):
        asked = json.loads(outbox.open_body(message, reader=reader, at=at) or b"{}")
        reply = desks.reply(message.channel.agency.kind, desks.Visit(asked, message.pk, at))
        said = json.dumps({"status": "accepted", **reply.said}).encode()
        excerpt = sealing.seal_bytes(said, key=message.key, label=outbox.LABEL, uid=message.public_id, field="reply")
        _end_one(message, at, state="delivered", outcome="ok", status=202, sealed_excerpt=excerpt, delivered_at=at)


def _deliver_all(case: Case, at: datetime) -> None:
    for message in OutboxMessage.objects.filter(case=case, state="pending").order_by("pk"):
        _end_one(message, at, state="delivered", outcome="ok", status=202, delivered_at=at)


def _traces(now: datetime) -> None:
    """Malicious calls that are traced, and what a provider answered."""
    by_name = {user.username: actors.staff(user, source="demo") for user in demo_people.ensure(now)}
    cast = trace.Cast(
        colleague=by_name["p.nair"],
        analyst=by_name["a.byrne"],
        approver=by_name["d.osei"],
        deliver=_deliver_all,
        say=_answer_trace,
    )
    trace.tell(cast, now=now)


def _answer_trace(case: Case, said: Mapping[str, Any], at: datetime) -> None:
    asked = OutboxMessage.objects.filter(case=case, kind="traceback").select_related("channel__agency")
    _hear(asked.latest("pk"), "traceback.answered", "", at=at, data=said)


def _rights(now: datetime) -> None:
    """What people ask about their data, and a complaint."""
    by_name = {user.username: actors.staff(user, source="demo") for user in demo_people.ensure(now)}
    cast = rights.Cast(
        messaging=actors.agency(agencies.get("own-messaging"), source="demo"),
        officer=by_name["i.sowande"],
        machine=actors.system("rights", source="demo"),
        deliver=_deliver_all,
        stopped=_stop_in_the_group,
    )
    rights.tell(cast, now=now)


def _stop_in_the_group(case: Case, at: datetime) -> None:
    told = OutboxMessage.objects.filter(case=case, kind="rights_stop").select_related("channel__agency")
    _hear(told.filter(channel__agency__kind="group_company").latest("pk"), "rights.stopped", "", at=at)


def _say_of_link(case: Case, agency: str, kind: str, reference: str, at: datetime) -> None:
    sent = OutboxMessage.objects.filter(case=case, channel__agency__code=agency).select_related("channel__agency")
    _hear(sent.latest("pk"), kind, reference, at=at)


def _restricted(now: datetime) -> None:
    """Reports and requests that only their own team sees, and two people who broke the glass on a referral."""
    by_name = {user.username: actors.staff(user, source="demo") for user in demo_people.ensure(now)}
    cast = suspicion.Cast(
        officer=by_name["h.castellan"],
        deputy=by_name["w.strake"],
        colleague=by_name["p.nair"],
        unit=actors.agency(agencies.get("sandbox-fiu"), source="demo"),
        protection=by_name["j.merriweather"],
    )
    parents = list(Case.objects.filter(kind="fraud_referral").order_by("-pk")[:6])
    suspicion.tell(cast, parents, now=now)
    unit = disclosure.Cast(officer=by_name["k.mistry"], approver=by_name["e.hallam"])
    disclosure.tell(unit, now=now)
    night = emergency.Cast(
        operator=by_name["n.okonjo"],
        officer=by_name["k.mistry"],
        approver=by_name["e.hallam"],
        administrator=by_name["o.thackray"],
        protection=by_name["j.merriweather"],
        pager=_pager() if settings.ON_CALL_CIDRS else "",
    )
    emergency.tell(night, now=now)
    partners.tell(partners.Cast(officer=by_name["k.mistry"], approver=by_name["e.hallam"]), now=now)
    transfer.tell(
        transfer.Cast(proposer=by_name["e.hallam"], protection=by_name["j.merriweather"]), now=now, scan=_scan_all
    )
    breach.tell(breach.Cast(colleague=by_name["p.nair"], protection=by_name["j.merriweather"]), now=now)
    # Nothing is sent to the sandbox: the stories hold what it said.
    sent = OutboxMessage.objects.filter(
        case__kind__in=["suspicion_report", "le_disclosure", "emergency_disclosure", "breach"]
    )
    sent.update(state="acknowledged", attempts=1, delivered_at=now, acknowledged_at=now, settled_at=now)
    breakers = (by_name["c.adebayo"], by_name["m.achterberg"])
    suspicion.open_in_an_emergency(cast, breakers, (parents[0], parents[1]), now=now)


def _pager() -> str:
    """Return the address of the sandbox's pager, which listens where its agencies do; empty without a sandbox."""
    channel = agencies.channel_of(agencies.get("sandbox-999-control"), "out")
    address = urlsplit(channel.address) if channel else None
    return f"https://{address.netloc}/pager" if address and address.netloc else ""


def _waiting(case: Case) -> OutboxMessage:
    return OutboxMessage.objects.filter(case=case, state="pending").latest("pk")


def _end(case: Case, at: datetime, *, state: str, outcome: str, status: int, **changes: Any) -> None:
    """End the case's waiting message as delivery would have, one try on record, and let the case take note."""
    _end_one(_waiting(case), at, state=state, outcome=outcome, status=status, **changes)


def _end_one(
    message: OutboxMessage,
    at: datetime,
    *,
    state: str,
    outcome: str,
    status: int,
    sealed_excerpt: bytes | None = None,
    **changes: Any,
) -> None:
    DeliveryAttempt.objects.create(
        message=message,
        number=1,
        started_at=at,
        ended_at=at,
        outcome=outcome,
        http_status=status,
        duration_ms=140,
        remote_ip="127.0.0.1",
        key_names="demo",
        sealed_excerpt=sealed_excerpt,
    )
    OutboxMessage.objects.filter(pk=message.pk).update(state=state, attempts=1, **changes)
    settlement.settle(now=at)


def _deliver(case: Case, at: datetime) -> None:
    _end(case, at, state="delivered", outcome="ok", status=202, delivered_at=at)


def _fail(case: Case, at: datetime) -> None:
    _end(case, at, state="dead", outcome="permanent", status=404)


def _field_error(case: Case, at: datetime) -> None:
    _end(case, at, state="refused", outcome="refused", status=422, errors=[FIELD_ERROR])


def _file(case: Case, at: datetime) -> None:
    """The agency calls back with its reference."""
    message = OutboxMessage.objects.filter(case=case, kind="fpa_file", state="delivered").latest("pk")
    _hear(message, "fpa.filed", f"SFR-{at.year}-{100_000 + case.pk:07d}", at=at)


# What each kind of later message is answered with.
ANSWERS = {
    "fpa_amend": "fpa.amended",
    "fpa_remove": "fpa.removed",
    "fpa_dispute": "fpa.suspended",
    "report_fraud": "report_fraud.recorded",
    "correction_amended": "correction.acknowledged",
    "correction_removed": "correction.acknowledged",
}


def _answer(case: Case, at: datetime) -> None:
    """All that was told of a filing since arrives, in order, and each recipient answers."""
    waiting = OutboxMessage.objects.filter(case=case, state="pending", kind__in=ANSWERS)
    for message in waiting.select_related("channel__agency").order_by("pk"):
        _end_one(message, at, state="delivered", outcome="ok", status=202, delivered_at=at)
        reference = f"RF-{at.year}-{case.pk:07d}" if message.kind == "report_fraud" else ""
        _hear(message, ANSWERS[message.kind], reference, at=at)


def _hear(
    message: OutboxMessage, kind: str, reference: str, *, at: datetime, data: Mapping[str, Any] | None = None
) -> None:
    """An agency calls back through the same door as ever: stored first, then applied."""
    agency = message.channel.agency
    channel = agencies.channel_of(agency, "in")
    if channel is None:
        raise CommandError(f"{agency.display_name} has no inbound channel.")
    body = {
        "schema_version": 1,
        "type": kind,
        "reference": str(message.public_id),
        "occurred_at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": dict(data or {}),
    }
    body |= {"agency_reference": reference} if reference else {}
    sender = Sender(agency=agency, channel=channel, message_id=f"demo-{uuid.uuid4()}", key_name="demo")
    token = hashlib.sha256(b"demo").hexdigest()
    inbound.receive(sender, json.dumps(body).encode(), ip_token=token, now=at)
    application.apply_pending(now=at)


def _expire(case: Case, at: datetime) -> None:
    sweeps.end_due_clocks(now=at)
