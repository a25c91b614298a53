"""Numbers as people type and paste them, in text fields: what stands in a number field the mouse wheel changes."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms

__all__ = ["Number", "Pounds", "Whole"]

# A comma parts thousands and nothing else: "1,5" is refused, never read as fifteen.
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")


def _plain(value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else value
    return text.replace(",", "") if isinstance(text, str) and _GROUPED.fullmatch(text) else text


# Django's own sentences speak of a value to be ensured.
_SENTENCES = {
    "min_value": "Enter %(limit_value)s or more.",
    "max_value": "Enter %(limit_value)s or less.",
    "max_digits": "Enter a smaller number: no more than %(max)s digits.",
    "max_decimal_places": "Enter no more than %(max)s decimal places.",
    "max_whole_digits": "Enter a smaller number: no more than %(max)s digits before the point.",
}


def _text(inputmode: str) -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": inputmode, "autocomplete": "off"})


class Whole(forms.IntegerField):
    """A whole number, such as "1,299"."""

    default_error_messages: ClassVar[dict[str, Any]] = _SENTENCES

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": _text("numeric"), **kwargs})

    def to_python(self, value: Any) -> int | None:
        return super().to_python(_plain(value))


class Number(forms.DecimalField):
    """A number with decimals, such as "1,299.5"."""

    default_error_messages: ClassVar[dict[str, Any]] = _SENTENCES

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": _text("decimal"), **kwargs})

    def to_python(self, value: Any) -> Any:
        return super().to_python(_plain(value))


class Pounds(Number):
    """An amount in pounds with at most two decimals, such as "£1,299.50". The sign may be left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"decimal_places": 2, **kwargs})

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.strip().removeprefix("£") if isinstance(value, str) else value)
