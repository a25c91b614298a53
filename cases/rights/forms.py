"""What people type about a rights request and about the person whose right it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from cases.kernel import calendars
from cases.kernel.forms.plainforms import DAY, Chosen, PersonForm, PlainForm, StepForm, is_recent, needed_when
from cases.kernel.office.codelists import CodeField
from cases.rights import codes, erasing, recipients, restricting

__all__ = ["ActForm", "FactsForm", "IdentityForm", "PartyForm", "RefuseForm"]

_CHOOSE = ("", "Choose")
_COPY = (
    "How the copy was given",
    "The newest copy that was made: its data file is for other systems. Nothing where nothing is held.",
)
_RESTRICTED = (
    "Each is held: what it says is kept, and nothing is filed, placed, sold, reported or erased. Whoever was told by "
    "it hears of a restriction."
)
_WHY_UNCHANGED = (
    "Where nothing needs changing, write why: it is printed in the letter to them as you write it. Name nobody else."
)


class FactsForm(PlainForm):
    """Which right, how and when it reached us. A day to come is refused."""

    right = Chosen(label="What they ask", choices=codes.RIGHTS)
    came_by = CodeField(label="Reached us by", codes=codes.CAME_BY)
    received_date = forms.DateField(
        label="Received on",
        required=False,
        widget=DAY,
        validators=[is_recent],
        help_text="The month counts from this day. Empty: today.",
    )
    channels = forms.MultipleChoiceField(
        label="Channels",
        choices=codes.CHANNELS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="For marketing and consent only. None chosen means all of them.",
    )
    purposes = forms.MultipleChoiceField(
        label="Purposes they agree to",
        choices=codes.PURPOSES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="For a consent only.",
    )
    wording_version = forms.CharField(
        label="Wording they saw", max_length=20, required=False, help_text="Version of the text, for example 2026-02."
    )
    wording = forms.CharField(
        label="In their words", max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        day = cleaned.pop("received_date", None)
        if day:
            # Of which hour nobody knows: a consent counts from the first, so that no stop of that day loses against it.
            is_consent = cleaned.get("right") == codes.GIVE_CONSENT
            cleaned["received_at"] = calendars.start_of_day(day) if is_consent else calendars.end_of_day(day)
        if cleaned.get("right") == codes.GIVE_CONSENT and not cleaned.get("purposes"):
            self.add_error("purposes", "Choose what they agree to.")
        if cleaned.get("right") == codes.GIVE_CONSENT and not cleaned.get("wording_version"):
            self.add_error("wording_version", "Write which wording they agreed to.")
        return cleaned


class PartyForm(PersonForm):
    """The person whose right it is, or whoever acts for them. They need be no customer."""

    role = Chosen(label="Role", choices=codes.ROLES)
    alias = forms.CharField(
        label="Also known as",
        max_length=80,
        required=False,
        help_text="A first name under which they have an account with us.",
    )
    account_reference = forms.CharField(label="Account with us", max_length=40, required=False)


class IdentityForm(StepForm):
    """How the person showed who they are."""

    how = forms.ChoiceField(
        label="How",
        choices=[_CHOOSE, *codes.IDENTITY],
        help_text="Record it last: once somebody is joined with them, or they are corrected, it counts no more and has "
        "to be recorded anew.",
    )


class ActForm(StepForm):
    """What was done. A stop or a consent asks nothing: it counts already."""

    outcome = forms.ChoiceField(
        label="What came of it",
        choices=[_CHOOSE, *codes.OUTCOMES],
        help_text="A data protection officer has to agree where not all of it is done.",
    )
    answer = forms.CharField(
        label="What was done, and where", max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )
    given_how = forms.ChoiceField(
        label="How the pack was given",
        choices=[_CHOOSE, *codes.GIVEN],
        required=False,
        help_text="The newest pack that was made. Nothing to give where nothing is held.",
    )
    given_proof = forms.CharField(
        label="What proves it",
        max_length=60,
        required=False,
        help_text="The number of the recorded item, or who saw it handed over.",
    )
    kept_because = forms.ChoiceField(
        label="Why the rest is not done",
        choices=[_CHOOSE, *codes.KEPT_BECAUSE],
        required=False,
        help_text="The letter gives this ground.",
    )
    erased = forms.MultipleChoiceField(
        label="Erase all of these matters",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="A data protection officer has to agree. It cannot be undone. The page of the request says what "
        "keeps the others.",
    )
    changed_in = forms.MultipleChoiceField(
        label="Changed in these matters",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Whoever was told by a matter named here hears of the change. Leave out what stands as it was.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        right = self.case.rights_request.right
        if right in codes.CHANGES:
            del self.fields["outcome"], self.fields["answer"], self.fields["kept_because"]
        else:
            needed_when(self, "where it is done in part", "kept_because")
        if right == codes.RECTIFY:
            self.fields["answer"].help_text = _WHY_UNCHANGED
        elif "outcome" in self.fields:
            fitting = [each for each in codes.OUTCOMES if each[0] != codes.UNCHANGED]
            self.fields["outcome"].choices = [_CHOOSE, *fitting]  # type: ignore[attr-defined]  # -- choices
        self._ask_how_it_was_given(right)
        matters = erasing.matters(self.case) if right == codes.ERASE else []
        free = [each for each in matters if not each.why_kept]
        if free:
            self.fields["erased"].choices = [(str(each.case.uid), each.label) for each in free]  # type: ignore[attr-defined]  # -- choices
        else:
            del self.fields["erased"]
        changed = self.fields["changed_in"]
        if right in codes.STOPS_USE:
            changed.label, changed.help_text = "Stop the use in these matters", _RESTRICTED
        if offered := restricting.offered(self.case):
            labels = {str(row.case.uid): restricting.name_of(row) for row in offered}
            self.fields["changed_in"].choices = [*labels.items(), (recipients.NONE, "In none of them")]  # type: ignore[attr-defined]  # -- choices
        else:
            del self.fields["changed_in"]

    def _ask_how_it_was_given(self, right: str) -> None:
        if right == codes.PORT:
            self.fields["given_how"].label, self.fields["given_how"].help_text = _COPY
        if right not in (codes.ACCESS, codes.PORT):
            del self.fields["given_how"], self.fields["given_proof"]
        else:
            needed_when(self, "unless nothing is held", "given_how", "given_proof")

    def inputs(self) -> dict[str, Any]:
        """Return what was typed, with what the chosen matters are called, for whoever has to agree."""
        typed = super().inputs()
        for name in ("erased", "changed_in"):
            if chosen := typed.get(name):
                called = dict(self.fields[name].choices)  # type: ignore[attr-defined]  # -- choices
                typed[f"{name}_called"] = [str(called[each]) for each in chosen]
        return typed

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was typed to whoever agrees."""
        outcome, ground = str(inputs.get("outcome") or ""), str(inputs.get("kept_because") or "")
        return [
            ("What came of it", dict(codes.OUTCOMES).get(outcome, outcome)),
            ("Erase all of these matters, for good", "; ".join(_called(inputs, "erased"))),
            ("Why the rest is not done", dict(codes.REFUSALS).get(ground, ground)),
            ("Changed in these matters", "; ".join(_called(inputs, "changed_in"))),
            ("What was done, and where", str(inputs.get("answer") or "")),
        ]


def _called(inputs: Mapping[str, Any], name: str) -> list[str]:
    return [str(each) for each in inputs.get(f"{name}_called") or inputs.get(name) or ()]


class RefuseForm(StepForm):
    """Why it is refused. The words themselves are the reason of the step."""

    reason_code = forms.ChoiceField(label="Why", choices=[_CHOOSE, *codes.REFUSALS])
