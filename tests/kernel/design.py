"""Reads what the design says about lifecycles and duties. Imports nothing of `cases`."""

import csv
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"


@dataclass(frozen=True)
class Move:
    """One row of transitions.csv. `target` "=" leaves the state as it is."""

    kind: str
    name: str
    sources: frozenset[str]
    target: str
    roles: frozenset[str]
    check: str
    guard: str
    effects: str

    def target_from(self, state: str) -> str:
        return state if self.target == "=" else self.target


@dataclass(frozen=True)
class Duty:
    """One row of duties.csv."""

    kind: str
    act: str
    roles: frozenset[str]
    scope: str
    reason: bool
    step_up: bool


@dataclass(frozen=True)
class Common:
    """One row of common_moves.csv: a move that every kind has. Who: the kind's desk, or its second role."""

    name: str
    leaves: str
    target: str
    proposes: str
    agrees: str
    needs_reason: bool


def common_moves() -> list[Common]:
    with (DATA / "common_moves.csv").open(newline="", encoding="utf-8") as file:
        return [
            Common(**{**row, "needs_reason": row["needs_reason"] == "yes"})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        ]


# Words of the design for several roles at once (rulings.md).
SEVERAL = {
    "any disclosure role": "disclosure_officer;disclosure_approver;emergency_operator",
    "any collections role": "collections_analyst;collections_manager",
    "collections_analyst where the match is not certain": "collections_analyst",
    "any family approver": "fraud_approver;collections_manager;sale_manager;credit_data_approver;disclosure_approver",
    "form": "own-website",
    "system or any staff for a marketing stop": "system;any_staff",
}


def _roles(text: str) -> frozenset[str]:
    text = ";".join(SEVERAL.get(each.strip(), each) for each in text.split(";"))
    return frozenset(each.strip().replace("any staff", "any_staff") for each in text.split(";"))


# Moves that start in more states than the design's table says; docs/decisions.md says why.
BEYOND = {
    ("breach", "assess"): {"assessed"},
    ("contest", "assign"): {"assigned"},
    ("contest", "confirm_identity"): {"received"},
    ("emergency_disclosure", "find_over_disclosure"): {"checked"},
    ("fraud_referral", "dispute"): {"disputed"},
    ("le_disclosure", "clarify"): {"extracting"},
    ("le_disclosure", "refuse"): {"extracting"},
    ("moratorium", "add_debt"): {"review_requested"},
    ("rights_request", "confirm_identity"): {"received"},
    ("rights_request", "refuse"): {"identity_check"},
    ("suspicion_report", "consent"): {"moratorium"},
}


# Moves that leave a case where it stands, since they start in more states than the one the design's table names.
STAYS = {("moratorium", "add_debt")}


