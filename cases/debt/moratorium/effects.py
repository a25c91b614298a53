"""What a move of a moratorium writes, inside the same transaction and the same ledger event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import transaction

from cases.accounts import storing
from cases.accounts.models import Account
from cases.debt import codes as placed
from cases.debt import looking as placements
from cases.debt import title
from cases.debt.messages import DCA_HOLD
from cases.debt.models import Placement
from cases.debt.moratorium import codes as regimes
from cases.debt.moratorium import fees, messages, opening, periods, searching
from cases.debt.moratorium.models import Moratorium, MoratoriumDebt
from cases.kernel import calendars, clocks, holds, locks, parties, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.exchange import letters
from cases.kernel.finding import matching
from cases.kernel.finding.matching import CERTAIN
from cases.kernel.models import Case, CaseParty, Clock, Hold, OutboxMessage, SearchEntry
from cases.kernel.timing import places
from cases.ledger import sealing

__all__ = ["BY_HAND", "JOINT", "LETTERS", "UNCLEAR", "account_named", "came_back", "protect", "protect_known", "told"]

UNCLEAR, JOINT, BY_HAND = "moratorium_unclear", regimes.JOINT, "moratorium_by_hand"
SEND, OTHERS = "moratorium_send_particulars", "moratorium_others"
UNKNOWN, AGAIN, TWICE = "moratorium_unknown", "moratorium_open_again", "moratorium_twice"


def _twice_in_words(detail: Mapping[str, Any]) -> str:
    if "debts" not in detail:
        return ""
    debts = ", ".join(str(number) for number in detail["debts"])
    ended = "; this one has ended" if detail.get("is_over") else ""
    return f"debt {debts}{ended}"


tasks.declare(
    {
        UNCLEAR: "A moratorium notice: say which accounts are the debtor's, or that there are none",
        JOINT: "A joint debt: decide how the holder who is in no moratorium is asked, and what of a charge they owe",
        SEND: "Let an adviser whom the notice does not name have what the review rests on",
        UNKNOWN: "The notice names an account that is none of ours yet: look for a wrong number, and ask billing",
        AGAIN: "Billing told of an account that the notice names, which was answered as not found: open the case again",
        OTHERS: "Say whether other accounts that were found are the debtor's too, and tell the adviser, who waits",
        BY_HAND: "Tell the adviser, the register or a buyer by hand: no message or letter can go",
        TWICE: "Another moratorium protects a debt of this one too: ask the register whether both stand",
    },
    more={TWICE: _twice_in_words},
    ended_by={UNCLEAR: "This ends when the notice is applied, or answered as not found."},
)
_ON_THEIR_WAY = ("pending", "sending", "unknown", "refused", "dead")
N9, REVIEW = "moratorium_n9", "moratorium_review"
LETTERS = tuple(
    letters.Template(
        code=code,
        version=1,
        label=label,
        template=f"cases/debt/moratorium/letters/{code.removeprefix('moratorium_')}.html",
        effective_from=periods.CLOCKS[0].effective_from,
        says=("review_particulars",) if code == REVIEW else (),
    )
    for code, label in ((N9, "A moratorium is applied: to the adviser"), (REVIEW, "A review is asked for"))
)


def facts_of(case: Case) -> Moratorium:
    return Moratorium.objects.get(pk=case.pk)


def write_to_adviser(case: Case, template: str, *, at: datetime) -> bool:
    """Ask for a letter to the adviser; where none can reach them, somebody tells them by hand. A notice that names no
    adviser is answered to the register alone, which passes it on. Says whether there is an adviser."""
    party = CaseParty.objects.filter(case=case, role="adviser", is_detached=False).order_by("number").first()
    if party is None:
        return False
    if places.is_reached(party):
        letters.request(case, party, template=template, at=at)
    else:
        tasks.raise_task(BY_HAND, case=case, at=at, letter=template)
    return True


def _or_by_hand(case: Case, tell: Callable[[], object], *, at: datetime, what: str) -> None:
    """Tell somebody; what cannot leave is for people, and stops nothing that protects the debtor."""
    try:
        with transaction.atomic():
            tell()
    except CaseError:
        tasks.raise_task(BY_HAND, case=case, at=at, message=what)


def answer(case: Case, outcome: str, *, actor: Actor, at: datetime) -> None:
    """Answer the register, and the clock of the answer with it."""
    debts = list(searching.debts_of(case))
    own = [debt for debt in debts if debt.standing == "protected"]
    further = [debt for debt in debts if debt.standing == "told"]
    owed = fees.owed([debt.account for debt in (*own, *further) if debt.account is not None])
    tell = partial(messages.answer, case, outcome, debts=own, further=further, owed=owed, actor=actor, at=at)
    _or_by_hand(case, tell, at=at, what=messages.ANSWER.code)
    clocks.meet(case, periods.ANSWER, at=at)
    for kind in (UNCLEAR, AGAIN):
        tasks.close_all(case, kind, actor=actor, at=at)


def _keep_whose(accounts: Collection[Account | None]) -> None:
    """Lock accounts without waiting, so that none of them is being sold while it is asked whose they are. Raises
    locks.CaseBusy: whoever asked tries again, and finds them sold."""
    wanted = {each.pk for each in accounts if each is not None}
    rows = Account.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True, skip_locked=True)
    if len(rows.values_list("pk", flat=True)) < len(wanted):
        raise locks.CaseBusy


def apply(context: Any) -> None:
    """Protect the debts from the first day on, even if that is past; tell whoever has to know; give back what was
    charged since; name the debtor's other debts. Locks their accounts without waiting. Raises locks.CaseBusy."""
    case, at, actor = context.case, context.at, context.actor
    facts, debts = facts_of(case), list(searching.debts_of(case))
    _keep_whose([debt.account for debt in debts])
    chosen = searching.meant(debts)
    if actor.kind == "staff":
        wanted = {str(number) for number in context.inputs["debts"]}
        chosen = [debt for debt in debts if str(debt.number) in wanted]
    ends = _start_clocks(case, facts, at=at)
    facts.last_date = ends.due_date if ends else None
    facts.save(update_fields=["last_date"])
    _hold(case, facts, party=searching.debtor_of(case), began=facts.start_date, ends=ends, actor=actor, at=at)
    _name_further(case, [debt for debt in debts if debt not in chosen], at=at)
    _forward_sold(case, chosen, actor=actor, at=at)
    for debt in chosen:
        if debt.standing != "sold":
            protect(case, facts, debt, from_date=facts.start_date, ends=ends, actor=actor, at=at)
    _settle_told(case, at=at)
    _name_accounts(case, at=at)
    _ask_about_others(case, at=at, is_over=False)
    answer(case, "sold" if all(debt.standing == "sold" for debt in chosen) else "found", actor=actor, at=at)
    if actor.kind == "system" and facts.undecided:
        tasks.raise_task(OTHERS, case=case, at=at, debts=[debt.number for debt in facts.undecided])
    if any(debt.standing == "unknown" for debt in debts):
        tasks.raise_task(UNKNOWN, case=case, at=at)
    write_to_adviser(case, N9, at=at)


