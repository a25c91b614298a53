"""An office in one process: people at its pages, agencies at the other end of its outbox, and a clock that is moved.

Only the network is not there: what the outbox sends is given to a peer, and what an agency says comes signed through
the API. The background work is that of the workers, called when a journey says so.
"""

from __future__ import annotations

import html
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cases import tasks as work
from cases.agencies import transports
from cases.agencies.provision import new_inbound_key
from cases.agencies.transports.base import Answer, Parcel
from cases.kernel import actors
from cases.kernel.exchange import agencies
from cases.kernel.models import Callback, Case, Letter, OutboxMessage, Task
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from cases.reports import letters
from tests import factories
from tests.api.caller import call
from tests.journeys import forms
from tests.kernel import snapshots
from tests.reports import reading
from tests.web import desk

FPA, POST, ALERT, POLICE = "sandbox-fraud-register", "sandbox-post", "sandbox-retail-alert", "sandbox-report-fraud"
OUR_BRANDS = ("own-orders", "own-detection")
START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
REFERENCE = "SFR-2026-0004417"
SECRET = "whsec_" + "A" * 43 + "="
FACTS: dict[str, Any] = {
    "fpa_case_type": "facility_takeover",
    "reasons": ["unauth_sim_swap"],
    "product": "mob_paym",
    "sales_channel": "phone",
    "discovered_date": "2026-11-14",
    "value_at_risk": "1099.00",
    "notice_version": "2026-02",
    "notice_shown_date": "2026-03-02",
    "narrative": "Caller passed security, swapped the SIM and ordered a handset.",
}
FRAUDSTER = {
    "role": "third_party_fraudster",
    "alias": "Rhodri Strake",
    "ip_address": "203.0.113.45",
    "ip_port": "51514",
    "ip_seen_at": "2026-11-13T21:02:00Z",
    "address_kind": "delivery",
    "line_1": "Unit 4, 77 Fiction Way",
    "town": "Leeds",
    "postcode": "LS1 0ZZ",
}
VICTIM = {
    "role": "victim_of_takeover",
    "is_innocent": True,
    "forename": "Morwenna",
    "surname": "Tregaskis",
    "date_of_birth": "1984-03-09",
    "phone": "+447700900123",
    "address_kind": "current",
    "line_1": "12 Harbour Row",
    "town": "Penzance",
    "postcode": "TR18 0ZZ",
}
LOOKS = {"cases_accessevent", "cases_user"}  # who looked at what, and when somebody last signed in
ALL_YES = {f"pillar_{number}": "yes" for number in (1, 2, 3, 4)}
BORNE_OUT = {f"evidence_{number}": ["1"] for number in (1, 2, 3, 4)}


