"""The lifecycles of the design are whole, and the ones in code say what the design says."""

import re
from collections import Counter

import pytest

from cases.kernel import casetypes
from cases.kernel.roles import ROLES
from tests.kernel import design

MOVES = design.moves()
KINDS = tuple(dict.fromkeys(move.kind for move in MOVES))

# Where the design lets a case of each kind end.
TERMINAL = {
    "fraud_referral": {"no_action", "refused", "removed", "expired"},
    "suspicion_report": {"dismissed", "closed"},
    "check": {"closed"},
    "contest": {"closed", "withdrawn"},
    "cra_file": {"locked"},
    "default": {"cured", "removed", "expired"},
    "debt_placement": {
        "excluded",
        "rejected",
        "recalled",
        "paid",
        "settled",
        "returned",
        "insolvent",
        "deceased",
        "transferred",
    },
    "moratorium": {"not_found", "forwarded", "ended", "cancelled"},
    "debt_sale": {"closed", "abandoned"},
    "debt_sale_account": {"excluded", "put_back", "bought_back", "transferred"},
    "le_disclosure": {"out_of_scope", "refused", "closed", "cancelled"},
    "emergency_disclosure": {"closed"},
    "partner_query": {"refused", "closed"},
    "trace": {"declined", "closed"},
    "association": {"rejected", "broken", "withdrawn"},
    "rights_request": {"refused", "closed"},
    "dp_complaint": {"closed"},
    "transfer": {"refused", "lapsed", "ended", "withdrawn"},
    "breach": {"not_a_breach", "closed"},
}
# A sold account may still be put back after the warranty has closed its line: the only way out of an end.
REOPENED = {("debt_sale_account", "claim_late")}

# Words for several roles at once, or for a role with a condition.
ROLE_WORDS = {
    "system",
    "agency",
    "own-website",
    "own-orders",
    "own-detection",
    "own-messaging",
    "any_staff",
    "any_staff (write only)",
    "any disclosure role",
}

# Rows of the design that wait for a later release.
NOT_YET_BUILT = {
    "fraud_referral": set(),
    "suspicion_report": set(),
    "le_disclosure": set(),
    "emergency_disclosure": set(),
    "association": set(),
    "check": set(),
    "contest": set(),
    "partner_query": set(),
    "rights_request": set(),
    "dp_complaint": set(),
    "breach": set(),
    "transfer": set(),
    "trace": set(),
    "default": set(),
    "debt_placement": set(),
    "moratorium": set(),
    "debt_sale": set(),
    "cra_file": set(),
}
# How a check of the design is declared in code.
CHECKS = {
    "": set(),
    "deputy may, recorded": set(),
    "not maker": {"maker"},
    "not proposer": {"maker", "requester"},
    "not the requester": {"requester"},
    "not maker; digest unchanged": {"maker"},
    "neither original maker nor checker": {"maker", "checker"},
    "another approver checks within 1 working day": set(),
    "not maker of the amendment; second approver if an adverse subject is added": {"editor"},
    "legal_counsel where communications data is included": set(),
    "not officer": {"maker", "verify", "validate", "extract", "submit"},
    "not the releasing officer": {"release", "release_urgent"},
    "check after: disclosure_approver within 1 working day": set(),
    "disclosure_approver": set(),
    "disclosure_approver where a person may be at risk": set(),
    "check after": set(),
    "not who removed it": set(),  # by a guard: who looked at the removal afterwards may
    "not the operator": {"maker", "disclose", "refuse", "disclose_more", "refuse_more", "write_up"},
    "another than the finder": {"find_over_disclosure"},
    "credit_reviewer": set(),
    "not the confirmer": {"confirm"},
    "human where referred": set(),
    "not analyst": {"batch"},
    "collections_analyst confirms": set(),
    "collections_manager": set(),
    "collections_manager above n accounts": set(),
    "collections_manager where below authority": set(),
    "legal_counsel": set(),
    "finance_approver": set(),
    "finance_approver once agreed": set(),
    "finance_approver and data_protection_officer: three people": set(),
    "data_protection_officer checks pseudonymisation": set(),
    "took no part in the first decision": set(),
    "reviewer took no part in the decision": set(),
    "credit_data_approver": set(),
    # Whoever agrees is never whoever proposed.
    "credit_data_approver, not maker": set(),
}
# What a steward does differs from kind to kind.
NOT_STEWARD = {"default": {"issue"}, "cra_file": {"extract", "sign"}}
# Who has to agree before an act, and who looks at it within one working day after.
SECONDS = {
    "another approver checks within 1 working day": ([], ["fraud_approver"]),
    "not maker of the amendment; second approver if an adverse subject is added": (["fraud_approver"], []),
    "legal_counsel where communications data is included": (["legal_counsel"], []),
    "check after: disclosure_approver within 1 working day": ([], ["disclosure_approver"]),
    "disclosure_approver": (["disclosure_approver"], []),
    "disclosure_approver where a person may be at risk": (["disclosure_approver"], []),
    "credit_reviewer": (["credit_reviewer"], []),
    "collections_analyst confirms": ([], ["collections_analyst"]),
    "collections_manager": (["collections_manager"], []),
    "collections_manager above n accounts": (["collections_manager"], []),
    "collections_manager where below authority": (["collections_manager"], []),
    "legal_counsel": (["legal_counsel"], []),
    "check after": ([], ["disclosure_approver"]),
    "credit_data_approver": (["credit_data_approver"], []),
    "credit_data_approver, not maker": (["credit_data_approver"], []),
    "finance_approver": (["finance_approver"], []),
    "finance_approver once agreed": (["finance_approver"], []),
    "finance_approver and data_protection_officer: three people": (["finance_approver", "data_protection_officer"], []),
    "data_protection_officer checks pseudonymisation": (["data_protection_officer"], []),
}
# Who has to agree where the design's table names nobody: what is erased before its time is erased by two.
SECONDS_BEYOND = {("rights_request", "act"): (["data_protection_officer"], [])}
# Words of the design that ask for a typed reason.
REASONS = {"reason", "reasons", "comment"}