def _ask_about_others(case: Case, *, at: datetime, is_over: bool) -> None:
    """Have somebody ask whether another moratorium in force that protects a debt of this one is the same notice once
    more, or has ended with it: the debt stays protected until that ends too. Inside the current ledger action."""
    own = searching.debts_of(case).filter(standing="protected")
    others = MoratoriumDebt.objects.filter(
        account__in=own.values("account"), standing="protected", case__state__in=regimes.IN_FORCE
    ).exclude(case=case)
    twice = sorted(own.filter(account__in=others.values("account")).values_list("number", flat=True))
    over: dict[str, Any] = {"is_over": True} if is_over else {}
    if twice:
        tasks.raise_task(TWICE, case=case, at=at, debts=twice, **over)


def _name_further(case: Case, debts: Sequence[MoratoriumDebt], *, at: datetime) -> None:
    """Name the other debts of the debtor that were found for certain. The register is told of those that are ours;
    of one that was sold a person tells the adviser whose it is, since no notice is about it."""
    found = [debt for debt in debts if debt.origin == "search" and debt.score >= CERTAIN]
    owners = title.buyers([debt.account_id for debt in found if debt.account_id])
    for debt in found:
        if debt.account_id in owners:
            tasks.raise_task(BY_HAND, case=case, at=at, sold_debt=debt.number)
        else:
            debt.standing = "told"
            debt.save(update_fields=["standing"])


