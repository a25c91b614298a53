"""Who may do what to a contest and when, and what follows: its policy rows and its lifecycle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import product
from typing import Any

from django.db.models import Model

from cases.credit import codes, guards, letters, links, periods
from cases.credit.effects import AGAIN, OWNER
from cases.credit.models import Contest
from cases.kernel import actors, approvals, clocks, locks, record, tasks
from cases.kernel.exchange import corrections
from cases.kernel.finding import matching
from cases.kernel.lifecycle import Lifecycle, State, Transition
from cases.kernel.models import Case, CaseParty, SearchEntry, User
from cases.kernel.policy import Rule
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["HARM", "LIFECYCLE", "NOT_SHOWN", "POLICY", "approval_rows"]

_KIND = "contest"
_OFFICER = frozenset({"rights_officer"})
_REVIEWER = frozenset({"credit_reviewer"})
_DPO = frozenset({"data_protection_officer"})
NOT_SHOWN, HARM = "contest_identity_not_shown", "contest_harm"
tasks.declare(
    {
        NOT_SHOWN: "Nobody has shown in time who contests a decision: ask again, or refuse the contest for that",
        HARM: "A decision that did not stand did harm: see what can be put right, and say what was done",
    }
)

POLICY = (
    *(
        Rule(act=act, kind=_KIND, roles=_OFFICER | _DPO)
        for act in ("view", "note", "reveal", "download", "report", "view_audit", "close_task", "assign", "take")
    ),
    *(Rule(act=act, kind=_KIND, roles=_REVIEWER, scope="all") for act in ("view", "note", "reveal", "download")),
    *(Rule(act=act, kind=_KIND, roles=_OFFICER) for act in ("edit", "attach", "match")),
    *(
        Rule(act=act, kind=_KIND, roles=frozenset({"auditor"}), scope="all", needs_reason=True)
        for act in ("view", "report", "view_audit")
    ),
)


def approval_rows(case: Case) -> list[Model]:
    """Return what a contest says; an act of two people is bound to it."""
    return [
        Contest.objects.get(pk=case.pk),
        *approvals.people_and_documents(case),
    ]


def identity_is_checked(context: Any) -> str | None:
    return None if context.inputs.get("how") in dict(codes.IDENTITY) else "Say how the person showed who they are."


def is_not_known_yet(context: Any) -> str | None:
    is_known = context.case.state == "received" and context.case.contest.identity_how
    return "It is on record already that it is them." if is_known else None


# First and last name as one: with that, who showed who they are is the one who was decided on.
_NAMED_ALIKE = 40


def _has_part(contest: Contest, user_id: int | None) -> bool:
    """Say whether somebody took part in the decision, or let it stand in another contest of it."""
    stood = Contest.objects.filter(decision=contest.decision_id, reviewer=user_id, outcome__in=codes.STOOD)
    return guards.took_part(contest.decision, f"staff:{user_id}") or stood.exclude(pk=contest.pk).exists()


def _named(context: Any) -> User | None:
    text = str(context.inputs.get("reviewer") or "")
    return User.objects.filter(pk=int(text), is_active=True).first() if text.isascii() and text.isdigit() else None


def reviewer_had_no_part(context: Any) -> str | None:
    """Whoever looks at it afresh may change it, had no part in it, and has not let it stand before."""
    user = _named(context)
    if user is None or "credit_reviewer" not in actors.staff(user).roles:
        return "Choose somebody who may change such a decision."
    if _has_part(context.case.contest, user.pk):
        return "This person took part in the decision. Choose another."
    return None


def is_about_whoever_contests(context: Any) -> str | None:
    """The decision is the contester's own: joined with the applicant, alike enough by the table of the kernel, or
    named like the applicant and identity shown: that somebody is who they say makes nobody the applicant. References
    are numbers in a row, and a letter tells what came of it."""
    facts = context.case.contest
    least = _NAMED_ALIKE if facts.identity_how else matching.CERTAIN
    people = CaseParty.objects.filter(is_detached=False)
    own = people.filter(case=context.case, role="person")
    theirs = people.filter(case_id=facts.decision.case_id, role="applicant")
    if own.filter(party__in=theirs.exclude(party=None).values("party")).exists() or _are_alike(own, theirs, least):
        return None
    return (
        "Nothing shows that the decision is about whoever contests it: correct their name, join the two, or ask "
        "who they are."
    )


def _are_alike(own: Iterable[CaseParty], theirs: Iterable[CaseParty], least: int) -> bool:
    one, other = (SearchEntry.objects.filter(party__in=list(people)) for people in (own, theirs))
    pairs = product(map(matching.marks_of, one), map(matching.marks_of, other))
    return any(matching.compare(*pair).points >= least for pair in pairs)


def is_another_reviewer(context: Any) -> str | None:
    user = _named(context)
    has_it = user is not None and user.pk == context.case.contest.reviewer_id
    return "This person has it already." if has_it and context.case.state == "assigned" else None


def is_the_reviewer(context: Any) -> str | None:
    facts = context.case.contest
    if context.actor.user_id != facts.reviewer_id:
        return "Somebody else was asked to look at it."
    return "You took part in the decision." if _has_part(facts, context.actor.user_id) else None


def says_what_was_found(context: Any) -> str | None:
    """What no person had decided is never answered with a person's decision (UK GDPR Art 22C)."""
    inputs = context.inputs
    if inputs.get("outcome") not in dict(codes.CONTEST_OUTCOMES):
        return "Choose what came of it."
    if inputs["outcome"] == codes.NOT_AUTOMATED and context.case.contest.decision.automated_level == "solely":
        return "No person had decided: look at it afresh, and say whether the decision stands."
    if not str(inputs.get("findings") or "").strip():
        return "Write what you looked at, and what you found."
    if not set(inputs.get("harm") or ()) <= set(dict(codes.HARMS)):
        return "Choose what the decision did to them from the list."
    return None if str(inputs.get("answer") or "").strip() else "Write the answer to the person."


