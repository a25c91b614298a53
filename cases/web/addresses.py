"""Addresses of our own pages, put together once: a page has seventy of them, and Django reads its table for each."""

from __future__ import annotations

from functools import cache, lru_cache
from uuid import UUID

from django.urls import reverse

__all__ = ["of_case", "page"]

NO_CASE = UUID(int=0)


@cache
def page(name: str) -> str:
    """Return the address of a page that has no argument."""
    return reverse(name)


def of_case(name: str, uid: UUID, *more: str | int) -> str:
    """Return the address of a page of a case, whose first argument is the case; `more` are codes and small numbers."""
    before, after = _around(name, more)
    return f"{before}{uid}{after}"


@lru_cache(maxsize=4096)
def _around(name: str, more: tuple[str | int, ...]) -> list[str]:
    return reverse(name, args=[NO_CASE, *more]).split(str(NO_CASE))