def _name_accounts(case: Case, *, at: datetime) -> None:
    """Let the case be found by the accounts it protects, so that whoever asks what holds stop on one finds its hold."""
    debtor = searching.debtor_of(case)
    accounts = [debt.account for debt in searching.debts_of(case).filter(standing="protected") if debt.account]
    if debtor is not None:
        reader = sealing.Reader(actor="system:moratoria", verb="match", purpose="moratorium", streams=(case.uid,))
        numbers = [values["number"] or "" for values in sealing.open_rows(accounts, ["number"], reader=reader, at=at)]
        parties.change(debtor, {"account_reference": "\n".join(numbers)}, key=debtor.key)


def _start_clocks(case: Case, facts: Moratorium, *, at: datetime) -> Clock | None:
    """Start what runs from the first protected day; return the clock that ends the moratorium, if time alone does."""
    place, start = opening.jurisdiction(facts.regime), opening.midnight(facts.start_date)
    clocks.meet(case, periods.MATCH, at=at)
    if place == "eaw":
        clocks.start(case, periods.REVIEW, started_at=start, jurisdiction=place)
    if facts.regime not in periods.ENDS:
        return None
    rule, days = periods.ENDS[facts.regime]
    for midway in periods.MIDWAY if facts.regime == "breathing_space" else ():
        clocks.start(case, midway, started_at=start, jurisdiction=place)
    return clocks.start(case, rule, started_at=opening.days_before(facts.start_date, days), jurisdiction=place)


def _hold(
    case: Case,
    facts: Moratorium,
    *,
    party: CaseParty | None,
    began: date,
    ends: Clock | None,
    actor: Actor,
    at: datetime,
) -> Hold:
    usual = {"ends_at": ends.due_at, "review_at": ends.due_at} if ends else {}
    return holds.place(
        case,
        facts.regime,
        actor=actor,
        at=at,
        source="agency" if facts.agency_id else "adviser",
        reference=case.reference if case.pk == facts.pk else facts.case.reference,
        began_at=opening.midnight(began),
        received_at=facts.case.opened_at,
        party=party,
        **usual,
    )


def protect(
    case: Case,
    facts: Moratorium,
    debt: MoratoriumDebt,
    *,
    from_date: date,
    ends: Clock | None,
    actor: Actor,
    at: datetime,
) -> None:
    """Protect one debt of a locked case from a day on: hold its placement, which tells the agency at once, and give
    back what was charged. Locks the placement's case without waiting. Raises locks.CaseBusy."""
    debt.standing, debt.effective_date = "protected", from_date
    open_ones = Placement.objects.filter(account=debt.account, case__state__in=placed.OUT).order_by("-pk")
    for placement in open_ones[:1]:
        other = locks.another_for_update(placement.pk)
        with record.act(other, "placement.debtor_protected", actor=actor, at=at):
            party = _same_person(case, other) if debt.is_joint else None
            debt.hold = _hold(other, facts, party=party, began=from_date, ends=ends, actor=actor, at=at)
            other.version += 1
            other.save()
        if other.state in placed.AT_AGENCY:
            _watch_told(case, facts, at=at)
    debt.save(update_fields=["standing", "effective_date", "hold"])
    if debt.is_joint:
        tasks.raise_task(JOINT, case=case, at=at, debt=debt.number)
        return
    for charge in fees.charges(debt, until=facts.last_date):
        fees.reverse(debt, charge, at=at)


