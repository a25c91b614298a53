"""What a Commissioner is told of a breach: its nature, numbers, consequences and measures, and nobody's name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cases.disclosure.breach import codes
from cases.kernel import outbox, releases
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, OutboxMessage, Release
from cases.ledger import sealing

__all__ = ["ALL", "ICO_BREACH", "IPC_BREACH", "code_of", "take_back", "tell", "told_by_hand"]

_FIELDS = ("nature", "aware_at", "what_happened", "people", "consequences", "measures", "reasons_for_delay")


def _kind(code: str, label: str, recipient_kind: str, necessity: str) -> releases.MessageKind:
    return releases.MessageKind(
        code=code,
        label=label,
        recipient_kind=recipient_kind,
        purpose="report_breach",
        necessity=necessity,
        put_right_by="nobody",
        needs_agreement=False,
        categories=dict.fromkeys(_FIELDS, "breach"),
        lists=frozenset(),
    )


ICO_BREACH = _kind(
    "ico_breach",
    "Notice of a breach to the Information Commissioner",
    "regulator",
    "The law has the Information Commissioner told within 72 hours: nature, numbers, consequences, measures.",
)
IPC_BREACH = _kind(
    "ipc_breach",
    "Notice of a breach to the Investigatory Powers Commissioner",
    "oversight",
    "Where secrecy forbids to tell the Information Commissioner, the Investigatory Powers Commissioner is told.",
)
ALL = (ICO_BREACH, IPC_BREACH)
releases.declare(*ALL)
_KINDS = {codes.ICO: ICO_BREACH, codes.IPC: IPC_BREACH}


def code_of(case: Case) -> str:
    """Return the kind of the notice to the Commissioner of the case's route."""
    return _KINDS[case.breach.route].code


def take_back(case: Case, *, at: datetime) -> int:
    """Take back a notice that waits, so that nobody is told twice, inside the current ledger action. Returns how many.
    One that is being sent at this moment goes."""
    return outbox.withdraw(case, code_of(case), at=at, states=("pending",))


def tell(case: Case, *, actor: Actor, at: datetime) -> OutboxMessage | None:
    """Promise the notice to the Commissioner of the case's route, inside the current ledger action; None where the
    register knows of no channel to them, so that a person tells them. Opens what was typed, which the access log
    keeps. Raises ReleaseRefused."""
    kind = _KINDS[case.breach.route]
    agency = _commissioner(kind)
    if agency is None:
        return None
    body = _body(case, actor=actor, at=at)
    try:
        return releases.send(case, kind, agency=agency, body=body, actor=actor, at=at, subject_count=0)
    except outbox.NoChannel:
        return None


def told_by_hand(case: Case, *, actor: Actor, at: datetime) -> Release | None:
    """Take back what waits, and enter in the register of releases that a person told the Commissioner what the notice
    says, inside the current ledger action; nothing where the register of agencies does not know them. Raises
    ReleaseRefused."""
    take_back(case, at=at)
    kind = _KINDS[case.breach.route]
    agency = _commissioner(kind)
    if agency is None:
        return None
    body = _body(case, actor=actor, at=at)
    return releases.tell(case, kind, agency=agency, body=body, actor=actor, at=at, subject_count=0)


def _commissioner(kind: releases.MessageKind) -> Agency | None:
    """Return the one Commissioner of this kind in the register: where there are two, which is meant nobody can tell by
    their kind, and a person tells the right one."""
    found = list(Agency.objects.select_related("terms").filter(kind=kind.recipient_kind, is_active=True)[:2])
    return found[0] if len(found) == 1 else None


def _body(case: Case, *, actor: Actor, at: datetime) -> dict[str, Any]:
    row = case.breach
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="report_breach", streams=(case.uid,))
    typed = sealing.open_rows([row], ("what", "consequences", "measures", "delay"), reader=reader, at=at)[0]
    body = {
        "nature": row.nature,
        "aware_at": f"{row.aware_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "what_happened": typed["what"] or "",
        "people": row.people_count,
        "consequences": typed["consequences"] or "",
        "measures": typed["measures"] or "",
    }
    if typed["delay"]:
        body["reasons_for_delay"] = typed["delay"]
    return body
