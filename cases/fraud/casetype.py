"""Declares the fraud referral to the catalogue."""

from __future__ import annotations

from datetime import date

from cases.fraud import (
    alerts,
    amending,
    callbacks,
    codes,
    disputes,
    effects,
    expiry,
    flags,
    forms,
    fromoutside,
    held,
    incoming,
    insiders,
    intake,
    messages,
    moratoria,
    opening,
    party_forms,
    periods,
    police,
    removal,
    report,
    rules,
    tracing,
    victims,
)
from cases.fraud.models import FraudReferral, IncomingNotice
from cases.kernel import clocks, retention, tasks
from cases.kernel.casetypes import Basis, CaseType, Dimension, Incoming
from cases.kernel.exchange import corrections, letters

__all__ = ["FRAUD_REFERRAL"]

clocks.declare(*periods.CLOCKS, *alerts.CLOCKS, *held.CLOCKS)
clocks.ENDING_WITH_CASE.update(incoming.FLAG_CLOCKS.values())
retention.declare(*periods.RETENTION)
tasks.declare(
    {
        "fraud_field_errors": "The agency names fields to correct",
        "fraud_match": "A match with another member's case",
        "fraud_enquiry": "Another member asks about a filing",
        "fraud_removal_instruction": "The agency instructs us to remove the filing",
        "fraud_protective_registration": "A person of this case is protected",
        "fraud_alert_hit": "A hit in the retail alert",
        "fraud_alert_not_told": "The retail alert was not told",
        "fraud_manual_checks": "Check by hand what the agency says, then decide",
        tracing.INCIDENT: "Calls are traced that come of this incident: compare, and link the two",
        "fraud_same_incident": "An earlier referral tells of the same incident",
        **amending.TASKS,
        **disputes.TASKS,
        **incoming.TASKS,
        **insiders.TASKS,
        **moratoria.TASKS,
        **police.TASKS,
        **removal.TASKS,
        **victims.TASKS,
    },
    ended_by={
        "fraud_field_errors": "This ends when the filing is corrected, amended or removed.",
        **dict.fromkeys(
            (
                *("fraud_match", "fraud_removal_instruction", "fraud_protective_registration"),
                *("fraud_alert_hit", "fraud_manual_checks"),
            ),
            "This ends when somebody decides about what the agency says.",
        ),
        **amending.ENDED_BY,
        **disputes.ENDED_BY,
        **removal.ENDED_BY,
    },
    more=disputes.MORE,
    with_case=("fraud_same_incident", tracing.INCIDENT),
)
corrections.declare(restate={messages.ALERT_UPLOAD.code: alerts.tell_anew})
letters.declare(
    letters.Template(
        code="n11",
        version=1,
        label="To a victim of impersonation or takeover",
        template="cases/fraud/letters/n11.html",
        effective_from=date(2026, 1, 1),
        extra={"filing_reference": "The agency's reference of the filing", "filed_date": "When it was filed"},
        kept_by=periods.OF_THE_INNOCENT,
    ),
    *disputes.LETTERS,
)
corrections.declare(
    restate={police.REPORT_FRAUD.code: police.restate},
    removals=[messages.FPA_REMOVE.code],
)


