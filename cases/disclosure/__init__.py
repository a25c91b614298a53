"""Disclosures: what the firm tells police and other public authorities about its customers, because the law asks it to.

Who receives: the single point of contact of a public authority, a court, or a party to a civil case. Legal basis: UK
GDPR Art 6(1)(c) for authorisations, notices and orders (Investigatory Powers Act 2016 Part 3, PACE 1984 Sch 1 and
others); Art 6(1)(ea) or (f) for what is given freely, which is never communications data. Deadlines: the grade of the
request and K01 to K09. Retention: 3 years from the end. Telling the customer that a request exists is an offence
(s.82), so nobody outside the compartment may learn of one.
"""
