"""Addresses of our own pages, put together once: a page has seventy of them, and Django reads its table for each."""

from __future__ import annotations

from functools import cache
from uuid import UUID

from django.urls import reverse

__all__ = ["of_case", "page"]

NO_CASE = UUID(int=0)


@cache
def page(name: str) -> str:
    """Return the address of a page that has no argument."""
    return reverse(name)


def of_case(name: str, uid: UUID) -> str:
    """Return the address of a page of a case whose one argument is the case."""
    before, after = _around(name)
    return f"{before}{uid}{after}"


@cache
def _around(name: str) -> list[str]:
    return reverse(name, args=[NO_CASE]).split(str(NO_CASE))
