"""Forms of the moves that every kind of case has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from cases.kernel import calendars, casetypes, holdkinds
from cases.kernel.forms.plainforms import StepForm
from cases.kernel.models import Case
from cases.web.wording import role_label, words

__all__ = ["COMMON_FORMS", "MergeForm"]


GOING = (("stays", "Stays here"), ("goes", "Goes to the new case"), ("both", "Is in both"))


class MergeForm(StepForm):
    """Into which case this one is merged. Whether the person may see that case is asked by the step itself."""

    into = forms.CharField(
        label="Reference of the case that stays",
        max_length=24,
        help_text="This case closes and its reference leads there. People and documents stay where they are.",
    )

    def inputs(self) -> dict[str, Any]:
        """Return the other case as the step takes it; an unknown reference names none."""
        typed = self.cleaned_data["into"].strip()
        found = Case.objects.filter(reference__iexact=typed, kind=self.case.kind).first()
        return {"into": str(found.uid) if found else "", "reference": typed.upper()}

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was typed to whoever agrees."""
        return [("Into", str(inputs.get("reference", "")))]


class ReleaseForm(StepForm):
    """Which hold is released; typed on the page of holds."""

    hold = forms.IntegerField(widget=forms.HiddenInput)

    def inputs(self) -> dict[str, Any]:
        """Return the hold as the step takes it, with its name for whoever agrees."""
        found = self.case.holds.filter(pk=self.cleaned_data["hold"]).first()
        return {
            "hold": self.cleaned_data["hold"],
            "label": holdkinds.shown_label(found.kind) if found else "",
            "since": found.began_at if found else None,
        }

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say which hold to whoever agrees."""
        since = inputs.get("since")
        return [
            ("Hold", str(inputs.get("label", ""))),
            ("In force since", f"{calendars.london_date(since):%-d %B %Y}" if since else ""),
        ]


class SplitForm(StepForm):
    """Who and what goes to a new case; typed on the page of splitting."""

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        casetype = casetypes.get(case.kind)
        for party in case.parties.filter(is_detached=False).order_by("number"):
            self.fields[f"person-{party.number}"] = forms.ChoiceField(
                label=f"Person {party.number}: {role_label(casetype, party.role)}", choices=GOING, initial="stays"
            )
        for document in case.evidence.order_by("number"):
            kind = dict(casetype.evidence_kinds).get(document.kind, words(document.kind))
            self.fields[f"document-{document.number}"] = forms.BooleanField(
                label=f"Copy document {document.number}: {kind}", required=False
            )

    def _chosen(self, group: str, *values: Any) -> list[int]:
        found = [name for name, value in self.cleaned_data.items() if value in values]
        return sorted(int(name.removeprefix(f"{group}-")) for name in found if name.startswith(f"{group}-"))

    def inputs(self) -> dict[str, Any]:
        """Return what goes as the step takes it."""
        return {
            "people": self._chosen("person", "goes"),
            "both": self._chosen("person", "both"),
            "documents": self._chosen("document", True),
        }

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what goes to whoever agrees."""
        told = (("people", "Goes: persons"), ("both", "In both: persons"), ("documents", "Copied: documents"))
        return [(label, ", ".join(map(str, inputs.get(name, ()))) or "none") for name, label in told]


class DetachForm(StepForm):
    """Which person is the wrong one; typed on the page of detaching."""

    person = forms.IntegerField(widget=forms.HiddenInput)

    def inputs(self) -> dict[str, Any]:
        """Return the person by number."""
        return {"person": self.cleaned_data["person"]}

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say which person to whoever agrees."""
        return [("Person", str(inputs.get("person", "")))]


COMMON_FORMS: Mapping[str, type] = {
    "merge": MergeForm,
    "release_hold": ReleaseForm,
    "split": SplitForm,
    "detach": DetachForm,
}
