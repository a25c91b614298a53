"""Checks for banks and other providers: whether the SIM of a number was changed, and nothing else about anybody.

Who receives: a partner with whom an agreement is in force, for the purposes and fields it names, at its rate. Legal
basis: UK GDPR Art 6(1)(f), on a legitimate interests assessment; neither traffic nor location data is given (PECR 2003
regs 7, 14). Every query is kept, answered or not. Deadline: the answer is in the reply. Retention: 12 months.
"""
