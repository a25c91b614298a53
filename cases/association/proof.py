"""Which documents of a case show the other person's agreement: those that anybody could open who looks."""

from __future__ import annotations

from collections.abc import Iterable

from cases.kernel.evidence import custody, scanning
from cases.kernel.models import Evidence

__all__ = ["KIND", "shown", "why_not"]

KIND = "agreement"


def shown(documents: Iterable[Evidence]) -> list[Evidence]:
    """Return those that show the agreement, were found clean and are not erased. Reads nothing of documents loaded with
    `blob__key` and `case__key`."""
    return [each for each in documents if each.kind == KIND and why_not(each) is None]


def why_not(document: Evidence) -> str | None:
    """Return the sentence why a document shows nothing to whoever decides, or None."""
    if custody.is_erased(document):
        return "This document is erased."
    return scanning.why_not(document)
