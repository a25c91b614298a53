"""Malicious and nuisance calls traced for a subscriber, from provider to provider.

Legal basis: PECR 2003 reg 15: the provider overrides the withholding of a number where it is satisfied that this is
necessary and expedient. Whoever complains is never told who called. Deadline: the answer of the next provider.
Retention: 12 months from the end. The passing of a result to the police is not built yet: it waits in `result_held`.
"""
