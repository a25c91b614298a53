"""What each move of each kind is tried with, and a case of each kind in every state it may be in."""

from dataclasses import dataclass, field
from datetime import timedelta

from cases.kernel import actors, casetypes, edits, transitions
from cases.kernel.models import Case
from tests import (
    associations,
    breaches,
    checks,
    creditfiles,
    defaults,
    disclosures,
    emergencies,
    factories,
    moratoria,
    partners,
    placements,
    sales,
    suspicions,
    traces,
    transfers,
)
from tests import requests_of_people as rights
from tests.kernel import design

NOT_ANY_STAFF = {"system_administrator", "auditor"}
LATE = factories.FILED_AT + timedelta(days=7 * 366)


@dataclass(frozen=True)
class Attempt:
    """How a move of one kind is made: the fitting actor, and what has to be typed or made ready for the case."""

    by: str
    inputs: dict = field(default_factory=dict)
    at: object = factories.FILED_AT
    ready: object = None

    def given(self, pk):
        return self.ready(pk) if self.ready else self.inputs


FRAUD = {
    "take": Attempt("a.byrne"),
    "accept": Attempt("a.byrne"),
    "close_no_action": Attempt("a.byrne"),
    "submit": Attempt("a.byrne", {"pillars": factories.MAKER_ANSWERS}),
    "return": Attempt("d.osei"),
    "refuse": Attempt("d.osei"),
    "approve": Attempt("d.osei", factories.CHECKER_INPUTS),
    "withdraw": Attempt("d.osei"),
    "submitted": Attempt("system"),
    "reject_by_agency": Attempt("agency", {"errors": [{"pointer": "/subjects/0", "code": "X"}]}),
    "correct": Attempt("a.byrne"),
    "file": Attempt("agency", {"agency_reference": "SFR-2026-0004417"}),
    "amend": Attempt("d.osei"),
    "amend_disputed": Attempt("judge"),
    "report_to_police": Attempt("d.osei", {"people": ["1"], "documents": ["1"], "story_holds": "no"}),
    "dispute": Attempt("i.sowande", {"grounds": "not_me"}),
    "uphold": Attempt("judge"),
    "remove": Attempt("d.osei", {"reason_code": "error"}),
    "confirm_removal": Attempt("agency"),
    "note_removal": Attempt("judge"),
    "note_dispute": Attempt("i.sowande", {"grounds": "not_me"}),
    "expire": Attempt("system", at=LATE),
}


def _changed(build):
    """The same case, changed since by an analyst who did nothing else: there is something to amend."""

    def builder(people):
        case = build(people)
        with edits.change(case.pk, actor=people["p.nair"], at=factories.FILED_AT) as edit:
            edit.facts(loss_pence=1)
        return Case.objects.get(pk=case.pk)

    return builder


def _after(build, name, by, at=factories.FILED_AT):
    def builder(people):
        actor = people[by] if by in people else actors.system("tests")
        return transitions.apply(build(people).pk, name, actor=actor, at=at, reason="Tried.")

    return builder


