"""Customer accounts as billing tells of them: whose, how much, since when. Only billing feeds them.

Who receives: nobody; what leaves is a release of the family that sends it. Legal basis: UK GDPR Art 6(1)(b) and (f).
Deadline: none. Retention: 6 years from the end of the contract or from the default, whichever is later.
"""
