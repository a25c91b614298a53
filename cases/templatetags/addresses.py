"""The addresses of a page, put together without Django's table for most of them: a case's page has fifty."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import template
from django.template import defaulttags
from django.template.base import Parser, Token
from django.template.context import Context

from cases.web import addresses

register = template.Library()


class Address(defaulttags.URLNode):
    """An address without an argument, or whose first one is a case; Django puts any other together."""

    def render(self, context: Context) -> Any:
        name, (uid, *more) = self.view_name.var, [each.resolve(context) for each in self.args] or [None]
        if not self.args:
            return addresses.page(name)
        if isinstance(uid, UUID) and all(isinstance(each, str | int) for each in more):
            return addresses.of_case(name, uid, *more)
        return super().render(context)


@register.tag
def url(parser: Parser, token: Token) -> defaulttags.URLNode:
    """Write an address, as Django's own tag does; that one alone looks for an address that may not be there."""
    node = defaulttags.url(parser, token)
    is_plain = isinstance(node.view_name.var, str) and not node.kwargs and not node.asvar
    return Address(node.view_name, node.args, {}, None) if is_plain else node