def test_table_has_19_kinds_and_203_moves():
    assert (len(KINDS), len(MOVES) - len(design.ADDED)) == (19, 203)
    assert set(TERMINAL) == set(KINDS)


def test_each_move_has_one_target_and_one_name():
    assert [move for move in MOVES if not move.target or "|" in move.target] == []
    assert [key for key, count in Counter((move.kind, move.name) for move in MOVES).items() if count > 1] == []


def test_each_role_is_in_the_only_list():
    named = {role for move in MOVES for role in move.roles}
    assert named - ROLE_WORDS <= set(ROLES)
    assert len(ROLES) == 20


@pytest.mark.parametrize("kind", KINDS)
def test_each_state_is_reachable_and_each_that_is_not_an_end_leads_to_one(kind):
    moves = design.moves_of(kind)
    start = {move.target for move in moves if not move.sources}
    states = start | {state for move in moves for state in move.sources} | _targets(moves)
    assert len(start) == 1
    assert _closure(start, moves) == states
    assert {state for state in states - TERMINAL[kind] if not _closure({state}, moves) & TERMINAL[kind]} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_only_ends_have_no_way_out(kind):
    moves = design.moves_of(kind)
    leaving = {
        state
        for move in moves
        for state in move.sources
        if move.target_from(state) != state and (kind, move.name) not in REOPENED
    }
    states = {move.target for move in moves if move.target != "="}
    assert states - leaving == TERMINAL[kind]


def _targets(moves):
    return {move.target for move in moves if move.target != "="}


def _closure(states, moves):
    seen, frontier = set(), set(states)
    while frontier:
        seen |= frontier
        frontier = {m.target_from(s) for m in moves for s in m.sources if s in frontier} - seen
    return seen


def test_same_state_is_written_as_staying_only_where_several_states_share_a_move():
    for move in MOVES:
        if move.target == "=":
            assert move.sources, move


# The code against the design.


def installed():
    return casetypes.all_types()


def test_catalogue_holds_kinds_of_the_design():
    assert {casetype.code for casetype in installed()} == {"fraud_referral", "suspicion_report", "le_disclosure"} | {
        "emergency_disclosure",
        "association",
        "partner_query",
        "rights_request",
        "dp_complaint",
        "breach",
        "check",
        "transfer",
        "trace",
        "debt_placement",
        "moratorium",
        "contest",
        "default",
        "debt_sale",
        "cra_file",
    }


def test_each_built_move_is_the_designs_and_each_missing_one_is_named_here():
    for casetype in installed():
        designed = {move.name for move in design.moves_of(casetype.code) if move.sources}
        built = {move.name for move in casetype.lifecycle.transitions}
        assert built <= designed
        assert designed - built == NOT_YET_BUILT[casetype.code]


def test_built_moves_have_the_designs_source_target_roles_and_check():
    for casetype in installed():
        designed = {move.name: move for move in design.moves_of(casetype.code)}
        states = {state.code for state in casetype.lifecycle.states}
        for built in casetype.lifecycle.transitions:
            move = designed[built.name]
            assert built.source == move.sources & states, built.name
            assert (built.target or "=") == move.target, built.name
            assert built.roles == move.roles, built.name
            distinct = NOT_STEWARD[casetype.code] if move.check == "not steward" else CHECKS[move.check]
            assert built.distinct == distinct, built.name
            seconds = [each.role for each in built.agreed_by], [each.role for each in built.confirmed_by]
            wanted = SECONDS_BEYOND.get((casetype.code, built.name), SECONDS.get(move.check, ([], [])))
            assert seconds == wanted, built.name
            assert built.needs_reason == bool(REASONS & set(re.split("[;,] ", move.guard))), built.name


def test_opening_is_the_designs():
    for casetype in installed():
        (opening,) = (move for move in design.moves_of(casetype.code) if not move.sources)
        assert casetype.lifecycle.initial == opening.target
        assert casetype.lifecycle.opening_roles == {role.removesuffix(" (write only)") for role in opening.roles}


