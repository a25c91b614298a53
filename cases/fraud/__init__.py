"""Fraud referrals: telling the fraud prevention agency that somebody defrauded us, or was impersonated.

Who receives: a fraud prevention agency. Legal basis: UK GDPR Art 6(1)(f) with a legitimate-interest assessment, or
6(1)(ea) with Annex 1 paragraph 5 (then no solely automated refusal); criminal-offence data under DPA 2018 Sch 1
paragraphs 10 and 14 with an appropriate policy document. Deadline: none to file; a removal goes out within one
working day. Retention: adverse filing at most 6 years, victim of impersonation 13 months, not filed 12 months.
"""
