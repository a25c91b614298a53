"""Who may ask: the desks of requesting authorities, entered by one person and agreed to by another.

The authority itself is an agency of the register; here stand its accredited desks and the numbers they are called back
on. Nobody verifies a request on an entry that they changed within a day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q

from cases.disclosure import codes
from cases.disclosure.models import AuthorityContact, DisclosureRequest
from cases.kernel import formats
from cases.kernel.actors import Actor
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Agency, Proposal
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS", "active", "authorities", "proven", "too_close"]

APART = timedelta(hours=24)
_LABELS = {
    "kind": "Kind of authority",
    "desk": "Desk",
    "accreditation": "Accreditation",
    "phone": "Called back on",
    "method": "Verified by",
    "is_active": "May ask",
}
_WORDS = {"kind": dict(codes.DESK_KINDS), "method": dict(codes.METHODS)}


# Kinds of agencies that have desks: public authorities, and control rooms of the emergency services.
ASKERS = ("lea", "emergency")


def authorities(*kinds: str) -> list[tuple[str, str]]:
    """Return the public authorities of the register as choices, or the agencies of these kinds. One query."""
    rows = Agency.objects.filter(kind__in=kinds or ("lea",), is_active=True).order_by("display_name")
    return list(rows.values_list("code", "display_name"))


def active(authority_code: str, code: str = "") -> list[AuthorityContact]:
    """Return the desks of an authority that may ask, or the one of this code. One query."""
    rows = AuthorityContact.objects.filter(agency__code=authority_code, is_active=True)
    return list((rows.filter(code=code) if code else rows).order_by("desk", "code"))


def proven(facts: DisclosureRequest) -> str | None:
    """Return the code of the authority whose signature the portal checked, or whose desk was called back last; nothing
    before either. A desk's code alone names no authority: others have a desk of the same code. One query."""
    told = DisclosureRequest.history.filter(case_id=facts.pk)
    if facts.came_by != codes.PORTAL:
        told = told.filter(event__action="le_disclosure.verify").order_by("-history_id")
    else:
        told = told.order_by("history_id")
    code: str | None = told.values_list("authority_code", flat=True).first()
    return code


def too_close(authority_code: str, code: str, actor: Actor, *, at: datetime) -> bool:
    """Say whether this person proposed or agreed to the desk's entry within a day."""
    mine = Q(maker_id=actor.user_id) | Q(checker_id=actor.user_id)
    subject = _subject({"agency": authority_code, "code": code})
    changed = Proposal.objects.filter(mine, subject=subject, state="agreed", ended_at__gt=at - APART)
    return actor.user_id is not None and changed.exists()


class ContactForm(ChangeForm):
    """One desk of one authority: entered, corrected, or set apart."""

    agency = Chosen(label="Authority", choices=lambda: authorities(*ASKERS))
    code = forms.SlugField(label="Code of the desk", max_length=40, help_text="Small letters and hyphens.")
    kind = Chosen(label=_LABELS["kind"], choices=codes.DESK_KINDS)
    desk = forms.CharField(label=_LABELS["desk"], max_length=80, help_text="Names no person.")
    accreditation = forms.CharField(label=_LABELS["accreditation"], max_length=40, required=False)
    phone = forms.CharField(
        label=_LABELS["phone"],
        max_length=24,
        help_text="From the national list, never from the request itself.",
    )
    method = Chosen(label=_LABELS["method"], choices=codes.METHODS)
    is_active = forms.BooleanField(label="This desk may ask", required=False, initial=True)

    def clean_phone(self) -> str:
        try:
            return formats.phone(self.cleaned_data["phone"])
        except formats.BadFormat as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from None


def _subject(payload: Payload) -> str:
    return f"authority/{payload['agency']}/{payload['code']}"


def _row(payload: Payload) -> AuthorityContact | None:
    return AuthorityContact.objects.filter(agency__code=payload["agency"], code=payload["code"]).first()


def _state(payload: Payload) -> dict[str, Any]:
    row = _row(payload)
    return {name: getattr(row, name) for name in _LABELS} if row else {}


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    if not Agency.objects.filter(code=payload["agency"], kind__in=ASKERS).exists():
        return {"agency": "There is no such authority in the register."}
    return {}


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return _WORDS.get(name, {}).get(value, str(value or ""))


def _describe(before: Payload, payload: Payload) -> list[Line]:
    return [
        Line(label=label, old=_said(name, before.get(name)) if before else "", new=_said(name, payload[name]))
        for name, label in _LABELS.items()
    ]


def _write(change: Change) -> None:
    said = change.payload
    row = _row(said) or AuthorityContact(agency=Agency.objects.get(code=said["agency"]), code=said["code"])
    for name in _LABELS:
        setattr(row, name, said[name])
    row.save()


KINDS = (
    Kind(
        code="authority_contact",
        label="Enter or change a desk of an authority",
        title=lambda row: f"Enter or change the desk {row.payload['code']} of {row.payload['agency']}",
        makers=frozenset({"disclosure_officer"}),
        checkers=frozenset({"disclosure_approver"}),
        subject=_subject,
        state=_state,
        check=_check,
        describe=_describe,
        apply=_write,
        form=ContactForm,
    ),
)
