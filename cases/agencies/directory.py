"""The agencies and own systems this office deals with, as the sandbox plays them. Real ones are entered as rows."""

from datetime import date

from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.exchange.agreements import Terms

IN = ChannelPlan(direction="in")
OUT = ChannelPlan(direction="out")
# A partner takes files away, so that no server of files can tell a repeat.
FILES = ChannelPlan(
    direction="out",
    transport="sftp",
    retry_profile="file",
    timeout_seconds=50,
    answers_folder="/out",
    receiver_dedupes=False,
)
URGENT = ChannelPlan(direction="out", is_ordered=False, retry_profile="urgent")


TERMS = Terms(
    contract_reference="SANDBOX-CONTRACT",
    contract_from_date=date(2024, 4, 1),
    contract_until_date=date(2034, 3, 31),
    contract_review_date=date(2033, 3, 31),
    sharing_reference="SANDBOX-SHARING",
    sharing_from_date=date(2024, 4, 1),
    sharing_until_date=date(2034, 3, 31),
    sharing_review_date=date(2033, 3, 31),
    mailbox="exchange@example.org",
    takes_chasers=True,
)


def _agency(code: str, kind: str, name: str, *, formerly: str = "", out: tuple[ChannelPlan, ...] = (OUT,)) -> Listing:
    return Listing(code=code, kind=kind, display_name=name, formerly=formerly, terms=TERMS, channels=(IN, *out))


def _own(code: str, name: str) -> Listing:
    return Listing(code=code, kind="own_system", display_name=name, channels=(IN,))


SANDBOX = (
    _agency("sandbox-fraud-register", "fpa", "Sandbox Fraud Register"),
    _agency("sandbox-retail-alert", "fraud_alert", "Sandbox Retail Alert"),
    _agency("sandbox-bureau-a", "cra", "Sandbox Bureau A", out=(OUT, FILES)),
    _agency("sandbox-bureau-b", "cra", "Sandbox Bureau B", out=(OUT, FILES)),
    _agency("sandbox-bureau-c", "cra", "Sandbox Bureau C", out=(OUT, FILES)),
    _agency("sandbox-recoveries", "dca", "Sandbox Recoveries", out=(FILES,)),
    _agency("sandbox-debt-purchase", "purchaser", "Sandbox Debt Purchase", out=(FILES,)),
    _agency("sandbox-moratorium", "insolvency", "Sandbox Moratorium Service"),
    _agency("sandbox-constabulary", "lea", "Sandbox Constabulary SPoC"),
    _agency("sandbox-999-control", "emergency", "Sandbox 999 Control", out=(URGENT,)),
    _agency("sandbox-regulator", "regulator", "Sandbox Regulator"),
    _agency("sandbox-fiu", "fiu", "Sandbox FIU"),
    _agency("sandbox-bank", "bank", "Sandbox Bank"),
    _agency("sandbox-report-fraud", "police_report", "Sandbox Report Fraud"),
    _agency("sandbox-post", "post", "Sandbox Print and Post"),
    _agency("sandbox-tv", "group_company", "Sandbox TV"),
    _agency("sandbox-transit", "provider", "Sandbox Transit"),
    _agency("sandbox-partner-ads", "partner", "Sandbox Partner Ads"),
)
OWN_SYSTEMS = (
    _own("own-orders", "Orders"),
    _own("own-detection", "Fraud detection"),
    _own("own-billing", "Billing"),
    _own("own-network", "Network"),
    _own("own-website", "Website"),
    _own("own-messaging", "Messaging"),
)
