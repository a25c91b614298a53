"""Financial associations: a link between two people that one declares and the other agrees to.

Told to every credit reference agency, each of which keeps, breaks or removes it by itself. Legal basis: legitimate
interests, UK GDPR Art 6(1)(f). Evidence is kept for 12 months after the end, that there was a link for 6 years.
"""
