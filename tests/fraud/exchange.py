"""The exchange with the fraud prevention agency as the design tells it, in plain Python. Imports nothing of `cases`.

People move the referral (tests/fraud/model.py); here is what becomes of each filing and of each thing the agency says,
in whatever order tries and answers come.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.fraud.casework import NOTICES, WAITING, Casework, Notice
from tests.fraud.model import Person

MOST_TRIES = 10
WAITS = ("pending", "dead")
OPEN = (*WAITS, "skipped")
AGENCY = Person("agency", frozenset({"agency"}))
SYSTEM = Person("system", frozenset({"system"}))
OWED = ("approved", "submitted")
# What a hold on reporting keeps, also when it was promised before.
REPORTS = ("fpa_file", "report_fraud")
# Behind a filing lies only what follows from it; a refusal by the agency leads back to where nearly all can follow.
AFTER_FILING = {"filed", "disputed", "removal_requested", "removed", "expired"}


@dataclass
class Heard:
    """One thing the agency said about one filing, or about a later word of ours, and what came of it."""

    kind: str
    filing: int
    state: str = "received"
    word: int | None = None
    reference: str = ""


@dataclass
class Exchange:
    """A referral, its filings in the order in which they were promised, and what was heard."""

    case: Casework
    heard: list[Heard] = field(default_factory=list)
    tries: Counter[int] = field(default_factory=Counter)

    @property
    def filings(self) -> list[str]:
        return self.case.messages

    def is_overtaken(self, filing: int) -> bool:
        return self.filings[filing] == "withdrawn" or filing < len(self.filings) - 1

    def deliver(self, outcome: str) -> None:
        """One try at what waits, in the order of each recipient: it arrives, is refused for its fields, has to be tried
        again or never will arrive; then what comes after it waits. Nothing waits for a removal."""
        police = [("word", number) for number, (kind, _) in enumerate(self.case.words) if not kind.startswith("fpa_")]
        for stream in (list(self.case.order), police):
            for what, number in stream:
                is_removal = what == "word" and self.case.words[number][0] == "fpa_remove"
                if self._try(what, number, outcome) in WAITS and not is_removal:
                    break

    def _try(self, what: str, number: int, outcome: str) -> str:
        is_filing = what == "filing"
        kind, state = ("fpa_file", self.filings[number]) if is_filing else self.case.words[number]
        if state != "pending" or (kind in REPORTS and self.case.is_held):
            return state
        self.case.tried.add((what, number))
        key = number if is_filing else -1 - number
        self.tries[key] += 1
        again = "dead" if self.tries[key] >= MOST_TRIES else "pending"
        state = {"arrives": "delivered", "refused": "refused", "again": again, "never": "dead"}[outcome]
        if is_filing:
            self.filings[number] = state
            self._take_note(number)
        else:
            self.case.words[number] = kind, state
        return state

    def _take_note(self, number: int) -> None:
        if self.is_overtaken(number):
            return
        if self.filings[number] == "refused" and self.case.state in OWED:
            self._move("reject_by_agency", SYSTEM)
        elif self.filings[number] == "delivered" and self.case.state == "approved":
            self._move("submitted", SYSTEM)

    def resolve(self, what: str, number: int, state: str) -> None:
        """Somebody has what failed tried again, or gives it up."""
        if what == "filing":
            self.filings[number] = state
        else:
            self.case.words[number] = self.case.words[number][0], state

    def hear(self, kind: str, filing: int, word: int | None = None, reference: str = "") -> None:
        """The agency says something for the first time. Whatever was refused before gets another chance when
        something is applied."""
        self.heard.append(Heard(kind, filing, word=word, reference=reference))
        while waiting := [one for one in self.heard if one.state == "received"]:
            for one in waiting:
                one.state = self._apply(one)
                if one.state == "applied":
                    for other in self.heard:
                        other.state = "received" if other.state == "failed" else other.state

    def _apply(self, one: Heard) -> str:
        if one.kind in NOTICES:
            told = Notice(one.kind, one.reference)
            known = [each for each in self.case.notices if (each.kind, each.reference) == (told.kind, told.reference)]
            if any(each.outcome in WAITING for each in known):  # the same waits already
                return "ignored"
            self._imply_delivery(one.filing)
            self._acknowledge(one.filing)
            self.case.notices.append(told)
            return "applied"
        if one.kind in {"disputed", "removed"}:
            return self._apply_later(one)
        if self.is_overtaken(one.filing):
            return {"filed": "failed", "rejected": "ignored"}[one.kind]
        state = self._state_once_delivered(one.filing)
        if one.kind == "rejected" and state in {"filed", "disputed", "removal_requested"}:
            return "failed"  # it said that it had filed the same
        if one.kind == "filed" and state == "removed":
            return "failed"  # it says so only after it was down
        if state not in OWED:
            is_behind = state in AFTER_FILING or (one.kind == "rejected" and state not in {"void", "merged"})
            return "ignored" if is_behind else "failed"
        self._imply_delivery(one.filing)
        self._move({"filed": "file", "rejected": "reject_by_agency"}[one.kind], AGENCY)
        self._acknowledge(one.filing)
        return "applied"

    def _apply_later(self, one: Heard) -> str:
        """What the agency says of a filing that stands: a complaint, or that it has taken it down."""
        wanted, behind = {
            "disputed": ("filed", AFTER_FILING - {"filed"}),
            "removed": ("removal_requested", {"removed"}),
        }[one.kind]
        is_over = one.kind == "removed" and self.case.state == "expired"  # confirms what time has ended
        # Whoever complains of what is down is answered all the same; nothing moves.
        is_over |= one.kind == "disputed" and self.case.state in {"removed", "expired"}
        is_meanwhile = one.kind == "disputed" and self.case.state == "removal_requested"
        if is_meanwhile and self.case.is_disputed_meanwhile:
            return "ignored"
        if self.case.state != wanted and not (is_over or is_meanwhile):
            return "ignored" if self.case.state in behind else "failed"
        if one.word is None:
            self._imply_delivery(one.filing)
        if not is_over:
            disputed = "note_dispute" if is_meanwhile else "dispute"
            self._move({"disputed": disputed, "removed": "confirm_removal"}[one.kind], AGENCY)
        if one.word is None:
            self._acknowledge(one.filing)
        else:
            kind, state = self.case.words[one.word]
            self.case.words[one.word] = kind, "acknowledged" if state in {*OPEN, "delivered"} else state
        return "applied"

    def _state_once_delivered(self, filing: int) -> str:
        is_owed = self.filings[filing] in OPEN and self.case.state == "approved"
        return "submitted" if is_owed else self.case.state

    def _imply_delivery(self, filing: int) -> None:
        if self.filings[filing] in OPEN:
            self.filings[filing] = "delivered"
            self._take_note(filing)

    def _acknowledge(self, filing: int) -> None:
        if self.filings[filing] == "delivered":
            self.filings[filing] = "acknowledged"

    def _move(self, act: str, who: Person) -> None:
        self.case.do(act, who)