# One builder for each state that the code knows; a new kind needs its own line here.
STATES = {
    "fraud_referral": {
        "referred": factories.referred,
        "triage": _after(factories.referred, "take", "a.byrne"),
        "investigating": factories.investigating,
        "ready": factories.ready,
        "approved": factories.approved,
        "submitted": factories.submitted,
        "rejected": factories.rejected,
        "filed": _changed(factories.filed),
        "disputed": _changed(factories.disputed),
        "removal_requested": factories.removal_requested,
        "removed": factories.removed,
        "no_action": _after(factories.investigating, "close_no_action", "a.byrne"),
        "refused": _after(factories.ready, "refuse", "d.osei"),
        "expired": _after(factories.filed, "expire", "system", LATE),
    },
    "suspicion_report": {
        "draft": suspicions.written,
        "submitted": suspicions.submitted,
        "acknowledged": suspicions.acknowledged,
        "consented": suspicions.consented,
        "moratorium": suspicions.moratorium,
        "dismissed": suspicions.dismissed,
        "closed": suspicions.closed,
    },
    "le_disclosure": {
        "received": disclosures.received,
        "on_notice": disclosures.on_notice,
        "closed": disclosures.closed,
        "authenticated": disclosures.authenticated,
        "validated": disclosures.validated,
        "clarification": disclosures.clarification,
        "extracting": disclosures.extracting,
        "quality_check": disclosures.quality_check,
        "released": disclosures.released,
        "receipted": disclosures.receipted,
        "error_review": disclosures.error_review,
        "refused": disclosures.refused,
        "out_of_scope": disclosures.out_of_scope,
        "cancelled": disclosures.cancelled,
    },
    "rights_request": {
        "received": rights.received,
        "identity_check": rights.identity_check,
        "actioned": rights.actioned,
        "propagating": rights.propagating,
        "closed": rights.closed,
        "refused": rights.refused,
    },
    "dp_complaint": {
        "received": rights.complaint,
        "acknowledged": rights.acknowledged,
        "closed": rights.answered,
    },
    "emergency_disclosure": {
        "live": emergencies.live,
        "disclosed": emergencies.disclosed,
        "refused": emergencies.refused,
        "written_up": emergencies.written_up,
        "over_disclosed": emergencies.over_disclosed,
        "checked": emergencies.checked,
        "closed": emergencies.closed,
    },
    "check": {
        "running": checks.running,
        "referred": checks.referred,
        "decided": checks.decided,
        "closed": checks.closed,
    },
    "contest": {
        "received": checks.contest,
        "identity_check": checks.contest_identity_check,
        "assigned": checks.contest_assigned,
        "decided": checks.contest_decided,
        "closed": checks.contest_closed,
        "withdrawn": checks.contest_withdrawn,
    },
    "association": {
        "declared": associations.declared,
        "confirmed": associations.confirmed,
        "active": associations.active,
        "challenged": associations.challenged,
        "correcting": associations.correcting,
        "break_requested": associations.break_requested,
        "signposted": associations.signposted,
        "rejected": associations.rejected,
        "broken": associations.broken,
        "withdrawn": associations.withdrawn,
    },
    "partner_query": {
        "received": partners.received,
        "answered": partners.answered,
        "refused": partners.refused,
        "closed": partners.closed,
    },
    "debt_placement": {state: getattr(placements, state) for state in placements.STATES},
    "default": {state: getattr(defaults, state) for state in defaults.STATES},
    "moratorium": {state: getattr(moratoria, state) for state in moratoria.STATES},
    "debt_sale": {state: getattr(sales, state) for state in sales.STATES},
    "cra_file": {state: getattr(creditfiles, state) for state in creditfiles.STATES},
    "breach": {
        "suspected": breaches.suspected,
        "assessed": breaches.assessed,
        "notified": breaches.notified,
        "not_a_breach": breaches.not_a_breach,
        "closed": breaches.closed,
    },
    "transfer": {
        "proposed": transfers.proposed,
        "approved": transfers.approved,
        "withdrawn": transfers.withdrawn,
        "refused": transfers.refused,
        "ended": transfers.ended,
        "lapsed": transfers.lapsed,
    },
    "trace": {
        "requested": traces.requested,
        "accepted": traces.accepted,
        "tracing": traces.tracing,
        "result_held": traces.result_held,
        "passed": traces.passed,
        "declined": traces.declined,
        "closed": traces.closed,
    },
}
# Moves that need a case of their own: what is true of it forbids the other moves of its state.
APART = {
    ("debt_placement", "selected", "pass_gate"): placements.cleared,
    ("debt_placement", "gated", "exclude"): placements.gated_and_stopped,
    ("debt_placement", "gated", "batch"): placements.gated_for_a_batch,
    ("debt_placement", "in_batch", "exclude"): placements.in_batch_and_stopped,
    ("debt_placement", "in_batch", "release"): placements.with_file,
    **{
        ("default", state, "cure"): defaults.paid(getattr(defaults, state))
        for state in ("arrears", "notice_ready", "notice_sent", "arranged", "due")
    },
    ("default", "arranged", "break_arrangement"): defaults.missed,
    ("default", "notice_sent", "skip"): defaults.disputed(defaults.notice_sent),
    ("cra_file", "extracted", "validate"): creditfiles.taken,
    ("default", "approved", "file"): defaults.approved_and_taken,
    ("debt_placement", "released", "pull"): placements.released_and_stopped,
    ("debt_placement", "active", "transfer_tier"): placements.given_up,
    ("debt_placement", "recall_requested", "note_ceased"): placements.recall_late,
    ("moratorium", "received", "forward"): moratoria.of_sold,
    ("moratorium", "applied", "add_debt"): moratoria.owing_more,
    ("moratorium", "review_requested", "add_debt"): moratoria.owing_more_in_review,
    ("debt_sale", "exclusions_run", "publish"): sales.with_bid_tape,
    ("debt_sale", "cut_off", "build_tape"): sales.with_final_tape,
    ("debt_sale", "approved", "complete"): sales.ready,
    ("debt_sale", "completed", "issue_notices"): sales.noticed,
    ("debt_sale", "warranty_open", "close"): sales.window_over,
    ("fraud_referral", "removal_requested", "note_removal"): factories.removed_by_hand,
    ("suspicion_report", "submitted", "correct"): suspicions.not_taken,
    ("le_disclosure", "received", "out_of_scope"): disclosures.bare,
    ("rights_request", "received", "act"): rights.stop,
    ("rights_request", "received", "confirm_identity"): rights.asked,
    ("rights_request", "actioned", "propagate"): rights.stopped,
    ("le_disclosure", "received", "give_notice_of_application"): disclosures.applied_for,
    ("le_disclosure", "on_notice", "application_lapsed"): disclosures.let_go,
    ("le_disclosure", "authenticated", "refuse_items"): disclosures.with_shut_item,
    ("le_disclosure", "authenticated", "override_gate"): disclosures.voluntary,
    ("le_disclosure", "extracting", "release_urgent"): disclosures.urgent,
    ("le_disclosure", "released", "note_cancellation"): disclosures.tried,
    ("emergency_disclosure", "checked", "find_over_disclosure"): emergencies.checked_by_another,
    ("le_disclosure", "error_review", "settle_error_unreceipted"): disclosures.error_before_receipt,
    ("check", "running", "refer"): checks.answered,
    ("check", "decided", "redecide"): checks.contested,
    ("contest", "assigned", "assign"): checks.contest_with_another_reviewer,
    ("association", "correcting", "corrected"): associations.all_removed,
    **{
        ("association", state, "set_aside"): associations.without_other(getattr(associations, state))
        for state in ("confirmed", "active", "challenged", "break_requested", "signposted")
    },
    ("association", "signposted", "break"): associations.all_broken,
    ("association", "signposted", "restore"): associations.all_kept,
    **{
        ("le_disclosure", state, name): build
        for name in ("confirm_in_writing", "miss_writing")
        for state, build in (
            ("released", disclosures.given_orally),
            ("receipted", disclosures.given_orally_and_receipted),
        )
    },
}
SUSPICION = {
    "submit": Attempt("h.castellan"),
    "dismiss": Attempt("h.castellan"),
    "correct": Attempt("h.castellan"),
    "acknowledge": Attempt("agency", {"agency_reference": "FIU-2026-0001"}),
    "consent": Attempt("agency"),
    "deem_consent": Attempt("system", at=suspicions.AFTER_NOTICE),
    "refuse": Attempt("h.castellan"),
    "end_moratorium": Attempt("system", at=suspicions.AFTER_MORATORIUM),
    "close": Attempt("h.castellan"),
}
DISCLOSURE = {
    "verify": Attempt("k.mistry", disclosures.CALL),
    "validate": Attempt("k.mistry", {"is_ours": True}),
    "give_notice_of_application": Attempt("k.mistry"),
    "order_made": Attempt("k.mistry"),
    "application_lapsed": Attempt("k.mistry"),
    "refuse_items": Attempt("k.mistry"),
    "override_gate": Attempt("v.tranter", {"items": ["subscriber_name"]}),
    "clarify": Attempt("k.mistry", {"question": "Is the period in UTC?"}),
    "answer": Attempt("k.mistry", {"answer": "It is."}),
    "refuse": Attempt("k.mistry", {"reason_code": "no_gateway"}),
    "out_of_scope": Attempt("k.mistry"),
    "cancel": Attempt("k.mistry", {"notice": "Letter of 14 November."}),
    "take_back": Attempt("k.mistry", {"notice": "Letter of 14 November."}),
    "note_cancellation": Attempt("k.mistry", {"notice": "Letter of 14 November."}),
    "extract": Attempt("k.mistry"),
    "submit": Attempt("k.mistry", {"checked": disclosures.CHECKED}),
    "return": Attempt("e.hallam", {"fault": "unfinished", "difference": "The second page is missing."}),
    "release": Attempt("e.hallam", {"compared": disclosures.COMPARED}),
    "release_urgent": Attempt("k.mistry", {"checked": disclosures.CHECKED}),
    "confirm_receipt": Attempt("k.mistry", {"how": "By telephone."}),
    "confirm_in_writing": Attempt("k.mistry", {"is_compared": True}),
    "miss_writing": Attempt("system", at=LATE),
    "report_error": Attempt("k.mistry", disclosures.ERROR),
    "settle_error": Attempt("second", disclosures.SETTLED),
    "settle_error_unreceipted": Attempt("second", disclosures.SETTLED),
    "close": Attempt("k.mistry"),
}
EMERGENCY = {
    "disclose": Attempt("n.okonjo", emergencies.GIVEN, at=factories.AT),
    "refuse": Attempt("n.okonjo", emergencies.NO),
    "write_up": Attempt("n.okonjo", emergencies.WORDS),
    "check": Attempt("e.hallam"),
    "find_over_disclosure": Attempt("e.hallam", {"what": "The date of birth was read out."}),
    "settle": Attempt("e.hallam", {"how": "Reported; the control room struck it out."}),
    "close": Attempt("system"),
    "disclose_more": Attempt("n.okonjo", emergencies.GIVEN, at=factories.AT),
    "refuse_more": Attempt("n.okonjo", {"reason_code": "more_than_needed"}),
}
PARTNER = {
    "answer": Attempt("system", partners.ANSWERED),
    "refuse": Attempt("system", {"reason_code": "rate_exceeded"}),
    "feed_back": Attempt("agency", {"outcome": "not_fraud"}),
    "close": Attempt("system"),
}
RIGHTS = {
    "ask_identity": Attempt(rights.OFFICER),
    "confirm_identity": Attempt(rights.OFFICER, rights.IDENTITY),
    "act": Attempt(rights.OFFICER, rights.DONE),
    "refuse": Attempt(rights.DPO, {"reason_code": "identity_not_proved"}),
    "propagate": Attempt("system"),
    "confirm": Attempt("system", at=rights.AFTER_28),
}
COMPLAINT = {"acknowledge": Attempt(rights.OFFICER), "close": Attempt(rights.DPO, rights.FOUND)}
ASSOCIATION = {
    "confirm": Attempt("p.lindqvist"),
    "reject": Attempt("p.lindqvist"),
    "activate": Attempt("agency", {"agency_reference": "FA-2026-0001"}),
    "challenge": Attempt("i.sowande", associations.DENIAL),
    "dismiss_challenge": Attempt("p.lindqvist", {"evidence": "1"}),
    "uphold_challenge": Attempt("p.lindqvist"),
    "request_break": Attempt("i.sowande", associations.ASKS),
    "refuse_break": Attempt("m.achterberg", {"exposure": "joint_account"}),
    "signpost": Attempt("m.achterberg", associations.NOTHING_JOINT),
    "break": Attempt("m.achterberg"),
    "restore": Attempt("m.achterberg"),
    "corrected": Attempt("m.achterberg"),
    "set_aside": Attempt("system"),
}
CHECK = {
    "refer": Attempt("system"),
    "decide": Attempt(checks.OFFICER, checks.YES),
    "redecide": Attempt(checks.REVIEWER, checks.AGAIN),
    "close": Attempt("system", at=checks.AFTER_30),
}
CONTEST = {
    "ask_identity": Attempt(checks.RIGHTS),
    "confirm_identity": Attempt(checks.RIGHTS, checks.IDENTITY),
    "refuse": Attempt("j.merriweather", at=LATE),
    "assign": Attempt(checks.RIGHTS, {"reviewer": "0"}),
    "decide": Attempt(checks.REVIEWER, checks.WON),
    "notify": Attempt("system"),
    "withdraw": Attempt(checks.RIGHTS, checks.WORDS),
}
BREACH = {
    "assess": Attempt("j.merriweather", breaches.ASSESSED),
    "dismiss": Attempt("j.merriweather"),
    "notify": Attempt("j.merriweather", breaches.TOLD),
    "close": Attempt("j.merriweather", breaches.ENDED),
}
TRACE = {
    "accept": Attempt("d.osei", {"is_expedient": True}),
    "decline": Attempt("d.osei"),
    "start": Attempt("a.byrne", traces.ASKED),
    "ask_next": Attempt("a.byrne", {"provider": "Another carrier"}),
    "hold_result": Attempt("a.byrne", traces.FOUND),
    "no_result": Attempt("a.byrne"),
    "pass": Attempt("d.osei", traces.PASSED),
    "close": Attempt("a.byrne"),
}
TRANSFER = {
    "approve": Attempt("j.merriweather", transfers.APPROVED),
    "refuse": Attempt("j.merriweather"),
    "take_back": Attempt("e.hallam"),
    "end": Attempt("j.merriweather"),
    "renew": Attempt("j.merriweather", {"review_date": transfers.NEXT_REVIEW}),
    "lapse": Attempt("system", at=LATE),
}
PLACEMENT = {
    "pass_gate": Attempt("system", at=factories.AT),
    "exclude": Attempt("r.penhale"),
    "batch": Attempt("r.penhale", at=factories.AT),
    "release": Attempt("c.adebayo", at=factories.AT),
    "send": Attempt("system"),
    "pull": Attempt("c.adebayo", at=factories.AT),
    "transfer_tier": Attempt("c.adebayo"),
    "accept": Attempt("agency"),
    "reject": Attempt("agency"),
    "recall": Attempt("r.penhale"),
    "confirm_recall": Attempt("agency", {"has_ceased": True}),
    "note_ceased": Attempt("r.penhale"),
    "pay": Attempt("agency", {"amount_pence": 5000}),
    "settle": Attempt("agency", {"amount_pence": 4500}),
    "return": Attempt("agency", {"code": "gone_away"}),
    "insolvent": Attempt("agency"),
    "deceased": Attempt("agency"),
    "tell_hold": Attempt("r.penhale", {"is_held": True}),
}
DEFAULT = {
    "flag": Attempt("system"),
    "issue": Attempt(defaults.STEWARD),
    "cure": Attempt("system"),
    "arrange": Attempt(defaults.ANALYST, defaults.PLAN),
    "break_arrangement": Attempt("system", at=defaults.OVER),
    "void_notice": Attempt(defaults.STEWARD, {"ground": "dispute_upheld"}),
    "notice_over": Attempt("system", at=defaults.OVER),
    "approve": Attempt(defaults.APPROVER, defaults.DATED, at=defaults.OVER),
    "file": Attempt("system", at=defaults.OVER),
    "part_satisfy": Attempt(defaults.STEWARD, {"amount_pence": 1000}, at=defaults.OVER),
    "satisfy": Attempt(defaults.STEWARD, defaults.PAID, at=defaults.OVER),
    "settle": Attempt(defaults.STEWARD, defaults.SETTLED, at=defaults.OVER),
    "correct": Attempt(defaults.STEWARD, defaults.EARLIER, at=defaults.OVER),
    "remove": Attempt(defaults.STEWARD, {"evidence": "1"}, at=defaults.OVER),
    "expire": Attempt("system", at=LATE),
    "skip": Attempt("system", at=defaults.OVER),
    "withdraw": Attempt(defaults.STEWARD, {"ground": "held"}, at=defaults.OVER),
}
MORATORIUM = {
    "apply": Attempt(moratoria.ANALYST, moratoria.CHOSEN),
    "not_found": Attempt(moratoria.ANALYST),
    "forward": Attempt("system"),
    "add_debt": Attempt(moratoria.ANALYST, ready=moratoria.added_to),
    "request_review": Attempt(moratoria.MANAGER, moratoria.REVIEW),
    "review_refused": Attempt("agency"),
    "review_granted": Attempt("agency"),
    "end": Attempt("system", at=LATE),
    "cancel": Attempt("agency"),
    "reverse_fee": Attempt("system", moratoria.CHARGE),
}
SALE = {
    "run_exclusions": Attempt(sales.MANAGER, at=factories.AT),
    "publish": Attempt(sales.MANAGER, {"bidders": [sales.BUYER]}),
    "prefer": Attempt(sales.MANAGER, {"bid": "1", **sales.SHOWN}),
    "look_at_buyer": Attempt(sales.MANAGER, sales.SHOWN),
    "sign": Attempt(sales.COUNSEL, sales.SIGNED),
    "cut_off": Attempt(sales.MANAGER, at=factories.AT),
    "build_tape": Attempt(sales.MANAGER),
    "rebuild": Attempt(sales.MANAGER),
    "approve": Attempt(sales.MANAGER),
    "complete": Attempt(sales.FINANCE, at=sales.LATER),
    "issue_notices": Attempt("system"),
    "migrate": Attempt(sales.STEWARD),
    "close": Attempt("system"),
    "abandon": Attempt(sales.MANAGER),
}
CRA_FILE = {
    "extract": Attempt(defaults.STEWARD, creditfiles.DAY),
    "validate": Attempt("system"),
    "sign": Attempt(defaults.STEWARD),
    "reopen": Attempt(defaults.STEWARD),
    "approve": Attempt(defaults.APPROVER, creditfiles.TOTALS),
    "transmit": Attempt("system", ready=creditfiles.sealed),
    "lock": Attempt("system", at=LATE),
}
ATTEMPTS = {"fraud_referral": FRAUD, "suspicion_report": SUSPICION, "le_disclosure": DISCLOSURE} | {
    "emergency_disclosure": EMERGENCY,
    "association": ASSOCIATION,
    "partner_query": PARTNER,
    "rights_request": RIGHTS,
    "dp_complaint": COMPLAINT,
    "breach": BREACH,
    "check": CHECK,
    "transfer": TRANSFER,
    "trace": TRACE,
    "debt_placement": PLACEMENT,
    "moratorium": MORATORIUM,
    "debt_sale": SALE,
    "contest": CONTEST,
    "default": DEFAULT,
    "cra_file": CRA_FILE,
}
HOME = {"fraud_referral": "fraud", "suspicion_report": "financial_crime", "le_disclosure": "disclosure"} | {
    "emergency_disclosure": "disclosure",
    "association": "credit",
    "partner_query": "disclosure",
    "rights_request": "rights",
    "dp_complaint": "rights",
    "breach": "data_protection",
    "check": "credit",
    "transfer": "rights",
    "trace": "fraud",
    "debt_placement": "collections",
    "moratorium": "collections",
    "debt_sale": "collections",
    "contest": "rights",
    "default": "credit",
    "cra_file": "credit",
}
AGENCY = {
    "fraud_referral": factories.fpa,
    "suspicion_report": suspicions.fiu,
    "le_disclosure": disclosures.authority,
    "emergency_disclosure": emergencies.room,
    "association": associations.bureau,
    "partner_query": partners.bank,
    "rights_request": rights.enter,
    "dp_complaint": rights.enter,
    "breach": breaches.enter,
    "check": factories.fpa,
    "transfer": transfers.recoveries,
    "trace": traces.provider,
    "debt_placement": placements.enter,
    "moratorium": moratoria.enter,
    "debt_sale": sales.enter,
    "contest": factories.fpa,
    "default": associations.bureau,
    "cra_file": associations.bureau,
}
# An acknowledged report that sought a defence may be closed only once there is an answer; silence is an answer only of
# a unit that has acknowledged the report (POCA 2002 s.335).
# While the searches of a check run only the rules decide it, as soon as the last agency has answered.
# Once a request is validated every item is open: there is nothing to refuse or to open by hand.
NOT_FROM = {
    ("check", "running", "decide"),
    ("suspicion_report", "acknowledged", "close"),
    ("suspicion_report", "submitted", "deem_consent"),
    ("le_disclosure", "validated", "refuse_items"),
    ("le_disclosure", "validated", "override_gate"),
}
# What was referred to a person no machine decides.
BY_A_PERSON = {("check", "referred", "decide")}
# Made by people of another desk, who take it in for the person concerned.
FROM_OUTSIDE = {
    ("fraud_referral", "dispute"),
    ("fraud_referral", "note_dispute"),
    ("contest", "decide"),
    ("default", "arrange"),
}
FROM_OUTSIDE |= {("debt_sale", "sign"), ("debt_sale", "migrate")}
# Made by nobody but who proposed it, whatever the role of others.
OWN_ALONE = {("transfer", "take_back")}
# Moves that always need further people: they are tried with them.
AGREED = {("association", name): ("reviewer",) for name in ("refuse_break", "signpost", "restore")}
AGREED |= {("default", name): (defaults.APPROVER,) for name in ("correct", "remove", "settle")}
AGREED |= {
    ("moratorium", "request_review"): (moratoria.COUNSEL,),
    ("debt_placement", "note_ceased"): (placements.MANAGER,),
    ("debt_sale", "publish"): (sales.PROTECTION,),
    ("debt_sale", "sign"): (sales.FINANCE,),
    ("debt_sale", "migrate"): (sales.DATA_APPROVER,),
    ("debt_sale", "approve"): (sales.FINANCE, sales.PROTECTION),
}
# Once an agreement is signed, giving a sale up and looking at its buyer again need the finance approver too.
AGREED_FROM = {
    ("debt_sale", state, move): (sales.FINANCE,)
    for state in ("agreed", "cut_off", "final_tape", "approved")
    for move in ("abandon", "look_at_buyer")
}


def designed(kind):
    built = {move.name for move in casetypes.get(kind).lifecycle.transitions}
    return {move.name: move for move in design.moves_of(kind) if move.name in built}
