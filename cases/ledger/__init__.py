"""The ledger: who did what, sealed values, and proof that neither was altered afterwards.

A library that knows no case. Writers call `cases.ledger.api.action`, readers `cases.ledger.sealing.open_rows`;
PostgreSQL itself (migration 0002) refuses what goes past them.
"""
