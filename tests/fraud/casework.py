"""What people do to any case, as the design tells it: moves that two agree to, holds, what agencies ask, whose it is.

Plain Python beside tests/fraud/model.py; imports nothing of `cases`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fraud.model import BEFORE, DESK, EDITABLE, ENDS, MOVES, Person, Referral
from tests.kernel import design

COMMON = {move.name: move for move in design.common_moves()}
FINAL = {"removed", "expired"}
ALL_ENDS = ENDS | {"void", "merged"}
TEAM = {"a.byrne", "d.osei", "p.nair"}
# Who agrees where somebody has to: the desk's second, or legal counsel to communications data.
AGREES = {**dict.fromkeys((*COMMON, "amend"), "fraud_approver"), "report_to_police": "legal_counsel"}
# What is agreed to here is what the case says; elsewhere only what was typed.
ABOUT_CONTENT = {"amend", "report_to_police"}
SHAPES = {"edit", "attach", "add", "submit", "detach", "split"}
HELD = {"submit", "approve", "report_to_police"}
GONE = {"withdrawn", "superseded", "skipped"}
NOTICES = {
    "match": {"false_positive", "referred_to_manual", "confirmed"},
    "enquiry": {"stands", "under_review", "being_amended", "removed"},
    "removal_instruction": {"accepted", "contested"},
    "protective_registration": {"extra_checks", "not_ours"},
}
WAITING = {"", "referred_to_manual"}
# What another person may still say of a flag: it was somebody else.
TAKEN_BACK = {
    ("match", "confirmed"): "false_positive",
    ("protective_registration", "extra_checks"): "not_ours",
}
ANSWERED = {"stands", "under_review", "being_amended", "removed", "contested"}
# What alone can be said of a filing that comes down, or is down.
DOWN = {"removal_requested", "removed", "expired"}
WHEN_DOWN = {"enquiry": {"removed"}, "removal_instruction": {"accepted"}}


@dataclass(frozen=True)
class Asked:
    """What somebody proposed, and waits for another."""

    by: str
    given: Any


@dataclass
class Notice:
    """What the agency told or asked without moving the case, and what somebody decided about it."""

    kind: str
    reference: str
    outcome: str = ""
    by: str = ""  # who decided last


@dataclass
class Casework(Referral):
    """A referral with what waits for a second person, its holds by place and kind, its notices, and whose it is."""

    asked: dict[str, Asked] = field(default_factory=dict)
    looks_after: str = ""  # who removed the filing, until another has looked at it
    holds: dict[int, str] = field(default_factory=dict)
    entered: int = 0
    notices: list[Notice] = field(default_factory=list)
    assignee: str | None = None
    parts: int = 0  # how many cases were split off
    tried: set[tuple[str, int]] = field(default_factory=set)  # which messages somebody tried to send

    @property
    def told(self) -> set[str]:
        """In which states is what was promised to somebody outside."""
        return {*self.messages, *(state for _, state in self.words)} - GONE

    @property
    def was_told(self) -> bool:
        """Whatever was tried somebody outside may have, also when it was taken back later."""
        return bool(self.told or self.tried)

    @property
    def is_undecided(self) -> bool:
        return any(notice.outcome in WAITING for notice in self.notices)

    @property
    def is_held(self) -> bool:
        return "legal" in self.holds.values()

    def begins_here(self, act: str) -> bool:
        if act not in COMMON:
            return self.state in MOVES[act].sources
        is_end = self.state in ALL_ENDS
        return {"open": not is_end, "ends": is_end and self.state not in FINAL, "all": True}[COMMON[act].leaves]

    def fits(self, act: str, given: Any) -> bool:
        wanting = {
            "void": self.was_told or self.is_undecided,
            "merge": self.was_told or self.is_undecided,
            "release_hold": given not in self.holds,
            "split": self.was_told
            or self.is_undecided
            or self.state not in EDITABLE
            or given not in self.people
            or len(self.people) == 1,
            "detach": given not in self.people,
            "report_to_police": self.is_held,
            "amend": self.is_held and bool(self.marked_anew),
        }
        return not wanting.get(act, False)

    def allows(self, act: str, who: Person, *, is_late: bool = False, given: Any = None) -> bool:
        if act in self.asked or (act in HELD and self.is_held) or (act == "amend" and not self.fits(act, given)):
            return False
        if act in COMMON:
            return "fraud_analyst" in who.roles and self.begins_here(act) and self.fits(act, given)
        return super().allows(act, who, is_late=is_late)

    def needs_another(self, act: str, given: Any) -> bool:
        return {
            "release_hold": self.holds.get(given) == "legal",
            "detach": self.was_told,
            "amend": bool(self.adverse - self.marked),
            "report_to_police": given == "calls",
        }.get(act, act in COMMON)

    def do(self, act: str, who: Person, given: Any = None) -> None:
        if self.needs_another(act, given):
            self.events += 1
            self.makers.add(who.name)
            self.asked[act] = Asked(who.name, given)
        else:
            self._happen(act, who, given, {who.name})

    def allows_answer(self, act: str, verdict: str, who: Person) -> bool:
        asked = self.asked.get(act)
        if asked is None or verdict == "withdrawn":
            return asked is not None and asked.by == who.name
        if AGREES[act] not in who.roles or asked.by == who.name:
            return False
        if act in ABOUT_CONTENT and who.name in self.makers | self.shapers:
            return False
        if act == "amend" and verdict == "agreed" and (not self.owes_amendment or who.name in self.changers):
            return False
        return verdict == "refused" or (self.begins_here(act) and self.fits(act, asked.given))

    def answer(self, act: str, verdict: str, who: Person) -> None:
        asked = self.asked.pop(act)
        if verdict != "withdrawn":
            self.checkers.add(who.name)
        if verdict == "agreed":
            self._happen(act, who, asked.given, {who.name, asked.by})
        else:
            self.events += 1

    def _happen(self, act: str, who: Person, given: Any, hands: set[str]) -> None:
        if act in COMMON:
            self.events += 1
            self.state = {"void": "void", "merge": "merged", "reopen": "investigating"}.get(act, self.state)
            getattr(self, f"_{act}", lambda *_: None)(given, hands)
        else:
            self.told_calls = given == "calls" if act == "report_to_police" else self.told_calls
            super().do(act, who)
        if act == "remove":
            self._accept_instructions()
        self.assignee = who.name if act in {"take", "correct"} else self.assignee
        self.looks_after = who.name if act == "remove" else self.looks_after
        over = set(ABOUT_CONTENT) if act in SHAPES else set()
        over |= set(self.asked) if act in {"withdraw", "correct", "void", "merge"} else set()
        self.waits &= act not in {"void", "merge"}
        self.asked = {name: one for name, one in self.asked.items() if name not in over and self.begins_here(name)}

    def _accept_instructions(self) -> None:
        """Whatever the agency instructed us to remove is done."""
        for notice in self.notices:
            if notice.kind == "removal_instruction" and notice.outcome in WAITING:
                notice.outcome = "accepted"

    def _reopen(self, *_: Any) -> None:
        self.assignee = None

    def _release_hold(self, given: Any, _hands: set[str]) -> None:
        del self.holds[given]

    def _split(self, given: Any, hands: set[str]) -> None:
        self.parts += 1
        self._take_out(given, hands)

    def _detach(self, given: Any, hands: set[str]) -> None:
        self._take_out(given, hands)
        self.changers |= hands
        if self.state == "approved":  # what waits to be sent names somebody who is no part of it
            self.messages = ["withdrawn" if each in {"pending", "dead"} else each for each in self.messages]
        if self.state in {"filed", "disputed"}:
            self._retire({"fpa_amend"}, {"pending", "dead"}, "withdrawn")
        if given in self.told_police:
            self.told_police.discard(given)
            self._promise("correction_removed")
        self.asks_anew &= bool(self.told_police) or self.state not in BEFORE
        self._ask_anew()
        if any(self.words[place][1] in {"pending", "dead"} and given in named for place, named in self.reports.items()):
            self._retire({"report_fraud"}, {"pending", "dead"}, "withdrawn")
            self.asks_anew = True

    def _take_out(self, given: Any, hands: set[str]) -> None:
        """Whoever takes somebody out has shaped what is filed, and so has who agreed to it."""
        del self.people[given]
        for name in hands:
            self._shape(name)

    def _police_may_have_it(self) -> bool:
        for place, (kind, state) in enumerate(self.words):
            if self.is_held and kind == "report_fraud" and state == "pending" and ("word", place) not in self.tried:
                self.words[place] = kind, "withdrawn"
        reports = [(place, state) for place, (kind, state) in enumerate(self.words) if kind == "report_fraud"]
        return any(state not in GONE or ("word", place) in self.tried for place, state in reports)

    def allows_look(self, who: Person) -> bool:
        return self.looks_after not in {"", who.name} and "fraud_approver" in who.roles

    def look(self, who: Person) -> None:
        self.looks_after = ""
        self.checkers.add(who.name)

    def hold(self, kind: str) -> None:
        self.holds[self.entered] = kind
        self.entered += 1
        if kind == "legal" and self.state in {"filed", "disputed"} and self.marked_anew:
            self._retire({"fpa_amend"}, {"pending", "dead"}, "withdrawn")

    def allows_to_give(self, who: Person, to: str | None) -> bool:
        return self.state not in ALL_ENDS and bool(who.roles & DESK) and (to is None or to in TEAM)

    def allows_decision(self, number: int, outcome: str, who: Person, person: int) -> bool:
        notice = self.notices[number]
        roles = {"fraud_approver"} if notice.kind == "removal_instruction" else DESK
        if not who.roles & roles or outcome not in NOTICES[notice.kind]:
            return False
        is_taken_back = outcome == TAKEN_BACK.get((notice.kind, notice.outcome)) and notice.by != who.name
        if outcome == notice.outcome or not (notice.outcome in WAITING or is_taken_back):
            return False
        if self.state in DOWN and outcome not in WHEN_DOWN.get(notice.kind, {outcome}):
            return False
        wanting = {
            "removed": self.state not in DOWN,
            "confirmed": person not in self.people,
            "extra_checks": person not in self.people,
            "stands": self.state != "filed",
            "accepted": self.state not in DOWN and not self.allows("remove", who),
        }
        return not wanting.get(outcome, False)

    def decide(self, number: int, outcome: str, who: Person) -> None:
        self.events += 1
        self.notices[number].outcome, self.notices[number].by = outcome, who.name
        if outcome in ANSWERED:
            self._promise("fpa_answer")
        if outcome == "accepted" and self.state not in DOWN:
            self.do("remove", who)
