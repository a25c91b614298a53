"""The case types this office handles. Adding one is one line here."""

from cases.fraud.casetype import FRAUD_REFERRAL

CASE_TYPES = (FRAUD_REFERRAL,)