class Scene:
    """P. Nair makes, D. Osei checks, A. Byrne judges: nobody does two of the three."""

    def __init__(self, monkeypatch: Any) -> None:
        self.people = factories.office()
        system = actors.system("tests")
        for code in OUR_BRANDS:
            plan = agencies.ChannelPlan(direction="in")
            listing = agencies.Listing(code=code, kind="own_system", display_name=code, channels=(plan,))
            agencies.register(listing, actor=system, at=START)
        for code in (FPA, POST, ALERT, POLICE):
            channel = agencies.channel_of(agencies.get(code), "out")
            agencies.add_key(channel, SECRET, name=f"out-{code}", actor=system, at=START)
        both = (FPA, POST, ALERT, POLICE, *OUR_BRANDS)
        self.secrets = {code: new_inbound_key(code, actor=system, at=START) for code in both}
        self.addresses = {address: code for code, _, _, address in factories.LISTINGS}
        self.clients: dict[str, Any] = {}
        self.now, self.received, self.refusing = START, list[tuple[str, str, dict[str, Any]]](), dict[str, str]()
        monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)
        monkeypatch.setitem(transports.TRANSPORTS, "https", self._peer)

    # Agencies and the clock

    def meet(self, *codes: str) -> None:
        """Give agencies that are in the register already the keys of both directions."""
        for code in codes:
            agency = agencies.get(code)
            if channel := agencies.channel_of(agency, "out"):
                self.addresses[channel.address] = code
                agencies.add_key(channel, SECRET, name=f"out-{code}", actor=actors.system("tests"), at=START)
            self.secrets[code] = new_inbound_key(code, actor=actors.system("tests"), at=START)

    def _peer(self, parcel: Parcel) -> Answer:
        """Take what is signed, as every agency does, or name a field that is wrong, where a journey says so."""
        assert parcel.headers["webhook-signature"].startswith("v1,")
        code = self.addresses[parcel.url]
        sent = json.loads(parcel.body)
        self.received.append((code, sent["type"], sent["data"]))
        if error := self.refusing.pop(sent["type"], ""):
            body = json.dumps({"title": "Refused", "errors": [{"pointer": "/subjects/0", "code": error}]}).encode()
            return Answer(status=422, body=body, media_type="application/problem+json")
        return Answer(status=202)

    def told(self, *codes: str) -> list[tuple[str, dict[str, Any]]]:
        """Return what was told to agencies, in order: the kind of message and its data."""
        return [(kind, data) for code, kind, data in self.received if code in codes]

    def kinds(self, *codes: str) -> list[str]:
        return [kind for kind, _ in self.told(*codes)]

    def deliver(self) -> None:
        """Let the workers do what is due: letters, deliveries, and what time has ended."""
        work.render_letters()
        OutboxMessage.objects.filter(state="pending").update(due_at=START)  # a queue reads the database's clock
        work.deliver_outbox()

    def sweep(self) -> None:
        work.sweep()
        self.deliver()

    def advance(self, to: datetime | timedelta) -> None:
        """Move the clock to a moment, or on by a time."""
        self.now = self.now + to if isinstance(to, timedelta) else to
        self.clients.clear()

    def say(self, code: str, kind: str, case: Case, about: str = "", reference: str = "", **data: Any) -> str:
        """Let an agency call, about our last message of a kind; return what became of the callback."""
        messages = OutboxMessage.objects.filter(case=case, channel__agency__code=code, kind=about)
        said_at = min(self.now, datetime.now(UTC)).isoformat()  # never in what is yet to come
        document = {"schema_version": 1, "type": kind, "occurred_at": said_at, "data": data}
        document |= {"reference": str(messages.latest("pk").public_id)} if about else {}
        document |= {"agency_reference": reference} if reference else {}
        path = f"/api/v1/agencies/{code}/callbacks/"
        answer = call(self.secrets[code], document, message_id=uuid.uuid4().hex, path=path)
        assert answer.status_code == 202, answer.content
        work.apply_callbacks()
        return str(Callback.objects.latest("pk").state)

    def refer(self, brand: str, **body: Any) -> Any:
        """Let one of the firm's own systems open a referral through the API."""
        path = "/api/v1/intake/fraud-referrals/"
        return call(self.secrets[brand], body, message_id=uuid.uuid4().hex, path=path, **{"webhook-sender": brand})

    # People at their pages

    def client(self, name: str) -> Any:
        if name not in self.clients:
            self.clients[name] = desk.client_of(name, is_stepped_up=True)
        return self.clients[name]

    def submit(self, path: str, by: str, *, form: str = "", status: int = 302, **typed: Any) -> str:
        """Fill in the form of a page that leads to `form`, and send it.

        Expects a redirect, which says that it was done. Where another status is named it was refused: returns the page.
        """
        client = self.client(by)
        page = client.get(path)
        assert page.status_code == 200, (path, page.status_code)
        found = [each for each in forms.of_page(page.content.decode()) if _leads(each, form or path, path)]
        # One more person than the page shows: without script the page is asked for it.
        while found and "add_person" in typed:
            shown = client.post(form or path, {**found[0].filled({}), "add_person": "1"}).content.decode()
            found, _ = [each for each in forms.of_page(shown) if _leads(each, path, path)], typed.pop("add_person")
        wanted = [each for each in found if set(typed) <= set(each.offered)] or found
        assert wanted, f"{path} has no form to {form or path}"
        answer = client.post(wanted[0].action or path, wanted[0].filled(typed))
        text = answer.content.decode()
        assert answer.status_code == status, _plain(text)[:700]
        return _plain(text)

    def read(self, path: str, by: str) -> tuple[int, str]:
        answer = self.client(by).get(path)
        return answer.status_code, _plain(answer.content.decode())

    def open(self, *people: dict[str, Any], by: str = "p.nair", status: int = 302, **facts: Any) -> Case:
        typed = {**FACTS, **facts}
        for number, person in enumerate(people):
            typed |= {f"people-{number}-{name}": value for name, value in person.items()}
        extra = {"add_person": True} if len(people) > 1 else {}
        self.said = self.submit("/cases/new/fraud_referral/", by, status=status, **typed, **extra)
        return Case.objects.latest("pk") if status == 302 else Case()

    def step(self, case: Case, name: str, by: str, *, status: int = 302, **typed: Any) -> str:
        path = reverse("web:step", args=[case.uid, name])
        said = self.submit(at("case", case), by, form=path, status=status, **typed)
        case.refresh_from_db()
        return said

    def dispute(self, case: Case, **typed: Any) -> str:
        """The rights officer, who says first why she reads the case, records what came in."""
        self.submit(at("case", case), "i.sowande", form=at("purpose", case), purpose="complaint")
        return self.step(case, "dispute", "i.sowande", **typed)

    def correct(self, case: Case, by: str = "p.nair", *, status: int = 302, person: int = 0, **typed: Any) -> str:
        path = at("edit_person", case, person) if person else at("edit_facts", case)
        said = self.submit(path, by, status=status, **typed)
        case.refresh_from_db()
        return said

    def hold(self, case: Case, kind: str, by: str = "p.nair", **typed: Any) -> str:
        given = {"source": "customer", "reason": "Told by telephone.", **typed}
        return self.submit(at("holds", case), by, kind=kind, **given)

    def agree(self, case: Case, act: str, by: str) -> str:
        """Agree as a second person to what somebody proposed."""
        approval = case.approvals.get(act=act, closed_at=None)
        path = reverse("web:verdict", args=[case.uid, approval.uid])
        said = self.submit(at("case", case), by, form=path, verdict="agreed")
        case.refresh_from_db()
        return said

    def decide(self, case: Case, number: int, outcome: str, by: str, *, status: int = 302, **typed: Any) -> str:
        given = {"reason": "Compared with what the member holds.", **typed}
        return self.submit(at("incoming_notice", case, number), by, status=status, outcome=outcome, **given)

    def done(self, case: Case, kind: str, by: str, reason: str) -> str:
        """Close the open task of a kind by hand, from the list of tasks."""
        task = Task.objects.get(case=case, kind=kind, closed_at=None)
        path = reverse("web:task_done", args=[task.uid])
        return self.submit("/tasks/?view=all", by, form=path, reason=reason)

    def investigated(self, *people: dict[str, Any], **facts: Any) -> Case:
        """Open a referral and take it to where it can be sent for approval."""
        case = self.open(*people, **facts)
        self.step(case, "take", "p.nair")
        self.step(case, "accept", "p.nair")
        self.attach(case)
        return case

    def attach(self, case: Case) -> None:
        upload = SimpleUploadedFile("call.txt", b"Recording of 13 November.", "text/plain")
        self.submit(at("documents", case), "p.nair", kind="call_recording", document=upload)
        case.refresh_from_db()

    def approved(self, case: Case) -> Case:
        self.step(case, "submit", "p.nair", **ALL_YES, **BORNE_OUT)
        self.step(case, "approve", "d.osei", **ALL_YES, has_reviewed_innocent=True)
        return case

    def filed(self, *people: dict[str, Any], reference: str = REFERENCE, **facts: Any) -> Case:
        """Take a referral from its opening until the agency says that it filed it."""
        case = self.approved(self.investigated(*people, **facts))
        self.deliver()
        assert self.say(FPA, "fpa.filed", case, "fpa_file", reference) == "applied"
        self.deliver()
        case.refresh_from_db()
        assert case.state == "filed"
        return case

    # What is on record

    @contextmanager
    def nothing_written(self) -> Iterator[None]:
        """Assert that the block writes no row anywhere, but for who looked at what and that something was refused."""
        before = snapshots.snapshot()
        yield
        after = snapshots.snapshot()
        written = {name for name in before if before[name] != after[name]} - LOOKS
        assert written == set(), written

    def story(self, case: Case) -> list[str]:
        """Return the acts of a case in order, and see that its ledger verifies."""
        wrong = [each for each in verify.verify_stream(case.uid) if "after it was recorded" not in each.message]
        assert {each.level for each in wrong} <= {verify.LATE_LEVEL}
        return list(LedgerEvent.objects.filter(stream=case.uid).order_by("seq").values_list("action", flat=True))

    def tasks(self, case: Case) -> list[str]:
        rows = Task.objects.filter(case=case, closed_at=None).order_by("pk")
        return [kind for kind in rows.values_list("kind", flat=True) if kind not in {"clock_soon", "clock_over"}]

    def letters(self, case: Case) -> list[tuple[str, int, str]]:
        rows = Letter.objects.filter(case=case).order_by("pk")
        return list(rows.values_list("template", "party__number", "state"))

    def text_of(self, case: Case, template: str) -> str:
        letter = Letter.objects.get(case=case, template=template)
        reader = sealing.Reader(actor="system:tests", verb="view", purpose="test", streams=(case.uid,))
        return " ".join(reading.text_of(letters.open_letter(letter, reader=reader, at=self.now)).split())

    def posted(self) -> list[str]:
        """Return whom the post house was given letters for: name and first line of the address."""
        sent = [data["addressee"] for kind, data in self.told(POST) if kind == "letter"]
        return [f"{each['name']}, {each['line_1']}" for each in sent]


def at(name: str, case: Case, *more: Any) -> str:
    return reverse(f"web:{name}", args=[case.uid, *more])


def _leads(form: forms.Form, wanted: str, page: str) -> bool:
    return (form.action or page) == wanted


def _plain(page: str) -> str:
    """Return the words of a page as they are read."""
    _, _, inside = page.partition("<main")
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", f"<main{inside}")).split())