def _same_person(case: Case, other: Case) -> CaseParty | None:
    """Return which person of a placement is the debtor, by blind tokens alone; none where nobody surely is, and then
    the hold is for everybody."""
    debtor = searching.debtor_of(case)
    mine = SearchEntry.objects.filter(party=debtor).first() if debtor else None
    if mine is None:
        return None
    entries = SearchEntry.objects.filter(case=other, party__isnull=False, version=mine.version).select_related("party")
    scored = [
        (matching.compare(matching.marks_of(mine), matching.marks_of(each)).points, each.party) for each in entries
    ]
    points, party = max(scored, key=lambda found: found[0], default=(0, None))
    return party if points >= matching.ASKED else None


def _watch_told(case: Case, facts: Moratorium, *, at: datetime) -> None:
    """From now on it is watched that the agency's stop has left."""
    if not Clock.objects.filter(case=case, rule=periods.TOLD, ended_at=None).exists():
        clocks.start(case, periods.TOLD, started_at=at, jurisdiction=opening.jurisdiction(facts.regime))


def told(placement: Case, *, at: datetime) -> None:
    """A stop has reached the agency: where it was the last one a moratorium waited for, its clocks are met."""
    waiting = MoratoriumDebt.objects.filter(
        hold__case=placement, case__clocks__rule=periods.TOLD, case__clocks__ended_at=None
    )
    for case_id in set(waiting.values_list("case_id", flat=True)):
        case = locks.case_for_update(case_id)
        if _is_untold(case):
            continue
        with record.act(case, "moratorium.collectors_told", actor=system("delivery", source=case.source), at=at):
            _settle_told(case, at=at)
            clocks.refresh_due(case)
            case.version += 1
            case.save()


def _settle_told(case: Case, *, at: datetime) -> None:
    """Meet the clocks of telling collectors once there is nobody left who has to hear of it."""
    if not _is_untold(case):
        for rule in (periods.TOLD, periods.TELL):
            clocks.meet(case, rule, at=at)


def _is_untold(case: Case) -> bool:
    """Say whether an agency that has one of the debts was not told to stop, or has not received it yet."""
    held = MoratoriumDebt.objects.filter(case=case, hold__isnull=False).values("hold__case")
    at_agency = Placement.objects.filter(case__in=held, case__state__in=placed.AT_AGENCY)
    on_its_way = OutboxMessage.objects.filter(case__in=held, kind=DCA_HOLD.code, state__in=_ON_THEIR_WAY)
    return at_agency.filter(is_told_of_hold=False).exists() or on_its_way.exists()


def _forward_sold(case: Case, debts: Sequence[MoratoriumDebt], *, actor: Actor, at: datetime) -> None:
    """Pass the notice on to the buyers of those debts that are not ours any more."""
    owners = title.buyers([debt.account_id for debt in debts if debt.account_id])
    by_buyer: dict[Any, list[MoratoriumDebt]] = defaultdict(list)
    for debt in debts:
        if debt.account_id in owners:
            debt.standing = "sold"
            debt.save(update_fields=["standing"])
            by_buyer[owners[debt.account_id]].append(debt)
    for buyer, sold in by_buyer.items():
        tell = partial(messages.forward, case, buyer, sold, actor=actor, at=at)
        _or_by_hand(case, tell, at=at, what=messages.FORWARD.code)


def not_found(context: Any) -> None:
    """Nobody of ours is meant."""
    answer(context.case, "not_found", actor=context.actor, at=context.at)
    end_all(context.case, at=context.at)


def forward(context: Any) -> None:
    """Every debt of the notice was sold: the buyer and the adviser are told."""
    case, at, actor = context.case, context.at, context.actor
    _forward_sold(case, searching.meant(list(searching.debts_of(case))), actor=actor, at=at)
    answer(case, "sold", actor=actor, at=at)
    end_all(case, at=at)
    write_to_adviser(case, N9, at=at)


