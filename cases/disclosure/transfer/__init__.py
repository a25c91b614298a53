"""Transfers out of the United Kingdom: who proposes to send people's data to a recipient abroad, and who lets them.

Who receives: the recipient of the case, in its country. Legal basis: UK GDPR Arts 44 to 49, as in force since 5
February 2026. Deadline: the review date; past it nothing is sent. Retention: 6 years from the lapse. Until
the data protection officer has approved, nothing is sent there: neither promised nor, if promised before, sent.
"""
