"""A referral as the design tells it, in plain Python. Imports nothing of `cases`: the code is held against it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.kernel import design

MOVES = {move.name: move for move in design.moves_of("fraud_referral")}
EDITABLE = {"referred", "triage", "investigating", "ready", "filed", "disputed"}
ENDS = {"no_action", "refused", "removed", "expired"}
DESK = {"fraud_analyst", "fraud_approver"}
NEEDS_ANOTHER = {"return", "refuse", "approve"}
# Whoever made the filing or decided on it does not judge it again.
NEEDS_OTHERS = {"uphold", "amend_disputed"}
AMENDS = {"amend", "amend_disputed"}
EDITS = {"edit", "attach", "add"}
# Where the case may be changed before there is a filing.
BEFORE = {"investigating", "ready"}


@dataclass(frozen=True)
class Person:
    """Who acts: a name and the roles played."""

    name: str
    roles: frozenset[str]


@dataclass
class Referral:
    """State, who shaped it and who decided on it, whether an approval waits, which filings were promised to the agency,
    and what it was told later, by kind and state."""

    opened_by: str
    state: str = "referred"
    documents: int = 0
    events: int = 1
    waits: bool = False
    makers: set[str] = field(default_factory=set)
    checkers: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)
    # What went to the agency, in order: whether it is a filing or a later word, and which.
    order: list[tuple[str, int]] = field(default_factory=list)
    changers: set[str] = field(default_factory=set)  # who changed the case since the agency was told what it says
    shapers: set[str] = field(default_factory=set)  # who changed it or added to it since it last moved
    # Who is in the case, by number, and whether what is filed of them is adverse; who has such a marker; how many ever.
    people: dict[int, bool] = field(default_factory=lambda: {1: True, 2: False})
    marked: set[int] = field(default_factory=set)
    named: int = 2
    marks: dict[int, set[int]] = field(default_factory=dict)  # whom an amendment marks anew, by the place of its word
    remover: str = ""
    is_disputed_meanwhile: bool = False  # while it comes down
    told_police: set[int] = field(default_factory=set)  # about whom
    reports: dict[int, set[int]] = field(default_factory=dict)  # whom each names, by the place of its word
    told_calls: bool = False  # whether the last report held communications data
    police_said: int = 0  # at which edit the police were told last
    asks_anew: bool = False  # whether somebody is asked to report to them anew
    edits: int = 0
    said: tuple[int, frozenset[int]] = (0, frozenset())  # what the agency was told last

    def __post_init__(self) -> None:
        self.makers.add(self.opened_by)
        self.shapers.add(self.opened_by)

    @property
    def is_held(self) -> bool:
        """Whether nothing more is to be reported."""
        return False

    @property
    def is_removal_heard(self) -> bool:
        """Whether the agency was sent the removal, or will be, and did not refuse it."""
        unheard = {"refused", "skipped", "withdrawn", "superseded"}
        return any(kind == "fpa_remove" and state not in unheard for kind, state in self.words)

    @property
    def adverse(self) -> set[int]:
        return {number for number, is_adverse in self.people.items() if is_adverse}

    @property
    def marked_anew(self) -> set[int]:
        """Who would be marked at the agency that has no such marker of them."""
        had = {"delivered", "acknowledged"}
        amendments = [(place, state) for place, (kind, state) in enumerate(self.words) if kind == "fpa_amend"]
        last = max((place for place, state in amendments if state in had), default=-1)
        unsaid = {number for place, numbers in self.marks.items() if place > last for number in numbers}
        return self.adverse - (self.marked - unsaid)

    @property
    def says(self) -> tuple[int, frozenset[int]]:
        return self.edits, frozenset(self.people)

    @property
    def owes_amendment(self) -> bool:
        """Whether the agency would be told something else, or did not take what it was told last."""
        amendments = [state for kind, state in self.words if kind == "fpa_amend"]
        return bool(self.changers and self.says != self.said) or amendments[-1:] in (["refused"], ["withdrawn"])

    def allows(self, act: str, who: Person, *, is_late: bool = False) -> bool:
        if act == "note":
            return bool(who.roles & DESK)
        if act in EDITS:
            return "fraud_analyst" in who.roles and self.state in EDITABLE
        move = MOVES[act]
        if self.state not in move.sources or not who.roles & move.roles:
            return False
        if act in NEEDS_ANOTHER and who.name in self.makers:
            return False
        if act in NEEDS_OTHERS and who.name in self.makers | self.checkers:
            return False
        if act in AMENDS and (who.name in self.changers or not self.owes_amendment):
            return False
        wanting = {
            "submit": self.documents == 0 or not self.adverse,
            "amend": who.name in self.shapers or not self.adverse,
            "amend_disputed": not self.adverse
            or bool(self.adverse - self.marked)
            or (self.is_held and bool(self.marked_anew)),
            "report_to_police": self.documents == 0 or not self.people,
            "approve": not self.waits,
            "close_no_action": self.asks_anew,
            "note_removal": who.name == self.remover or self.is_removal_heard,
            "dispute": self.state == "disputed",  # the same person, on the same grounds
            "note_dispute": self.is_disputed_meanwhile,
            "expire": not is_late,
        }
        return not wanting.get(act, False)

    def do(self, act: str, who: Person) -> None:
        """Take note of an act that was allowed."""
        self.events += 1
        if act in EDITS:
            self._shape(who.name)
            self.changers |= {who.name} if act != "attach" else set()
            self.documents += act == "attach"
            self.edits += act == "edit"
            if act == "add":
                self.named += 1
                self.people[self.named] = True
            if act != "attach":
                self._ask_anew()
        elif act != "note":
            self.state = MOVES[act].target_from(self.state)
            if MOVES[act].target != "=":
                self.shapers.clear()
            self._follow(act, who)

    def _ask_anew(self) -> None:
        """A change before there is a filing: the police may have something else than the case says."""
        if self.state in BEFORE and self.told_police:
            self.asks_anew = self.edits != self.police_said

    def _shape(self, name: str) -> None:
        self.makers.add(name)
        self.shapers.add(name)
        self.waits = False

    def _follow(self, act: str, who: Person) -> None:
        if act == "submit":
            self.makers.add(who.name)
            self.waits = True
        elif act in {*NEEDS_ANOTHER, "withdraw", "correct"}:
            self.waits = False
        if act == "remove":
            self.makers.add(who.name)  # asks for a look afterwards
            self.remover = who.name
        self.is_disputed_meanwhile |= act == "note_dispute"
        if act in NEEDS_ANOTHER:
            self.checkers.add(who.name)
        if act == "approve":
            replaced = {"pending", "refused", "dead"}
            self.messages = ["superseded" if each in replaced else each for each in self.messages] + ["pending"]
            self.order.append(("filing", len(self.messages) - 1))
        if act in {"approve", *AMENDS}:
            self.changers, self.said = set(), self.says
        anew = self.marked_anew
        self.marked |= self.adverse if act in {"file", *AMENDS} else set()
        if act == "withdraw":
            self.messages = ["withdrawn" if each in {"pending", "dead"} else each for each in self.messages]
        self._tell(act, who, anew)

    def _tell(self, act: str, who: Person, anew: set[int]) -> None:
        """What the agency and the police are told, and what that takes back or replaces."""
        if act in AMENDS:
            self._retire({"fpa_amend"}, {"pending", "refused", "dead"}, "superseded")
            self.marks[len(self.words)] = anew
            self._promise("fpa_amend")
        if self.told_police and act in {"approve", "refuse", *AMENDS}:
            self.asks_anew = False
            if act in AMENDS or self.edits != self.police_said:
                self._tell_police_anew()
        if act in {"remove", "expire"}:
            # Nothing older to the agency holds a removal back, the filing's own message no more than another.
            self.messages = ["withdrawn" if each in {"pending", "dead"} else each for each in self.messages]
            self._retire({"fpa_amend", "fpa_dispute", "fpa_answer"}, {"pending", "dead"}, "withdrawn")
            self._promise("fpa_remove")
        if act == "remove" and self.told_police:
            self._police_let_go()
        if act == "uphold" or (act == "dispute" and "agency" not in who.roles):
            self._promise("fpa_dispute")
        if act == "report_to_police":
            self.told_police.add(min(self.people))
            self.police_said, self.asks_anew = self.edits, False
            self._promise("report_fraud")

    def _police_let_go(self) -> None:
        self.told_police.clear()
        if self._police_may_have_it():
            self._promise("correction_removed")

    def _police_may_have_it(self) -> bool:
        """Whether a report left, or will: what a hold keeps is taken back."""
        return True

    def _tell_police_anew(self) -> None:
        if self.told_calls or self.is_held:  # somebody is asked for the report, and they get its notice alone
            self.asks_anew = True
        else:
            self._promise("report_fraud")
            self.police_said = self.edits
        self._promise("correction_amended")

    def _promise(self, kind: str) -> None:
        self.words.append((kind, "pending"))
        if kind == "report_fraud":
            self.reports[len(self.words) - 1] = set(self.told_police)
        if kind.startswith("fpa_"):
            self.order.append(("word", len(self.words) - 1))

    def _retire(self, kinds: set[str], states: set[str], to: str) -> None:
        self.words = [(kind, to if kind in kinds and state in states else state) for kind, state in self.words]
