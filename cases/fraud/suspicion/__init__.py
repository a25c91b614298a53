"""Suspicion reports: telling the financial intelligence unit of suspected money laundering, and nobody else.

Who receives: the financial intelligence unit. Legal basis: UK GDPR Art 6(1)(c); Proceeds of Crime Act 2002 ss.337 and
338. Deadline: as soon as practicable; a defence is decided within 7 working days, or deemed given (s.335), and a
refusal holds for 31 days. Retention: 5 years. Nobody outside the compartment may learn that a report exists (ss.333A
and 342): no letter, no trace in another case, no reason on a refusal.
"""
