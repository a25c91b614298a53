"""The refusals every part of the ledger shares; narrower ones live beside what raises them."""


class LedgerError(Exception):
    """What was asked would leave the ledger untrue; nothing may be committed."""
