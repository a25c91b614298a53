"""How a page names an icon. What it looks like is made in `cases/web/icons.py`."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.template.base import FilterExpression, Node, Parser, TextNode, Token, Variable
from django.template.context import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

# Pixels of most icons: the style sheet has a class for every other size.
USUAL = 16


@register.tag
def lucide(parser: Parser, token: Token) -> Node:
    """Draw an icon: an empty element, so that nothing is heard of it unless an attribute says what it means. One that
    the template names itself is drawn when that is read."""
    node = _asked.tags["lucide"](parser, token)
    return node if any(map(_is_open, [*node.args, *node.kwargs.values()])) else TextNode(node.render(Context()))


def _is_open(given: FilterExpression) -> bool:
    return isinstance(given.var, Variable) and given.var.literal is None


def _icon(name: str, *, size: int = 24, **attributes: object) -> SafeString:
    return _drawn(str(name), size, tuple(attributes.items()))


_asked = template.Library()
_asked.simple_tag(_icon, name="lucide")


@lru_cache(maxsize=1024)
def _drawn(name: str, size: int, attributes: tuple[tuple[str, object], ...]) -> SafeString:
    said = format_html_join("", ' {}="{}"', ((key.replace("_", "-"), value) for key, value in attributes))
    return format_html('<i class="i-{}{}"{}></i>', name, "" if size == USUAL else f" s{size}", said)