def came_back(account: Account, *, at: datetime) -> bool:
    """Protect a debt that a buyer gave back and that a moratorium in force is about, from its first day on, in an act
    of that case; the register is answered anew. Say whether a notice that was passed on to the buyer, and applied to
    nothing of ours, is about it: a person looks. Locks those cases without waiting. Raises locks.CaseBusy."""
    sold = MoratoriumDebt.objects.filter(account=account, standing="sold").exclude(case__state__in=["void", "merged"])
    for debt in sold.filter(case__state__in=regimes.IN_FORCE).order_by("case_id"):
        case = locks.another_for_update(debt.case_id)
        facts, actor = facts_of(case), system("moratoria", source=case.source)
        with record.act(case, "moratorium.debt_came_back", actor=actor, at=at, detail={"debt": debt.number}):
            protect(case, facts, debt, from_date=facts.start_date, ends=_ends(case), actor=actor, at=at)
            _name_accounts(case, at=at)
            answer(case, "found", actor=actor, at=at)
            clocks.refresh_due(case)
            case.version += 1
            case.save()
    return sold.filter(case__state="forwarded").exists()


def protect_known(case: Case, *, actor: Actor, at: datetime) -> None:
    """Protect the debts that the notice names and of whose accounts billing has told by now, from the first day on,
    in an act of the locked case in force; of one that is not certainly the debtor's a person says whose it is. Locks
    their accounts without waiting. Raises locks.CaseBusy."""
    facts, found = facts_of(case), searching.name_again(case, at=at)
    if not found:
        return
    _keep_whose([debt.account for debt in found])
    with record.act(case, "moratorium.account_protected", actor=actor, at=at) as action:
        action.detail["debts"] = [debt.number for debt in found]
        for debt in found:
            debt.standing = "candidate"
            searching.score(case, debt, at=at)
        certain = searching.meant(found)
        _forward_sold(case, certain, actor=actor, at=at)
        own = [debt for debt in certain if debt.standing != "sold"]
        for debt in own:
            protect(case, facts, debt, from_date=facts.start_date, ends=_ends(case), actor=actor, at=at)
        if others := [debt.number for debt in found if debt not in certain]:
            tasks.raise_task(OTHERS, case=case, at=at, debts=others)
        if not searching.debts_of(case).filter(standing="unknown").exists():
            tasks.close_all(case, UNKNOWN, actor=actor, at=at)
        _settle_told(case, at=at)
        _name_accounts(case, at=at)
        if certain:
            answer(case, "found" if own else "sold", actor=actor, at=at)
        clocks.refresh_due(case)
        case.version += 1
        case.save()


def _ends(case: Case) -> Clock | None:
    rules = [rule for rule, _ in periods.ENDS.values()]
    return Clock.objects.filter(case=case, rule__in=rules, ended_at=None).first()


def account_named(inputs: Any) -> Account | None:
    """Return the account that a debt to be added is of."""
    return storing.find(str(inputs.get("account_reference") or ""))


def add_debt(context: Any) -> None:
    """One more debt is protected, from the day on that the notice of it says; a review may be asked for anew. Of one
    that was sold the buyer is told, and the register that it was."""
    case, at, inputs = context.case, context.at, context.inputs
    facts, account = facts_of(case), account_named(inputs)
    _keep_whose([account])
    debt = searching.debts_of(case).filter(account=account).first()
    if debt is None:
        debt = opening.add_debt(
            case,
            searching.next_number(case),
            origin="added",
            standing="candidate",
            account_reference=str(inputs["account_reference"]),
            amount_pence=inputs.get("amount_pence"),
            account=account,
        )
    searching.score(case, debt, at=at)
    day = date.fromisoformat(str(inputs["effective_date"]))
    _forward_sold(case, [debt], actor=context.actor, at=at)
    if debt.standing == "sold":
        answer(case, "sold", actor=context.actor, at=at)
        return
    protect(case, facts, debt, from_date=day, ends=_ends(case), actor=context.actor, at=at)
    if opening.jurisdiction(facts.regime) == "eaw":
        clocks.start(case, periods.REVIEW, started_at=opening.midnight(day), jurisdiction="eaw")
    _settle_told(case, at=at)
    _name_accounts(case, at=at)
    answer(case, "found", actor=context.actor, at=at)


