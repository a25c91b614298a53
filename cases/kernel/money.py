"""How an amount is written, wherever one is read: a page, a letter, a report, a task."""

__all__ = ["pounds"]


def pounds(pence: int) -> str:
    """Write pence as pounds, such as £1,299.50; of less than nothing a minus sign comes first."""
    whole, rest = divmod(abs(pence), 100)
    return f"{'−' if pence < 0 else ''}£{whole:,}.{rest:02d}"
