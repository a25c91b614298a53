"""Which accounts a pool is made of: a selection by what billing tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import QuerySet

from cases.accounts.models import Account
from cases.accounts.reading import PRODUCTS
from cases.kernel import money
from cases.kernel.calendars import JURISDICTIONS

__all__ = ["CONDITIONS", "day_in_words", "in_words", "selected"]

# What a selection may say, and the column of an account that it is about.
CONDITIONS = {
    "products": "product__in",
    "jurisdictions": "jurisdiction__in",
    "balance_from": "balance_pence__gte",
    "balance_to": "balance_pence__lte",
    "unpaid_until": "oldest_unpaid_date__lte",
    "defaulted_from": "default_date__gte",
    "defaulted_until": "default_date__lte",
}


def selected(selection: Mapping[str, Any]) -> QuerySet[Account]:
    """Return the accounts of a selection, whatever stops them."""
    return Account.objects.filter(**{CONDITIONS[name]: value for name, value in selection.items()})


def day_in_words(text: str) -> str:
    """Return an ISO day as people write it."""
    return f"{date.fromisoformat(text):%-d %B %Y}"


def in_words(selection: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a selection says, as label and value."""
    words = {
        "products": ("Products", lambda codes: ", ".join(PRODUCTS[code] for code in codes)),
        "jurisdictions": ("Parts of the country", lambda codes: ", ".join(JURISDICTIONS[code][1] for code in codes)),
        "balance_from": ("Owed from", money.pounds),
        "balance_to": ("Owed up to", money.pounds),
        "unpaid_until": ("Oldest unpaid bill up to", day_in_words),
        "defaulted_from": ("Default from", day_in_words),
        "defaulted_until": ("Default up to", day_in_words),
    }
    return [(label, said(selection[name])) for name, (label, said) in words.items() if name in selection]
