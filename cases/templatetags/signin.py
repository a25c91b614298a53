"""What the pages of sign-in need to write: options for a security key, as text of an attribute."""

from __future__ import annotations

import json

from django import template
from django.core.serializers.json import DjangoJSONEncoder

__all__ = ["as_json"]

register = template.Library()


@register.filter
def as_json(value: object) -> str:
    """Return JSON text; the template escapes it like any other."""
    return json.dumps(value, cls=DjangoJSONEncoder)
