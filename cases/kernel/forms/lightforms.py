"""Forms that many bodies come through: each use copies fields at a fraction of what Django's way of copying takes, and
what a body leaves out is not looked at one by one."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError

__all__ = ["LightForm"]

Thing = TypeVar("Thing")
MISSING = object()


class LightForm(forms.Form):
    """Does what Django's own form does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        vars(self)["base_fields"] = _Fields(type(self).base_fields)  # Django copies what it finds under this name
        super().__init__(*args, **kwargs)

    def _clean_fields(self) -> None:
        """Clean every field as Django does; of a body, which is a plain mapping, those it leaves out have the value of
        an empty one."""
        is_body = type(self.data) is dict and not self.prefix and not self.files
        own = type(self).base_fields
        for name, field in self.fields.items():
            if is_body and name not in self.data and not (field.required or field.disabled):
                empty = _empty(type(self), name) if type(field) is type(own.get(name)) else MISSING
                if empty is not MISSING:
                    self.cleaned_data[name] = [*empty] if isinstance(empty, list) else empty
                    continue
            try:
                self.cleaned_data[name] = field._clean_bound_field(self[name])  # type: ignore[attr-defined]
                if hasattr(self, f"clean_{name}"):
                    self.cleaned_data[name] = getattr(self, f"clean_{name}")()
            except ValidationError as error:
                self.add_error(name, error)


@lru_cache(maxsize=2048)
def _empty(form: type[forms.Form], name: str) -> Any:
    """Return what a field is worth that nothing was given for; MISSING where that is not always the same."""
    field = form.base_fields.get(name)
    if field is None or field.required or hasattr(form, f"clean_{name}"):
        return MISSING
    try:
        return copy.deepcopy(field).clean(field.widget.value_from_datadict({}, {}, name))
    except ValidationError:
        return MISSING


class _Fields(dict[str, forms.Field]):
    """The fields of a class, which Django copies for each form."""

    def __deepcopy__(self, memo: object) -> dict[str, forms.Field]:
        return {name: _field(field) for name, field in self.items()}


_PLAIN_FIELD, _CHOICE_FIELD = forms.Field.__deepcopy__, forms.ChoiceField.__deepcopy__
_PLAIN_WIDGET, _CHOICE_WIDGET = forms.Widget.__deepcopy__, forms.Select.__deepcopy__


def _field(field: forms.Field) -> forms.Field:
    """Return what `copy.deepcopy` returns."""
    way = type(field).__deepcopy__
    if way is not _PLAIN_FIELD and way is not _CHOICE_FIELD:
        return copy.deepcopy(field)
    made = _like(field)
    made.widget = _widget(field.widget)
    made.error_messages = {**field.error_messages}
    made.validators = [*field.validators]
    if isinstance(made, forms.ChoiceField):
        vars(made)["_choices"] = _own(vars(field)["_choices"])
    return made


def _widget(widget: forms.Widget) -> forms.Widget:
    way = type(widget).__deepcopy__
    if way is not _PLAIN_WIDGET and way is not _CHOICE_WIDGET:
        return copy.deepcopy(widget)
    made = _like(widget)
    made.attrs = {**widget.attrs}
    if way is _CHOICE_WIDGET:
        vars(made)["_choices"] = _own(vars(widget)["_choices"])
    return made


def _own(choices: Any) -> Any:
    return [*choices] if isinstance(choices, list) else choices


def _like(thing: Thing) -> Thing:
    made = object.__new__(type(thing))
    vars(made).update(vars(thing))
    return made
