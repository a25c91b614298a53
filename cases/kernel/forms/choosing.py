"""A choice that nobody made beforehand."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

__all__ = ["Chosen"]

_OFFERED: Any = forms.ChoiceField.choices  # the property itself


class Chosen(forms.TypedChoiceField):
    """A choice that nobody made beforehand: "Choose" stands first, and is refused where the field is required.

    `none` says what leaving it means where it may be left. Choices with an entry for none of their own keep that one.
    """

    default_error_messages: ClassVar[dict[str, Any]] = {"required": "Choose one. Nothing is chosen beforehand."}

    def __init__(self, *, none: str = "Choose", **kwargs: Any) -> None:
        self.none = none
        super().__init__(**kwargs)

    def _offer(self, value: Any) -> None:
        options = value if callable(value) else lambda: value
        _OFFERED.fset(self, lambda: self._none_first(list(options())))

    def _none_first(self, options: list[Any]) -> list[Any]:
        return options if any(code == "" for code, _ in options) else [("", self.none), *options]

    choices: Any = property(_OFFERED.fget, _offer)
