"""What people type into the package of a disclosure request: reasons, who held an address, rows, and documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.template.defaultfilters import filesizeformat

from cases.disclosure import codes, dataitems
from cases.disclosure.forms import MomentField
from cases.kernel.evidence.filetypes import TYPES
from cases.kernel.forms.plainforms import Chosen, needed_when
from cases.kernel.models import Evidence

__all__ = ["DocumentForm", "GroundForm", "HolderForm", "PartForm"]

_LETTER = "One capital letter, never a name. Needed where an address changed hands."
_ONE_LETTER = {"invalid": "Write one capital letter, such as A."}
_LONG = forms.Textarea(attrs={"rows": 3})


class GroundForm(forms.Form):
    """Why one item is given. What is written is sealed; a text that is left empty stays as it was."""

    necessity = forms.CharField(label="Necessity", max_length=4000, required=False, widget=_LONG)
    proportionality = forms.CharField(label="Proportionality", max_length=4000, required=False, widget=_LONG)
    collateral = forms.CharField(label="Collateral intrusion", max_length=4000, required=False, widget=_LONG)
    minimised = forms.MultipleChoiceField(
        label="Kept to the least",
        choices=codes.MINIMISED,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_nothing_held = forms.BooleanField(label="Nothing is held of it", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        needed_when(self, "needed unless nothing is held", "necessity", "proportionality", "collateral", "minimised")


class HolderForm(forms.Form):
    """Who held an asked address, from when until when."""

    address = Chosen(label="Address")
    subject = forms.RegexField(
        label="Subscriber",
        regex=r"^[A-Z-]\Z",
        error_messages=_ONE_LETTER,
        help_text="One capital letter, never a name: A, then B. A hyphen where it was nobody's whom we know.",
    )
    begins_at = MomentField(label="Held from")
    ends_at = MomentField(label="Until", required=False)

    def __init__(self, *args: Any, addresses: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["address"].choices = [(each, each) for each in addresses]  # type: ignore[attr-defined]  # -- choices


class PartForm(forms.Form):
    """Rows, or a sheet, that were typed or pasted."""

    item = Chosen(label="Item")
    subject = forms.RegexField(
        label="Subscriber", regex=r"^[A-Z]\Z", required=False, help_text=_LETTER, error_messages=_ONE_LETTER
    )
    media_type = Chosen(
        label="What it is",
        choices=(
            ("text/csv", "A table: every row about an address is compared"),
            ("text/plain", "A sheet: a person compares it"),
        ),
    )
    content = forms.CharField(
        label="Rows",
        max_length=2_000_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="Of a table the first line names the columns item, address, at and others, in small letters; at is a "
        "time with its offset, such as 2026-11-02T09:00Z.",
    )

    def __init__(self, *args: Any, items: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [(each, dataitems.label(each)) for each in items]  # type: ignore[attr-defined]  # -- choices

    def data_typed(self) -> bytes:
        """Return the typed text as bytes, with one kind of line end."""
        return str(self.cleaned_data["content"]).replace("\r\n", "\n").encode()


class DocumentForm(forms.Form):
    """A document of the case that was taken out to be given."""

    document = Chosen(
        label="Document",
        coerce=int,
        help_text="Clean documents of the case of the kind “What was taken out, to be given”. It goes with our copy.",
    )
    item = Chosen(label="Item")
    subject = forms.RegexField(
        label="Subscriber", regex=r"^[A-Z]\Z", required=False, help_text=_LETTER, error_messages=_ONE_LETTER
    )

    def __init__(self, *args: Any, items: list[str], documents: Sequence[Evidence], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [(each, dataitems.label(each)) for each in items]  # type: ignore[attr-defined]  # -- choices
        self.fields["document"].choices = [(each.number, _called(each)) for each in documents]  # type: ignore[attr-defined]  # -- choices


def _called(document: Evidence) -> str:
    kind = next((each.label for each in TYPES if each.media_type == document.media_type), document.media_type)
    return f"Document {document.number}: {kind}, {filesizeformat(document.size)}, SHA-256 {document.sha256[:12]}…"
