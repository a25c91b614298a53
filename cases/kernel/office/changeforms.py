"""The form base of a kind of office change: its own fields, and why."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.kernel.actors import Actor
from cases.kernel.forms.plainforms import Chosen
from cases.kernel.models import User

__all__ = ["ChangeForm", "PersonField"]


def _people() -> list[tuple[int, str]]:
    return list(User.objects.filter(is_active=True).order_by("display_name", "pk").values_list("pk", "display_name"))


class PersonField(Chosen):
    """One member of staff with access, as their id; or one of those that `choices` gives."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"choices": _people, "coerce": int, **kwargs})


class ChangeForm(forms.Form):
    """Gives a kind its page. Fields are named as the payload is; `initial` is what the address says after the question
    mark, so that a register page can link to a filled form. `hints` are sentences above the fields."""

    hints: tuple[str, ...] = ()

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        self.actor = actor
        super().__init__(*args, **kwargs)
        self.fields["reason"] = forms.CharField(
            label="Reason",
            widget=forms.Textarea(attrs={"rows": 3}),
            max_length=2000,
            help_text="Kept in the record; whoever decides reads it.",
        )

    def payload(self) -> dict[str, Any]:
        """Return what is proposed: the cleaned fields but the reason."""
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}
