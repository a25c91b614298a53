"""The form base of a kind of office change: its own fields, and why."""

from __future__ import annotations

from typing import Any

from django import forms

from cases.kernel.actors import Actor

__all__ = ["ChangeForm"]


class ChangeForm(forms.Form):
    """Gives a kind its page. Fields named as the payload is; `initial` is what the address says after the question
    mark, so that a register page can link to a filled form."""

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
