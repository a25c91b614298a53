"""The icons of the `lucide` package. A page shows some eighty; each is drawn once and then kept as text."""

from __future__ import annotations

from functools import lru_cache

from django import template
from lucide.templatetags import lucide as drawn

register = template.Library()


@lru_cache(maxsize=1024)
def _drawn(name: str, size: int | None, attributes: tuple[tuple[str, str], ...]) -> str:
    text: str = drawn.lucide(name, size=size, **dict(attributes))
    return text


@register.simple_tag
def lucide(name: str, *, size: int | None = 24, **attributes: object) -> str:
    """Draw an icon as inline SVG. What an attribute says is escaped when it is drawn."""
    return _drawn(str(name), size, tuple(sorted((key, str(value)) for key, value in attributes.items())))