# Moves that the design's table has not; docs/decisions.md says why.
ADDED = [
    Move(
        kind="association",
        name="set_aside",
        sources=frozenset({"confirmed", "active", "challenged", "break_requested", "signposted"}),
        target="correcting",
        roles=frozenset({"system"}),
        check="",
        guard="one of its people was detached",
        effects="decisions that used it reviewed; whoever waits for an answer is told that the link is removed",
    ),
    Move(
        kind="contest",
        name="refuse",
        sources=frozenset({"identity_check"}),
        target="closed",
        roles=frozenset({"data_protection_officer"}),
        check="",
        guard="reason",
        effects="letter says so; the decision stands",
    ),
    Move(
        kind="debt_placement",
        name="note_ceased",
        sources=frozenset({"recall_requested"}),
        target="recalled",
        roles=frozenset({"collections_analyst"}),
        check="collections_manager",
        guard="reason; the confirmation is late, or the agency could be told nothing",
        effects="letter N8",
    ),
    Move(
        kind="debt_sale",
        name="look_at_buyer",
        sources=frozenset({"preferred", "agreed", "cut_off", "final_tape", "approved"}),
        target="=",
        roles=frozenset({"sale_manager"}),
        check="finance_approver once agreed",
        guard="purchaser due diligence valid, until the completion",
        effects="what is shown of the buyer counts anew",
    ),
    Move(
        kind="default",
        name="settle",
        sources=frozenset({"filed"}),
        target="satisfied",
        roles=frozenset({"credit_data_steward"}),
        check="credit_data_approver",
        guard="less than is left was paid; evidence that it was accepted for all",
        effects="all agencies and purchaser told; letter",
    ),
    Move(
        kind="fraud_referral",
        name="note_removal",
        sources=frozenset({"removal_requested"}),
        target="removed",
        roles=frozenset({"fraud_approver"}),
        check="not who removed it",
        guard="reason; the agency was told by hand",
        effects="as confirm_removal",
    ),
    Move(
        kind="fraud_referral",
        name="note_dispute",
        sources=frozenset({"removal_requested"}),
        target="=",
        roles=frozenset({"rights_officer", "agency"}),
        check="",
        guard="grounds",
        effects="review task; the person is answered when the filing is down",
    ),
    Move(
        kind="le_disclosure",
        name="take_back",
        sources=frozenset({"released"}),
        target="cancelled",
        roles=frozenset({"agency", "disclosure_officer"}),
        check="",
        guard="cancellation notice; the package never left, or the authority says that it does not have it",
        effects="never sent again; our copy destroyed; nothing counts as given",
    ),
    Move(
        kind="le_disclosure",
        name="note_cancellation",
        sources=frozenset({"released", "receipted", "error_review"}),
        target="=",
        roles=frozenset({"agency", "disclosure_officer"}),
        check="",
        guard="cancellation notice; the package was tried to be sent",
        effects="never sent again; the authority is asked whether it has it",
    ),
    Move(
        kind="suspicion_report",
        name="correct",
        sources=frozenset({"submitted"}),
        target="draft",
        roles=frozenset({"nominated_officer"}),
        check="",
        guard="only what the unit did not take",
        effects="payouts go on waiting",
    ),
    Move(
        kind="trace",
        name="ask_next",
        sources=frozenset({"tracing"}),
        target="=",
        roles=frozenset({"fraud_analyst"}),
        check="",
        guard="a provider of the register, or the name of another",
        effects="who sent us on is a hop; traceback to the next; answer clock",
    ),
    Move(
        kind="transfer",
        name="take_back",
        sources=frozenset({"proposed"}),
        target="withdrawn",
        roles=_roles("any family approver"),
        check="",
        guard="who proposed it; reason",
        effects="the country blocks the recipient no more; the data protection officer looks why",
    ),
    Move(
        kind="transfer",
        name="end",
        sources=frozenset({"proposed", "approved"}),
        target="ended",
        roles=frozenset({"data_protection_officer"}),
        check="not proposer",
        guard="reason",
        effects="the country blocks the recipient no more",
    ),
]


def moves() -> list[Move]:
    with (DATA / "transitions.csv").open(newline="", encoding="utf-8") as file:
        return ADDED + [
            Move(
                kind=row["kind"],
                name=row["transition"],
                sources=frozenset() if row["source"] == "-" else _sources(row),
                target="=" if (row["kind"], row["transition"]) in STAYS else row["target"],
                roles=_roles(row["role"]),
                check=row["check"],
                guard=row["guard"],
                effects=row["effects"],
            )
            for row in csv.DictReader(file)
        ]


def _sources(row: dict[str, str]) -> frozenset[str]:
    return frozenset(row["source"].split("|")) | BEYOND.get((row["kind"], row["transition"]), set())


def moves_of(kind: str) -> list[Move]:
    return [move for move in moves() if move.kind == kind]


def duties() -> list[Duty]:
    with (DATA / "duties.csv").open(newline="", encoding="utf-8") as file:
        return [
            Duty(
                kind=row["kind"],
                act=row["act"],
                roles=frozenset(row["roles"].split()),
                scope=row["scope"],
                reason=row["reason"] == "yes",
                step_up=row["step_up"] == "yes",
            )
            for row in csv.DictReader(file)
        ]