def has_their_words(context: Any) -> str | None:
    return None if str(context.inputs.get("words") or "").strip() else "Write what the person said."


def pause(context: Any) -> None:
    """Our month stands still until we know who contests, and after 14 days somebody is reminded of it."""
    clocks.pause(context.case, periods.ANSWER, at=context.at)
    clocks.start(context.case, periods.SHOWN, started_at=context.at)


def asked_no_more(context: Any) -> None:
    clocks.end(context.case, periods.SHOWN, at=context.at, state="met")
    tasks.close_all(context.case, NOT_SHOWN, actor=context.actor, at=context.at)


def had_its_days(context: Any) -> str | None:
    """Nobody is refused for not having shown who they are before the days for it are over."""
    clock = context.case.clocks.filter(rule=periods.SHOWN, ended_at=None, due_at__gt=context.at).first()
    if clock is None:
        return None
    return f"They have until {clock.due_date:%-d %B %Y} to show who they are."


def resume(context: Any) -> None:
    facts = context.case.contest
    facts.identity_how = str(context.inputs["how"])
    facts.save(update_fields=["identity_how"])
    clocks.resume(context.case, periods.ANSWER, at=context.at)


def assign(context: Any) -> None:
    """Give it to a reviewer, or to another one where the first cannot do it, who then has the case among their own.
    The event names whoever had it before."""
    facts = context.case.contest
    before, facts.reviewer = facts.reviewer_id, _named(context)
    named = {"reviewer": f"staff:{facts.reviewer_id}"} | ({"instead_of": f"staff:{before}"} if before else {})
    ledger.current().detail.update(named)
    facts.save(update_fields=["reviewer"])
    context.case.assignee_id = facts.reviewer_id


def decide(context: Any) -> None:
    """Keep what was found. Where the person won, the check is decided again, the owner of the rules hears of it, and
    whoever was told of the check is told that what was decided on it does not stand (UK GDPR Art 19, 22C); so are the
    desks of the cases that are linked with it."""
    case, at, inputs = context.case, context.at, context.inputs
    facts = case.contest
    facts.outcome = str(inputs["outcome"])
    texts = {name: str(inputs[name]).strip() for name in ("findings", "answer")}
    sealing.seal(facts, texts, key=facts.key)
    facts.harm = list(inputs.get("harm") or ())
    facts.save(update_fields=["outcome", "harm", *texts])
    clocks.meet(case, periods.ANSWER, at=at)
    clocks.start(case, periods.NOTIFY, started_at=at)
    if facts.outcome not in codes.WON:
        return
    if facts.harm:
        tasks.raise_task(HARM, case=case, at=at)
    check = locks.another_for_update(facts.decision.case_id)
    with record.act(check, "check.contest_won", actor=context.actor, at=at, detail={"outcome": facts.outcome}):
        tasks.raise_task(AGAIN, case=check, at=at, due_at=_due_again(check, at=at))
        if facts.decision.automated_level == "solely":
            tasks.raise_task(OWNER, case=check, at=at, rules=facts.decision.ruleset)
        corrections.send(check, "amended", reason=f"decision_{facts.outcome}", actor=context.actor, at=at)
        links.overturned(check, at=at)
        check.version += 1
        check.is_dormant = False
        clocks.refresh_due(check)
        check.save()


