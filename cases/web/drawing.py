"""Draws the small parts of a form: each box, choice and line to type in.

A page has dozens of them, and Django's templates include three others for each, which took a tenth of a case's page.
What is drawn is what those templates say, letter for letter; whatever has a template of its own is drawn by that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import TemplatesSetting
from django.utils.html import conditional_escape

__all__ = ["ByHand"]

Widget = Mapping[str, Any]
# What is too long is refused with a sentence. Told of the limit, a browser cuts what is pasted without a word.
UNTOLD = "maxlength"


def _attributes(widget: Widget) -> str:
    return "".join(
        f" {name}" if value is True else f' {name}="{conditional_escape(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False and name != UNTOLD
    )


def _input(widget: Widget) -> str:
    value = widget["value"]
    shown = "" if value is None else f' value="{conditional_escape(value)}"'
    return f'<input type="{widget["type"]}" name="{conditional_escape(widget["name"])}"{shown}{_attributes(widget)}>'


def _textarea(widget: Widget) -> str:
    typed = conditional_escape(widget["value"] or "")
    return f'<textarea name="{conditional_escape(widget["name"])}"{_attributes(widget)}>\n{typed}</textarea>'


def _option(option: Widget) -> str:
    value, label = conditional_escape(option["value"]), conditional_escape(option["label"])
    return f'\n  <option value="{value}"{_attributes(option)}>{label}</option>\n'


def _select(widget: Widget) -> str:
    drawn = []
    for heading, options, _ in widget["optgroups"]:
        inner = "".join(map(_option, options))
        label = conditional_escape(heading)
        drawn.append(f'\n  <optgroup label="{label}">{inner}\n  </optgroup>' if heading else inner)
    return f'<select name="{conditional_escape(widget["name"])}"{_attributes(widget)}>{"".join(drawn)}\n</select>'


INPUTS = ("text", "date", "number", "email", "tel", "hidden", "checkbox", "checkbox_option", "radio_option")
BY_HAND: Mapping[str, Callable[[Widget], str]] = {
    **{f"django/forms/widgets/{name}.html": _input for name in INPUTS},
    "django/forms/widgets/textarea.html": _textarea,
    "django/forms/widgets/select.html": _select,
}


class ByHand(TemplatesSetting):
    """Draws forms by the project's templates, and what they have most of without them."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        """Return the text of one part of a form."""
        draw = BY_HAND.get(template_name)
        if draw is None or context["widget"].get("wrap_label"):
            return str(super().render(template_name, context, request=request))
        return draw(context["widget"])
