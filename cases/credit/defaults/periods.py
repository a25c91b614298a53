"""How long a default waits for what, and how long it is kept."""

from __future__ import annotations

from cases.kernel.retention import RetentionClass

__all__ = ["NOTICE", "ON_FILE", "RETENTION"]

NOTICE, ON_FILE = "k20_notice_of_default", "k21_default_on_file"
RETENTION = (
    RetentionClass(
        code="credit_default",
        label="Default and its notices",
        trigger="close",
        months=72,
        source="Retention schedule: what credit agencies were told and proofs of notices, 6 years",
    ),
)