def request_review(context: Any) -> None:
    """Ask the adviser to review the moratorium; they have until the 35th day to decide."""
    case, at, inputs = context.case, context.at, context.inputs
    facts = facts_of(case)
    facts.review_ground = str(inputs["ground"])
    sealing.seal(facts, {"review_particulars": str(inputs["particulars"]).strip()}, key=case.key)
    facts.save(update_fields=["review_ground", "review_particulars"])
    clocks.meet(case, periods.REVIEW, at=at)
    clocks.start(case, periods.DECIDED, started_at=opening.midnight(facts.start_date), jurisdiction="eaw")
    if not write_to_adviser(case, REVIEW, at=at):
        tasks.raise_task(SEND, case=case, at=at)


def review_refused(context: Any) -> None:
    clocks.meet(context.case, periods.DECIDED, at=context.at)


def review_granted(context: Any) -> None:
    """The moratorium ends with this day: tomorrow the holds are over and the agency is told."""
    let_go(context, last=calendars.london_date(context.at))


def end(context: Any) -> None:
    """It ends with its last day: that of its clock, or the one that the notice of its end names."""
    named = context.inputs.get("ends_date")
    last = date.fromisoformat(str(named)) if named else facts_of(context.case).last_date
    let_go(context, last=last or calendars.london_date(context.at))


def cancel(context: Any) -> None:
    """It is taken back: the holds are released now."""
    let_go(context, last=None)


def let_go(context: Any, *, last: date | None) -> None:
    """End the holds with a last day, or now, and see for each placement whether the agency may go on: it is told at
    once where nothing stops it any more, else by the next night's look. What was given back stays so."""
    case, at = context.case, context.at
    end_all(case, at=at)
    facts = facts_of(case)
    facts.last_date = last or calendars.london_date(at)
    facts.save(update_fields=["last_date"])
    ends_at = calendars.end_of_day(last) if last else at
    for hold in Hold.objects.filter(case=case, kind=facts.regime, released_at=None):
        _end_hold(hold, ends_at=ends_at, at=at)
    for debt in searching.debts_of(case).filter(hold__isnull=False):
        _let_placement_go(debt, ends_at=ends_at, at=at, source=case.source)
    if context.actor.kind != "system":  # what time alone ends, the register has ended too
        tasks.close_all(case, TWICE, actor=context.actor, at=at)
        _ask_about_others(case, at=at, is_over=True)


def _end_hold(hold: Hold, *, ends_at: datetime, at: datetime) -> None:
    """Let a hold end then, or release it now if that is past; one that ended by itself stays as it is."""
    if hold.released_at is not None or (hold.ends_at is not None and hold.ends_at <= min(ends_at, at)):
        return
    if ends_at <= at:
        hold.released_at = at
    else:
        hold.ends_at = ends_at
    hold.save(update_fields=["released_at", "ends_at"])


def _let_placement_go(debt: MoratoriumDebt, *, ends_at: datetime, at: datetime, source: str) -> None:
    hold = debt.hold
    if hold is None or hold.case.is_erased:
        return
    other = locks.another_for_update(hold.case_id)
    actor = system("moratoria", source=source)
    with record.act(other, "placement.protection_ends", actor=actor, at=at):
        _end_hold(hold, ends_at=ends_at, at=at)
        other.version += 1
        other.save()
    if ends_at <= at and other.state in placed.AT_AGENCY:
        placements.look(Case.objects.get(pk=other.pk), at=at)


def end_all(case: Case, *, at: datetime) -> None:
    """Nothing runs any more: what was met stays so, the rest is cancelled."""
    for clock in Clock.objects.filter(case=case, ended_at=None):
        is_over = clock.due_at is not None and clock.due_at <= at
        clocks.end_one(case, clock, at=at, state="met" if is_over else "cancelled")


def reverse_fee(context: Any) -> None:
    """Have billing take a charge back that it made for a day inside the period."""
    inputs = context.inputs
    debt = searching.debts_of(context.case).get(number=int(inputs["debt"]))
    day = date.fromisoformat(str(inputs["posted_date"]))
    is_told = bool(inputs.get("is_day_told"))
    charge = fees.Charge(posted_date=day, amount_pence=int(inputs["amount_pence"]), is_day_told=is_told)
    fees.reverse(debt, charge, at=context.at)
