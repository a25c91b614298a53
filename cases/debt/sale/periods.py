"""How long a sale is kept."""

from __future__ import annotations

from cases.kernel.retention import RetentionClass

__all__ = ["RETENTION"]

RETENTION = (
    RetentionClass(
        code="debt_sale",
        label="Sale of debts",
        trigger="close",
        months=144,
        source="Retention schedule: pack, deed and notices of a sale 12 years; Limitation Act 1980 s.8",
    ),
    RetentionClass(
        code="sale_abandoned",
        label="Sale that was abandoned",
        trigger="close",
        months=12,
        source="Our own: nothing was sold, and nobody outside was told who it was about",
    ),
)
