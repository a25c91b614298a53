"""Every message of every kind says of each of its fields under which categories of the notice it leaves."""

from cases.accounts.bureaus import CRA_CORRECT
from cases.association.messages import CRA_ASSOC, CRA_ASSOC_QUERY, CRA_ASSOC_REMOVE
from cases.credit.defaults.disputes import CRA_ANSWER
from cases.credit.files.messages import CRA_FILE
from cases.credit.messages import ALERT_SEARCH, CRA_SEARCH, FPA_SEARCH
from cases.debt.messages import DCA_HOLD, DCA_PLACE
from cases.debt.moratorium.messages import ANSWER as MORATORIUM_ANSWER
from cases.debt.moratorium.messages import FORWARD
from cases.debt.sale.messages import ASSIGNMENT, BID_TAPE, FINAL_TAPE
from cases.disclosure.breach.messages import ICO_BREACH, IPC_BREACH
from cases.disclosure.emergency.messages import EMERG_ANSWER, EMERG_DESTROY
from cases.disclosure.messages import IPC_ERROR, LE_ACK, LE_DESTROY, LE_PIECE, LE_RESULT
from cases.disclosure.partners.messages import PARTNER_ANSWER
from cases.disclosure.partners.sharing import CP_FRAUD_SHARE
from cases.fraud import messages
from cases.fraud.police import REPORT_FRAUD
from cases.fraud.suspicion.messages import FIU_SAR
from cases.fraud.trace.messages import TRACE_RESULT, TRACEBACK
from cases.kernel import casetypes, notice
from cases.kernel.exchange import corrections, letters


def test_each_message_of_each_kind_maps_to_categories_of_the_notice():
    assert {each.code: set(each.message_labels) for each in casetypes.all_types()} == {
        "fraud_referral": {
            "fpa_file",
            "fpa_amend",
            "fpa_dispute",
            "fpa_remove",
            "report_fraud",
            "fpa_answer",
            "alert_upload",
            "letter",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "suspicion_report": {"fiu_sar"},
        "le_disclosure": {"le_ack", "le_clarify", "le_refuse", "le_result", "le_piece", "le_destroy", "ipc_error"},
        "emergency_disclosure": {"emerg_answer", "emerg_destroy"},
        "association": {
            "cra_assoc",
            "cra_assoc_remove",
            "cra_assoc_query",
            "letter",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "partner_query": {
            "partner_answer",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "rights_request": {"rights_stop", "letter"},
        "dp_complaint": {"letter"},
        "breach": {"ico_breach", "ipc_breach"},
        "contest": {"letter"},
        "check": {
            "cra_search",
            "fpa_search",
            "alert_search",
            "letter",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "transfer": set(),
        "trace": {
            "traceback",
            "trace_result",
            "letter",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "debt_placement": {"dca_place", "dca_hold", "dca_release", "dca_recall", "dca_update", "letter"},
        "default": {"cra_answer", "cra_correct", "letter"},
        "moratorium": {"moratorium_answer", "moratorium_forward", "letter"},
        "debt_sale": {
            "bid_tape",
            "final_tape",
            "assignment",
            "sold_account_paid",
            "sold_account_default",
            "cra_correct",
            "letter",
        },
        "cra_file": {"cra_file", "cra_correct"},
    }
    for kind in (
        *messages.ALL,
        letters.LETTER,
        corrections.AMENDED,
        corrections.REMOVED,
        FIU_SAR,
        REPORT_FRAUD,
        LE_ACK,
        LE_RESULT,
        LE_PIECE,
        LE_DESTROY,
        IPC_ERROR,
        EMERG_ANSWER,
        EMERG_DESTROY,
        CRA_ASSOC,
        CRA_ASSOC_REMOVE,
        CRA_ASSOC_QUERY,
        CRA_SEARCH,
        FPA_SEARCH,
        ALERT_SEARCH,
        PARTNER_ANSWER,
        CP_FRAUD_SHARE,
        TRACEBACK,
        TRACE_RESULT,
        DCA_PLACE,
        DCA_HOLD,
        CRA_CORRECT,
        CRA_ANSWER,
        MORATORIUM_ANSWER,
        FORWARD,
        BID_TAPE,
        FINAL_TAPE,
        ASSIGNMENT,
        CRA_FILE,
        ICO_BREACH,
        IPC_BREACH,
    ):
        assert set(kind.categories.values()) <= set(notice.CATEGORIES)
        assert kind.necessity.endswith(".")
