"""What is asked for when the register of agencies is changed. The changes themselves are register.py's."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from django import forms

from cases.agencies import partnerkeys
from cases.agencies.addresses import AddressRefused, NotResolved, pin, scheme_of
from cases.agencies.partnerkeys import KeyRefused
from cases.kernel import notice
from cases.kernel.exchange import agencies
from cases.kernel.exchange.agreements import STATES, Terms
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import Agency
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Payload

__all__ = [
    "LABELS",
    "NOWHERE",
    "WAYS",
    "AddressForm",
    "AgencyForm",
    "FileKeysForm",
    "FilesForm",
    "FolderForm",
    "KeyEndForm",
    "KeyForm",
    "PartnerKeyEndForm",
    "PartnerKeyForm",
    "PauseForm",
    "ResumeForm",
    "TermsForm",
    "agency_of",
    "terms_state",
]

KINDS = sorted({**notice.RECIPIENTS, "processor": "Processors of partners"}.items(), key=lambda each: each[1])
WAYS = {"out": "Our messages to them", "in": "Their calls to us"}
NOWHERE = "Nothing would be sent to that address: it must be https, sftp, smtp or smtps, resolve, and be public."
LONG_AGO = datetime.min.replace(tzinfo=UTC)
ADDRESS_HELP = (
    "https://, sftp://user@server/folder for files, or smtp://mail-server/mailbox@partner for files by e-mail."
)
LABELS = {
    "state": "Standing",
    "contract_reference": "Contract",
    "contract_from_date": "Contract from",
    "contract_until_date": "Contract until",
    "contract_review_date": "Contract review",
    "sharing_reference": "Data-sharing agreement",
    "sharing_from_date": "Data sharing from",
    "sharing_until_date": "Data sharing until",
    "sharing_review_date": "Data-sharing review",
    "mailbox": "Role mailbox",
    "takes_chasers": "Takes reminders",
}


def agency_of(code: str) -> Agency | None:
    return Agency.objects.select_related("terms").filter(code=code).first()


def terms_state(payload: Payload) -> dict[str, Any]:
    agency = agency_of(payload["code"])
    row = getattr(agency, "terms", None)
    return {each.name: getattr(row, each.name) for each in fields(Terms)} if row else {}


def _refuse_nowhere(address: str, cidrs: list[str]) -> None:
    """Ask the resolver before anything is locked. Raises ValidationError."""
    try:
        pin(address, allowed_cidrs=cidrs, scheme=scheme_of(address))
    except (AddressRefused, NotResolved):
        raise forms.ValidationError(NOWHERE, code="nowhere") from None


def _agency_choices() -> list[tuple[str, str]]:
    return list(Agency.objects.order_by("display_name").values_list("code", "display_name"))


class AgencyForm(ChangeForm):
    """A further agency, not yet active."""

    code = forms.SlugField(label="Code", max_length=40, help_text="Small letters and hyphens. Never changes.")
    kind = Chosen(label="Kind", choices=KINDS)
    display_name = forms.CharField(label="Name", max_length=80)
    country = forms.RegexField(r"^[A-Z]{2}\Z", label="Established in", initial="GB", help_text="Two capital letters.")
    address = forms.CharField(label="Address of its messages", max_length=400, help_text=ADDRESS_HELP)

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        _refuse_nowhere(address, [])
        return address


class TermsForm(ChangeForm):
    """Standing, agreements and contact."""

    code = Chosen(label="Agency", choices=_agency_choices)
    state = Chosen(label=LABELS["state"], choices=[(each, each.capitalize()) for each in STATES])
    contract_reference = forms.CharField(label=LABELS["contract_reference"], max_length=60, required=False)
    contract_from_date = forms.DateField(label=LABELS["contract_from_date"], required=False)
    contract_until_date = forms.DateField(label=LABELS["contract_until_date"], required=False)
    contract_review_date = forms.DateField(label=LABELS["contract_review_date"], required=False)
    sharing_reference = forms.CharField(label=LABELS["sharing_reference"], max_length=60, required=False)
    sharing_from_date = forms.DateField(label=LABELS["sharing_from_date"], required=False)
    sharing_until_date = forms.DateField(label=LABELS["sharing_until_date"], required=False)
    sharing_review_date = forms.DateField(label=LABELS["sharing_review_date"], required=False)
    mailbox = forms.EmailField(label=LABELS["mailbox"], max_length=120, required=False, help_text="Names no person.")
    contact = forms.CharField(
        label="Contact", max_length=200, required=False, help_text="Sealed. Leave empty to keep the one that stands."
    )
    takes_chasers = forms.BooleanField(label=LABELS["takes_chasers"], required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agency = agency_of(str(self.initial.get("code", "")))
        if agency is not None:
            self.initial = {**terms_state({"code": agency.code}), **self.initial}


class AddressForm(ChangeForm):
    """Where its messages go."""

    code = Chosen(label="Agency", choices=_agency_choices)
    address = forms.CharField(label="Address of its messages", max_length=400, help_text=ADDRESS_HELP)

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        agency = agency_of(self.cleaned_data.get("code", ""))
        channel = agencies.channel_of(agency, "out") if agency else None
        _refuse_nowhere(address, list(channel.allowed_cidrs) if channel else [])
        return address


class FilesForm(ChangeForm):
    """Where files go to an agency that is told by message."""

    code = Chosen(label="Agency", choices=_agency_choices)
    address = forms.CharField(label="Address of its files", max_length=400, help_text=ADDRESS_HELP)

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        _refuse_nowhere(address, [])
        return address


class KeyForm(ChangeForm):
    """A further key of one way of talking."""

    code = Chosen(label="Agency", choices=_agency_choices)
    direction = forms.ChoiceField(label="For", choices=list(WAYS.items()), widget=forms.RadioSelect)


class KeyEndForm(ChangeForm):
    """The end of one live key."""

    code = Chosen(label="Agency", choices=_agency_choices)
    key_name = forms.CharField(label="Name of the key", max_length=40)


class FileKeysForm(ChangeForm):
    """Pairs of ours for an agency that exchanges files: one to sign in, one to sign and to open."""

    code = Chosen(label="Agency", choices=_agency_choices)


class FolderForm(ChangeForm):
    """Where an agency leaves files for us."""

    code = Chosen(label="Agency", choices=_agency_choices)
    folder = forms.RegexField(
        r"^(/[A-Za-z0-9._-]+)*\Z",
        label="Folder of its files for us",
        max_length=200,
        required=False,
        help_text="Such as /out, on the server of its address. Empty: nothing is fetched.",
    )


class PartnerKeyForm(ChangeForm):
    """A public key of an agency, as it was handed over."""

    code = Chosen(label="Agency", choices=_agency_choices)
    key_kind = forms.ChoiceField(label="Kind", choices=list(partnerkeys.KINDS.items()), widget=forms.RadioSelect)
    public = forms.CharField(
        label="Public key",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Compare its fingerprint with the agency by another way than the key came.",
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what is no such key. Whether it has ended is asked where it is entered, which knows the time."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            partnerkeys.read(cleaned.get("key_kind", ""), cleaned.get("public", ""), at=LONG_AGO)
        except KeyRefused as refusal:
            self.add_error("public", str(refusal))
        return cleaned


class PartnerKeyEndForm(ChangeForm):
    """The end of one public key of an agency."""

    code = Chosen(label="Agency", choices=_agency_choices)
    fingerprint = forms.CharField(label="Fingerprint", max_length=80)


class PauseForm(ChangeForm):
    """A pause of what is sent, until a day or until somebody resumes."""

    code = Chosen(label="Agency", choices=_agency_choices)
    until_date = forms.DateField(label="Until", required=False, help_text="Empty: until somebody resumes it.")


class ResumeForm(ChangeForm):
    """The end of a pause."""

    code = Chosen(label="Agency", choices=_agency_choices)
