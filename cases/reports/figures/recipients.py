"""To whom anonymous figures may go and what for: code lists, since both are kept in clear for as long as the record is.

A name that somebody typed would stand there for twelve years. Releases of before there were lists hold text; it is read
as it stands.
"""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["RECIPIENTS", "USES", "recipient", "use"]

RECIPIENTS = CodeList(
    "figures_recipient",
    "Figures: organisations that are given them",
    (
        ("communications_regulator", "The regulator of communications"),
        ("data_protection_reg", "The data protection regulator"),
        ("statistics_office", "The office of national statistics"),
        ("trade_body", "The trade body of providers"),
        ("parliament", "A committee of Parliament"),
        ("public", "Everybody: on our web site"),
    ),
    is_open=True,
)
USES = CodeList(
    "figures_use",
    "Figures: what they are given for",
    (
        ("official_statistics", "Official statistics"),
        ("regulators_enquiry", "An enquiry of a regulator"),
        ("yearly_report", "A yearly report"),
        ("research", "Research"),
        ("press", "A question of the press"),
    ),
    is_open=True,
)


def recipient(text: str) -> str:
    """Return in words to whom a release goes: by its code, or what was typed of old."""
    return RECIPIENTS.labels().get(text, text)


def use(text: str) -> str:
    """Return in words what a release is for: by its code, or what was typed of old."""
    return USES.labels().get(text, text)