FRAUD_REFERRAL = CaseType(
    code="fraud_referral",
    label="Fraud referral",
    summary="Somebody defrauded us, or used another person's name. Told to the fraud prevention agency.",
    prefix="FRD",
    is_untold=lambda case: bool(case.fraud_referral.prejudice_recorded),
    not_for_subject=frozenset(
        {"Police reference", report.POLICE, report.PREJUDICE, *(f"Pillar {number}" for number in range(1, 5))}
    ),
    icon="shield-alert",
    team="fraud",
    facts=FraudReferral,
    lifecycle=rules.LIFECYCLE,
    policy=rules.POLICY,
    retention_class="fraud_not_filed",
    basis=Basis(why="To prevent and detect fraud", gateway="gdpr_6_1_f", assessment="fraud_sharing_lia"),
    opening_clock="fraud_triage",
    reopening_clock="fraud_investigation",
    topic=report.topic,
    topic_label=report.topic_label,
    amount=report.amount,
    is_about=opening.is_about,
    open_facts=tracing.open_facts,
    changed=amending.ask_for_amendment,
    duplicates=opening.of_typed_incident,
    approval_rows=rules.approval_rows,
    facts_view=report.facts_view,
    checks=report.checks,
    report=report.context,
    facts_form=forms.FactsForm,
    party_form=party_forms.PartyForm,
    address_form=party_forms.AddressForm,
    check_person=opening.check_person,
    party_roles=codes.ROLES,
    evidence_kinds=codes.EVIDENCE_KINDS,
    transition_forms={
        "submit": forms.SubmitForm,
        "approve": forms.ApproveForm,
        "dispute": forms.DisputeForm,
        "note_dispute": forms.DisputeForm,
        "remove": forms.RemoveForm,
        "report_to_police": forms.PoliceForm,
    },
    sealed_labels={"account_reference": "Account", "narrative": "What happened"},
    fact_categories={"account_reference": "financial", "narrative": "fraud_allegation"},
    agency_kinds=frozenset({"fpa"}),
    callbacks={
        "fpa.filed": callbacks.filed,
        "fpa.rejected": callbacks.rejected,
        "fpa.match": callbacks.match,
        "fpa.enquiry": callbacks.enquiry,
        "fpa.amended": callbacks.amended,
        "fpa.disputed": callbacks.disputed,
        "fpa.suspended": callbacks.suspended,
        "fpa.removed": callbacks.removed,
        "report_fraud.recorded": police.recorded,
        "fpa.removal_instruction": callbacks.removal_instruction,
        "fpa.protective_registration": callbacks.protective_registration,
        "alert.hit": callbacks.alert_hit,
        **letters.CALLBACKS,
        "letter.dispatched": disputes.letter_dispatched,
        **corrections.CALLBACKS,
    },
    callback_data=callbacks.EXAMPLES,
    callback_shapes=callbacks.SHAPES,
    dimensions=(
        Dimension(code="event", label="Kind of event", column="event_type", words=codes.EVENT_TYPES.labels),
        Dimension(code="product", label="Product", column="product", words=codes.PRODUCTS.labels),
        Dimension(
            code="channel", label="How it was ordered", column="sales_channel", words=codes.SALES_CHANNELS.labels
        ),
    ),
    delivered={
        messages.FPA_FILE.code: callbacks.delivered,
        messages.FPA_REMOVE.code: removal.delivered,
        **corrections.DELIVERED,
    },
    refused={
        messages.FPA_FILE.code: callbacks.refused,
        messages.FPA_AMEND.code: amending.take_note_of_errors,
        messages.FPA_DISPUTE.code: callbacks.suspension_refused,
        messages.FPA_REMOVE.code: callbacks.removal_refused,
        **corrections.REFUSED,
    },
    task_ends={
        "fraud_answer_by_hand": disputes.answered_by_hand,
        **moratoria.ENDED_BY_HAND,
    },
    reacts={
        "hold_began": held.hold_began,
        "hold_elsewhere": moratoria.hold_elsewhere,
        "fraud_confirmed": fromoutside.fraud_confirmed,
        "who_is_marked": expiry.standing,
        "still_marked": flags.still_marked,
        "people_go": incoming.carry,
        "erased": flags.purge_heard,
    },
    clock_ends={
        **dict.fromkeys(periods.EXPIRIES, callbacks.expired),
        **dict.fromkeys(incoming.FLAG_CLOCKS.values(), incoming.end_flag),
        **held.CLOCK_ENDS,
    },
    common_effects={
        "release_hold": held.hold_released,
        "reopen": effects.reopened,
        "merge": incoming.end_with_case,
        "void": incoming.end_with_case,
    },
    message_labels={
        **{kind.code: kind.label for kind in (*messages.ALL, police.REPORT_FRAUD)},
        letters.LETTER.code: letters.LETTER.label,
        **corrections.LABELS,
    },
    intake=intake.INTAKE,
    incoming=Incoming(
        model=IncomingNotice,
        labels=codes.INCOMING_LABELS,
        outcomes=codes.INCOMING,
        waiting=incoming.WAITING,
        form=forms.NoticeForm,
        said=incoming.said,
        decide=incoming.decide,
        taken_back=incoming.FLAGGED,
    ),
    stored_codes={
        "cases.frauddispute.grounds": dict(codes.GROUNDS),
        "cases.frauddispute.outcome": {
            "upheld": "The filing stands",
            "amended": "The filing is amended",
            "removed": "The filing is removed",
            "expired": "The filing has expired",
        },
        "cases.incomingnotice.outcome": codes.OUTCOMES_OF_INCOMING,
    },
    column_labels={
        "filing_reference": "Agency's reference",
        "field_errors": "Agency's field error",
        "removal_reason": "Removed because",
        "cases.frauddispute.outcome": "What came of the dispute",
        "cases.incomingnotice.outcome": "Decision",
        "cases.derivedflag.purged_at": "Flag ended",
    },
    said={
        "fraud_referral.alert_hit": "A hit in the retail alert came in",
        "fraud_referral.alert_hit_decided": "Decided on a hit in the retail alert",
        "amendment.filed": "The amendment is filed",
        "amendment.refused": "The agency refused the amendment",
        "dispute.answered": "A dispute is answered",
        "dispute.when_down": "Somebody disputed a filing that was down already",
        "filing.expiry_confirmed": "The agency confirmed that the filing has expired",
        "filing.use_suspended": "The agency suspended the use of the filing",
        "filing.use_not_suspended": "The agency did not suspend the use of the filing",
        "flag.purged": "A flag from an agency came to its end",
        "police.recorded": "The police gave it a crime reference",
        "removal.refused": "The agency refused the removal",
        "fraud_referral.moratorium": "A moratorium of whoever has the account began",
        "fraud_referral.match": "A match of an agency came in",
        "fraud_referral.match_decided": "Decided on a match of an agency",
        "fraud_referral.enquiry": "An enquiry of an agency came in",
        "fraud_referral.enquiry_decided": "Decided on an enquiry of an agency",
        "fraud_referral.removal_instruction": "An instruction to remove came in",
        "fraud_referral.removal_instruction_decided": "Decided on an instruction to remove",
        "fraud_referral.protective_registration": "A protective registration came in",
        "fraud_referral.protective_registration_decided": "Decided on a protective registration",
    },
)
