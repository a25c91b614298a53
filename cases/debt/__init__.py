"""Debts: what may be handed to a recovery agency, and what stops it.

Who receives: a debt-recovery agency, processor or controller by its contract. Legal basis: UK GDPR Art 6(1)(b) and (f).
Deadline: none to place; a moratorium is passed on at once (SI 2020/1311 reg 12). Retention: 6 years from the close.
"""
