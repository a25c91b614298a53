"""What people type about a link: the declaration, the two people, and what each step asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from cases.association import codes, proof
from cases.kernel.forms.plainforms import DAY, Chosen, PersonForm, PlainForm, StepForm

__all__ = [
    "BreakForm",
    "ChallengeForm",
    "CorrectedForm",
    "DismissForm",
    "FactsForm",
    "PartyForm",
    "RefuseBreakForm",
    "SignpostForm",
]

_CENTURY = (MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2099, 12, 31)))


class FactsForm(PlainForm):
    """The declaration, and how the other person's agreement is known."""

    basis = Chosen(label="Basis of the link", choices=codes.BASES)
    channel = Chosen(label="Declared by", choices=codes.CHANNELS)
    has_agreement = forms.BooleanField(
        label="The other person agrees",
        error_messages={"required": "A link is declared only with the other person's agreement. Ask for it first."},
    )
    agreement_kind = Chosen(
        label="How their agreement is known",
        choices=codes.AGREEMENTS,
        help_text="Before a second person confirms, the document that shows it is attached.",
    )
    agreed_date = forms.DateField(label="Agreed on", required=False, widget=DAY, validators=_CENTURY)
    may_write_to_other = forms.BooleanField(
        label="The other person holds a joint account with us, or asked to be told",
        required=False,
        help_text="Then they get a letter of their own. Neither letter says where the other lives.",
    )
    declaration = forms.CharField(
        label="What was declared", max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    account_reference = forms.CharField(label="Joint account", max_length=40, required=False)


class PartyForm(PersonForm):
    """One of the two people, and where they live."""

    is_innocent = False
    role = Chosen(label="Side of the link", choices=codes.ROLES)
    middle_name = forms.CharField(label="Middle names", max_length=80, required=False)
    account_reference = forms.CharField(label="Account with us", max_length=40, required=False)


class _StepForm(StepForm):
    """What one step asks for, and the words of its codes."""

    labels: Mapping[str, Mapping[str, str]] = {}


def _received() -> forms.DateField:
    return forms.DateField(
        label="Came in on",
        required=False,
        widget=DAY,
        validators=_CENTURY,
        help_text="The month for the answer counts from this day. Empty: today.",
    )


def _wants_home() -> forms.BooleanField:
    return forms.BooleanField(
        label="The other person wants the answer at their address in this case",
        required=False,
        help_text="Ask them: whoever declared the link gave that address, and may live there. Without a yes somebody "
        "writes to them by hand.",
    )


class ChallengeForm(_StepForm):
    """The other person says that they never agreed."""

    how = Chosen(label="Came in by", choices=codes.CHANNELS)
    received_date = _received()
    words = forms.CharField(
        label="What the other person says", max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    wants_home = _wants_home()


class DismissForm(_StepForm):
    """Which document shows that the other person did agree."""

    evidence = Chosen(label="Document that shows the agreement")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = codes.EVIDENCE_KINDS.labels()
        rows = sorted(proof.shown(self.case.evidence.all()), key=lambda each: each.number)
        self.fields["evidence"].choices = [  # type: ignore[attr-defined]  # -- a choice field
            (str(each.number), f"Document {each.number}: {kinds.get(each.kind, each.kind)}") for each in rows
        ]


class BreakForm(_StepForm):
    """Which of the two asks to break the link, and how we know that it is them."""

    asked_by = Chosen(label="Who asks", choices=codes.ROLES)
    identity_check = Chosen(label="Identity checked by", choices=codes.IDENTITY_CHECKS)
    how = Chosen(label="Came in by", choices=codes.CHANNELS)
    received_date = _received()
    words = forms.CharField(
        label="What they say", max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    wants_home = _wants_home()


class _ExposureForm(_StepForm):
    exposure = Chosen(label="What is jointly open")

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was found to whoever agrees."""
        code = str(inputs.get("exposure", ""))
        return [("What is jointly open", dict(codes.EXPOSURES).get(code, code))]


class RefuseBreakForm(_ExposureForm):
    """What is still jointly open, for which the break is refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        open_ones = [pair for pair in codes.EXPOSURES if pair[0] != codes.NO_EXPOSURE]
        self.fields["exposure"].choices = open_ones  # type: ignore[attr-defined]  # -- a choice field


class SignpostForm(_ExposureForm):
    """That nothing joint is open, here or with another brand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [("", "Look first, then say"), *codes.EXPOSURES[:1]]
        self.fields["exposure"].choices = found  # type: ignore[attr-defined]  # -- a choice field


class CorrectedForm(_StepForm):
    """Why an agency did not confirm the removal, where one did not."""

    why_silent = forms.CharField(
        label="Why an agency did not confirm, if one did not",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
