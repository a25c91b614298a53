"""A debtor is in a moratorium: the debts it protects are left alone, and whoever advises the debtor is answered.

Who receives: the Insolvency Service and the adviser (an answer), a recovery agency (a stop), the buyer of a sold debt.
Legal basis: SI 2020/1311 regs 7, 11, 12, 14 and 17; Bankruptcy (Scotland) Act 2016 s.198; UK GDPR Art 6(1)(c).
Deadline: collectors are told the same working day, the adviser is answered by the end of the next. Retention: 6 years.
"""
