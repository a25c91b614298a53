"""Malicious and nuisance calls traced for a subscriber, from provider to provider.

Legal basis: PECR 2003 reg 15: the provider overrides the withholding of a number where it is satisfied that this is
necessary and expedient, and gives what it found to a person with a legitimate interest. That is the police or a
provider: whoever complains is never told who called. Deadline: five working days for the answer of each provider.
Retention: 12 months from the end.
"""
