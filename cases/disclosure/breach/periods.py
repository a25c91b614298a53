"""How long a breach may wait to be told and how long it is kept. K09 holds for every kind: it stands in the kernel's
own table."""

from __future__ import annotations

from cases.kernel.retention import RetentionClass

__all__ = ["RETENTION", "TELL"]

TELL = "k09_breach"
RETENTION = (
    RetentionClass(
        code="breach",
        label="Personal data breach",
        trigger="closure",
        months=60,
        source="Retention schedule: breach, 5 years",
    ),
)
