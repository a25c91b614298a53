"""Credit reporting: each month every account as it was kept, the same to every credit reference agency.

Who receives: credit reference agencies. Legal basis: UK GDPR Art 6(1)(f). Deadline: once a month; an agency's report on
a file within 10 working days. Retention: 6 years.
"""
