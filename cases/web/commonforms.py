"""Forms of the moves that every kind of case has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from cases.kernel import holdkinds
from cases.kernel.models import Case

__all__ = ["COMMON_FORMS", "MergeForm"]


class MergeForm(forms.Form):
    """Into which case this one is merged. Whether the person may see that case is asked by the step itself."""

    into = forms.CharField(
        label="Reference of the case that stays",
        max_length=24,
        help_text="This case closes and its reference leads there. People and documents stay where they are.",
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

    def inputs(self) -> dict[str, Any]:
        """Return the other case as the step takes it; an unknown reference names none."""
        typed = self.cleaned_data["into"].strip()
        found = Case.objects.filter(reference__iexact=typed, kind=self.case.kind).first()
        return {"into": str(found.uid) if found else "", "reference": typed.upper()}

    @staticmethod
    def shown(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Say what was typed to whoever agrees."""
        return [("Into", str(inputs.get("reference", "")))]


class ReleaseForm(forms.Form):
    """Which hold is released; typed on the page of holds."""

    hold = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case

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
        return [("Hold", str(inputs.get("label", ""))), ("In force since", f"{since:%-d %B %Y}" if since else "")]


COMMON_FORMS: Mapping[str, type] = {"merge": MergeForm, "release_hold": ReleaseForm}
