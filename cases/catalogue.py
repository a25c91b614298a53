"""The case types this office handles, and the changes of itself it knows. Adding one is one line here."""

from cases.agencies import oncallroutes, register
from cases.association.casetype import ASSOCIATION
from cases.credit import rulechanges as credit_rules
from cases.credit.casetype import CHECK
from cases.credit.contests.casetype import CONTEST
from cases.credit.defaults.casetype import DEFAULT
from cases.credit.files.casetype import CRA_FILE
from cases.debt import figurechanges, recalling
from cases.debt.casetype import DEBT_PLACEMENT
from cases.debt.moratorium.casetype import MORATORIUM
from cases.debt.sale.casetype import DEBT_SALE
from cases.disclosure import authorities
from cases.disclosure.breach.casetype import BREACH
from cases.disclosure.casetype import LE_DISCLOSURE
from cases.disclosure.emergency.casetype import EMERGENCY_DISCLOSURE
from cases.disclosure.partners import terms
from cases.disclosure.partners.casetype import PARTNER_QUERY
from cases.disclosure.transfer.casetype import TRANSFER
from cases.fraud.casetype import FRAUD_REFERRAL
from cases.fraud.suspicion.casetype import SUSPICION_REPORT
from cases.fraud.trace.casetype import TRACE
from cases.kernel.background import several
from cases.kernel.office import (
    codeentries,
    confirming,
    docchanges,
    grants,
    leaving,
    lettertexts,
    retentionchanges,
    rulechanges,
    teams,
    ties,
)
from cases.kernel.outputs import caselists, traillists
from cases.reports.figures import releasing
from cases.rights.casetype import RIGHTS_REQUEST
from cases.rights.complaints.casetype import DP_COMPLAINT

CASE_TYPES = (
    *(FRAUD_REFERRAL, SUSPICION_REPORT, LE_DISCLOSURE, EMERGENCY_DISCLOSURE, ASSOCIATION, PARTNER_QUERY),
    *(RIGHTS_REQUEST, DP_COMPLAINT, BREACH, CHECK, CONTEST, TRANSFER, TRACE),
    # What a moratorium takes back is taken back before an agency hears what is owed.
    *(MORATORIUM, DEBT_PLACEMENT, DEFAULT, CRA_FILE, DEBT_SALE),
)
# The pages that a kind brings itself.
PAGES = (
    "cases.credit.files.pages",
    "cases.debt.pages",
    "cases.debt.sale.pages",
    "cases.disclosure.emergency.pages",
    "cases.disclosure.partners.pages",
    "cases.disclosure.register.pages",
    "cases.rights.pages",
)
# The doors for machines that a kind brings itself, under /api/v1/.
ENDPOINTS = (
    "cases.credit.endpoints",
    "cases.debt.moratorium.endpoints",
    "cases.disclosure.partners.endpoints",
    "cases.rights.endpoints",
)
OFFICE_CHANGES = (
    *grants.KINDS,
    *leaving.KINDS,
    *confirming.KINDS,
    *teams.KINDS,
    *lettertexts.KINDS,
    *codeentries.KINDS,
    *ties.KINDS,
    *rulechanges.KINDS,
    *retentionchanges.KINDS,
    *docchanges.KINDS,
    *register.KINDS,
    *authorities.KINDS,
    *terms.KINDS,
    *oncallroutes.KINDS,
    *credit_rules.KINDS,
    *figurechanges.KINDS,
    *recalling.KINDS,
    *releasing.KINDS,
    *several.KINDS,
    *caselists.KINDS,
    *traillists.KINDS,
)