def _due_again(check: Case, *, at: datetime) -> datetime:
    """Return until when the check is decided again. Its clock runs where the check is open; one that has closed is
    opened again by two people first."""
    if check.is_closed:
        return clocks.plan(periods.REFERRED, started_at=at).due_at
    return clocks.start(check, periods.REFERRED, started_at=at).due_at


def refuse(context: Any) -> None:
    """Nobody showed who they are: the decision stands, and the person hears why nobody looked at it."""
    facts = context.case.contest
    facts.outcome = codes.NOT_PROVED
    facts.save(update_fields=["outcome"])
    clocks.meet(context.case, periods.ANSWER, at=context.at)
    letters.ask(context.case, letters.UNPROVED, at=context.at, role="person")


def notify(context: Any) -> None:
    clocks.end(context.case, periods.NOTIFY, at=context.at, state="met")
    letters.ask(context.case, letters.ANSWERED, at=context.at, role="person")


def withdraw(context: Any) -> None:
    facts = context.case.contest
    sealing.seal(facts, {"withdrawal": str(context.inputs["words"]).strip()}, key=facts.key)
    facts.save(update_fields=["withdrawal"])
    clocks.end(context.case, periods.ANSWER, at=context.at, state="cancelled")


LIFECYCLE = Lifecycle(
    initial="received",
    desk=_OFFICER,
    second="data_protection_officer",
    reopens_to="received",
    opening_roles=frozenset({"any_staff", "own-website"}),
    editable=frozenset({"received", "identity_check"}),
    papers=frozenset({"assigned"}),
    steps=(("received", "Received"), ("assigned", "Looked at afresh"), ("decided", "Decided"), ("closed", "Answered")),
    states=(
        State(code="received", label="Received", tone="wait", step="received"),
        State(code="identity_check", label="Identity being checked", tone="warn", step="received"),
        State(code="assigned", label="With a reviewer", tone="info", step="assigned"),
        State(code="decided", label="Decided", tone="ok", step="decided", is_dormant=True),
        State(code="closed", label="Answered", tone="done", step="closed", is_terminal=True, retention_class=_KIND),
        State(code="withdrawn", label="Withdrawn", tone="hold", is_terminal=True, retention_class=_KIND),
    ),
    transitions=(
        Transition(
            name="ask_identity",
            label="Ask who they are",
            source=frozenset({"received"}),
            target="identity_check",
            roles=_OFFICER,
            effects=(pause,),
            consequence="Only where there is a reasonable doubt; our month stands still until they have answered",
        ),
        Transition(
            name="confirm_identity",
            label="Record that it is them",
            source=frozenset({"received", "identity_check"}),
            target="received",
            roles=_OFFICER,
            guards=(is_not_known_yet, identity_is_checked),
            foreseen=(is_not_known_yet,),
            effects=(resume, asked_no_more),
            consequence="Our month goes on; nobody is asked who came with proof",
            tone="primary",
        ),
        Transition(
            name="refuse",
            label="Refuse: nobody showed who they are",
            source=frozenset({"identity_check"}),
            target="closed",
            roles=_DPO,
            needs_reason=True,
            guards=(had_its_days,),
            foreseen=(had_its_days,),
            effects=(refuse, asked_no_more),
            consequence="The decision stands; the person is told why, and where they can complain",
            tone="danger",
        ),
        Transition(
            name="assign",
            label="Give it to a reviewer",
            source=frozenset({"received", "assigned"}),
            target="assigned",
            roles=_OFFICER,
            guards=(is_about_whoever_contests, reviewer_had_no_part, is_another_reviewer),
            foreseen=(is_about_whoever_contests,),
            effects=(assign,),
            consequence="Somebody who had no part in the decision looks at it afresh",
            tone="primary",
        ),
        Transition(
            name="decide",
            label="Decide the contest",
            source=frozenset({"assigned"}),
            target="decided",
            roles=_REVIEWER,
            needs_reason=True,
            scope="all",
            guards=(is_the_reviewer, says_what_was_found),
            foreseen=(is_the_reviewer,),
            effects=(decide,),
            consequence="The person is told; where they won, the check is decided again without a new search",
            tone="primary",
        ),
        Transition(
            name="notify",
            label="Tell the person",
            source=frozenset({"decided"}),
            target="closed",
            roles=frozenset({"system"}),
            effects=(notify,),
        ),
        Transition(
            name="withdraw",
            label="Record that they withdrew it",
            source=frozenset({"received", "identity_check", "assigned"}),
            target="withdrawn",
            roles=_OFFICER,
            guards=(has_their_words,),
            effects=(withdraw, asked_no_more),
            consequence="The decision stands as it is",
            tone="quiet",
        ),
    ),
)
