"""A new version of a policy document, as a change of the office: one person proposes the file, another approves it."""

from __future__ import annotations

import base64
import hashlib
from datetime import date, datetime
from typing import Any

from django import forms

from cases.kernel import calendars, notice
from cases.kernel.actors import Actor
from cases.kernel.exchange import exchanges
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import PolicyDocument
from cases.kernel.office import policydocs
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS"]

OFFICERS = frozenset({"legal_counsel", "data_protection_officer"})
LARGEST_BYTES = 1024 * 1024
TYPES = {"application/pdf": b"%PDF-", "text/plain": b""}


def _needs(actor: Actor) -> list[tuple[str, str]]:
    """Return what a version can be entered of: nothing about an agency of which this person learns nothing else."""
    agreements = policydocs.agreements(without=exchanges.closed_kinds(actor))
    return [(need.code, need.label) for need in (*notice.DOCUMENTS.values(), *agreements.values())]


class DocumentForm(ChangeForm):
    """The file of the next version, with its days."""

    hints = ("Whoever agrees approves the document. Nothing leaves on a clause whose document is past its review.",)
    code = Chosen(label="Document")
    title = forms.CharField(label="Title", max_length=120)
    valid_from = forms.DateField(label="Valid from", widget=forms.DateInput(attrs={"type": "date"}))
    review_by = forms.DateField(label="Review by", widget=forms.DateInput(attrs={"type": "date"}))
    file = forms.FileField(label="File", help_text="A PDF or plain text, at most 1 MB.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code: Any = self.fields["code"]
        code.choices = _needs(self.actor)

    def clean_file(self) -> Any:
        """Take a PDF or plain text alone."""
        sent = self.cleaned_data["file"]
        data = sent.read()
        kind = str(sent.content_type or "")
        if len(data) > LARGEST_BYTES:
            raise forms.ValidationError("The file is larger than 1 MB.")
        if kind not in TYPES or not data.startswith(TYPES[kind]):
            raise forms.ValidationError("Choose a PDF or a plain text file.")
        return {"data": data, "media_type": kind}

    def payload(self) -> dict[str, Any]:
        """Return what is proposed; the file goes sealed, its hash in clear."""
        said = super().payload()
        data, media_type = said["file"]["data"], said["file"]["media_type"]
        digest = hashlib.sha256(data).hexdigest()
        return said | {"file": base64.b64encode(data).decode(), "media_type": media_type, "sha256": digest}


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _newest(payload: Payload) -> PolicyDocument | None:
    return PolicyDocument.objects.filter(code=payload["code"]).order_by("-version").first()


def _state(payload: Payload) -> dict[str, Any]:
    row = _newest(payload)
    if row is None:
        return {}
    return {
        "version": row.version,
        "title": row.title,
        "valid_from": row.valid_from.isoformat(),
        "review_by": row.review_by.isoformat(),
        "sha256": row.sha256,
    }


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    need = policydocs.need_of(payload["code"])
    if need is None or payload["code"] not in dict(_needs(actor)):
        return {"code": "No clause of the notice and no agency stands on such a document."}
    begins, review = _date(payload["valid_from"]), _date(payload["review_by"])
    if review <= begins:
        return {"review_by": "The review comes after the first day."}
    if review < calendars.london_date(at):
        return {"review_by": "That day has passed: nothing could leave on it."}
    return {}


def _day(value: Any) -> str:
    return f"{_date(value):%-d %B %Y}" if value else ""


def _describe(before: Payload, payload: Payload) -> list[Line]:
    need = policydocs.need_of(payload["code"])
    label = need.label if need else payload["code"]
    last = int(before.get("version", 0))
    return [
        Line(label="Document", old=label, new=label),
        Line(label="Version", old=str(last or ""), new=str(last + 1)),
        Line(label="Title", old=before.get("title", ""), new=payload["title"]),
        Line(label="Valid from", old=_day(before.get("valid_from")), new=_day(payload["valid_from"])),
        Line(label="Review by", old=_day(before.get("review_by")), new=_day(payload["review_by"])),
        Line(label="SHA-256", old=before.get("sha256", ""), new=payload["sha256"]),
    ]


def _enter(change: Change) -> None:
    said = change.payload
    draft = policydocs.Draft(
        code=said["code"],
        title=said["title"],
        valid_from=_date(said["valid_from"]),
        review_by=_date(said["review_by"]),
        data=base64.b64decode(said["file"]),
        media_type=said["media_type"],
    )
    policydocs.enter(draft, approved_by=change.actor.label, actor=change.actor, at=change.at)


KINDS = (
    Kind(
        code="policy_document",
        label="Enter a policy document",
        makers=OFFICERS,
        checkers=OFFICERS,
        subject=lambda payload: f"policy_document/{payload['code']}",
        state=_state,
        check=_check,
        describe=_describe,
        apply=_enter,
        title=lambda row: f"Enter: {row.payload['title']}",
        sealed=("file",),
        form=DocumentForm,
    ),
)
