"""Nobody types a query: a partner's system asks it. These forms have its shape for the pages that every kind has."""

from __future__ import annotations

from cases.kernel.forms.lightforms import LightForm

__all__ = ["FactsForm", "PartyForm"]


class FactsForm(LightForm):
    """Has no field: what was asked is never changed."""


class PartyForm(LightForm):
    """Has no field: whose number it was asked about is never changed."""