# Kept by the rule of a customer, or by that of somebody who became none; by that of a complaint where there was one:
# which, the case says as it closes.
RULED_AS_IT_CLOSES = {"check": {"closed"}, "emergency_disclosure": {"closed"}}


def test_ends_in_code_are_the_designs_and_each_names_its_retention():
    for casetype in installed():
        built = {state.code for state in casetype.lifecycle.states}
        ends = {state.code for state in casetype.lifecycle.states if state.is_terminal}
        assert ends == TERMINAL[casetype.code] & built
        unsaid = {state.code for state in casetype.lifecycle.states if state.is_terminal and not state.retention_class}
        assert unsaid == RULED_AS_IT_CLOSES.get(casetype.code, set())
        leaving = {move.name for code in ends for move in casetype.lifecycle.leaving(code)}
        assert leaving <= {"reopen", "release_hold", "detach"}


# Who proposes, who agrees, where reopening leads and which ends are final, kind by kind. The design names none.
COMMON = {
    "moratorium": ({"collections_analyst"}, "collections_manager", "received", {"ended", "cancelled"}),
    "fraud_referral": (
        {"fraud_analyst"},
        "fraud_approver",
        "investigating",
        {"removed", "expired"},
    ),
    "suspicion_report": ({"nominated_officer"}, "nominated_officer", "draft", set()),
    "le_disclosure": ({"disclosure_officer"}, "disclosure_approver", "received", set()),
    "emergency_disclosure": ({"emergency_operator"}, "disclosure_approver", "written_up", set()),
    "association": ({"credit_officer"}, "credit_reviewer", "declared", {"broken", "withdrawn"}),
    "partner_query": ({"disclosure_officer"}, "disclosure_approver", "answered", {"refused", "closed"}),
    "rights_request": ({"rights_officer"}, "data_protection_officer", "received", set()),
    "dp_complaint": ({"rights_officer"}, "data_protection_officer", "acknowledged", set()),
    "breach": ({"data_protection_officer"}, "data_protection_officer", "suspected", set()),
    "contest": ({"rights_officer"}, "data_protection_officer", "received", set()),
    "check": ({"credit_officer"}, "credit_reviewer", "decided", set()),
    "trace": ({"fraud_analyst"}, "fraud_approver", "requested", set()),
    "transfer": ({"data_protection_officer"}, "legal_counsel", "proposed", {"refused", "lapsed", "ended", "withdrawn"}),
    "debt_placement": (
        {"collections_analyst"},
        "collections_manager",
        "selected",
        {"recalled", "paid", "settled", "returned", "insolvent", "deceased", "transferred"},
    ),
    "default": ({"credit_data_steward"}, "credit_data_approver", "arrears", {"removed", "expired"}),
    "debt_sale": ({"sale_manager"}, "finance_approver", "pool_defined", {"abandoned", "closed"}),
    "cra_file": ({"credit_data_steward"}, "credit_data_approver", "open", {"locked"}),
}
# A file is opened again by one person before anything has left; nothing leads out of its end.
OWN = {"cra_file": {"reopen"}}


def test_every_kind_is_voided_merged_and_reopened_by_the_one_table():
    for casetype in installed():
        lifecycle = casetype.lifecycle
        desk, second, reopens_to, final = COMMON[casetype.code]
        states = {state.code for state in lifecycle.states}
        ends = TERMINAL[casetype.code] & states
        every = states | {"void", "merged"}
        places = {"open": states - ends, "ends": (ends | {"void", "merged"}) - final, "all": every}
        common = [row for row in design.common_moves() if row.name not in OWN.get(casetype.code, ())]
        assert [move.name for move in lifecycle.moves if move not in lifecycle.transitions] == [
            row.name for row in common
        ]
        for row in common:
            move = lifecycle[row.name]
            assert move.source == places[row.leaves], row
            assert (move.target or "=") == (reopens_to if row.target == "reopens_to" else row.target), row
            assert move.roles == (desk if row.proposes == "desk" else {second}), row
            assert [each.role for each in move.agreed_by] == ([second] if row.agrees else []), row
            assert all(each.when is None for each in move.agreed_by)
            assert move.needs_reason == row.needs_reason
        assert lifecycle.state("void").retention_class == "void"
        assert lifecycle.state("void").is_terminal
        assert lifecycle.state("merged").is_terminal


def test_only_an_agreement_bound_to_the_digest_files():
    lifecycle = casetypes.get("fraud_referral").lifecycle
    assert (lifecycle["submit"].opens, lifecycle["submit"].approver_role) == ("approve", "fraud_approver")
    decisions = {move.name: move.verdict for move in lifecycle.transitions if move.decides == "approve"}
    assert decisions == {"approve": "agreed", "return": "returned", "refuse": "refused"}
    assert [move.name for move in lifecycle.transitions if move.is_grave] == [
        "approve",
        "amend",
        "remove",
        "amend_disputed",
        "report_to_police",
    ]
