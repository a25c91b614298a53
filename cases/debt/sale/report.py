"""What opening a sale writes, and what its page and the audit report say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cases.debt.sale import codes, exclusions, looking, pool, prices
from cases.debt.sale.models import DebtSale, DebtSaleAccount
from cases.kernel import calendars, money
from cases.kernel.casetypes import Check, Table
from cases.kernel.intake import IntakeRefused
from cases.kernel.models import Agency, Case

__all__ = [
    "amount",
    "buyers",
    "check_people",
    "checks",
    "context",
    "facts_view",
    "is_of_accounts",
    "open_facts",
    "tables",
    "promised",
    "topic",
    "topic_label",
]


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new sale, inside the current ledger action."""
    selection = {name: facts[name] for name in pool.CONDITIONS if facts.get(name)}
    told = {name: value if isinstance(value, list | int) else value.isoformat() for name, value in selection.items()}
    DebtSale(case=case, key=case.key, selection=told).save(force_insert=True)


def check_people(people: Sequence[Mapping[str, Any]]) -> None:
    """Refuse people who are typed of a new sale. Raises IntakeRefused."""
    if people:
        raise IntakeRefused("The people of a sale are the holders of its accounts: nobody is typed.")


def buyers(accounts: Collection[int]) -> dict[int, Agency]:
    """Return who owns each account that was sold, and did not come back: from the moment its sale is complete, whether
    or not its line says so yet. One query."""
    rows = DebtSaleAccount.objects.filter(codes.IS_SOLD, account__in=accounts)
    return {row.account_id: row.sale.purchaser for row in rows.select_related("sale__purchaser") if row.sale.purchaser}


def promised(accounts: Collection[int]) -> set[int]:
    """Return the accounts left in a sale whose agreement is signed and which is not complete. One query."""
    rows = DebtSaleAccount.objects.filter(account__in=accounts, state="in_pool", sale__case__state__in=codes.PROMISED)
    return set(rows.values_list("account_id", flat=True))


def topic(_facts: Mapping[str, Any]) -> str:
    return "debts"


def topic_label(_code: str) -> str:
    return "Sale of debts"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def is_of_accounts(_facts: Mapping[str, Any]) -> bool:
    return True


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact. Two queries beyond the facts, one once the sale is complete."""
    sale = case.debt_sale
    rows = pool.in_words(sale.selection)
    if (look := looking.newest(sale)) is not None and look.ended_at is not None:
        rows += [("Accounts that may be sold", f"{look.left:,}"), ("Owed on them", money.pounds(look.left_pence))]
    if sale.purchaser is not None:
        rows += [("Buyer", sale.purchaser.display_name), ("Price", prices.in_words(sale.price_rate or 0))]
        if sale.completed_date is None:
            rows.append(("Price in all, as they stand", money.pounds(prices.total(sale))))
        rows += [(label, "Yes" if sale.diligence.get(code) else "No") for code, label in codes.DILIGENCE.items()]
        rows.append(("Shown of the buyer until", pool.day_in_words(sale.diligence["diligence_until"])))
    days = {
        "Agreement of": sale.agreement_date,
        "Cut-off": sale.cut_off_date,
        "Completion": sale.completion_date,
        "Completed": sale.completed_date,
    }
    rows += [(label, f"{day:%-d %B %Y}") for label, day in days.items() if day]
    if sale.put_back_days:
        rows.append(("Claims are taken for", f"{sale.put_back_days} days"))
    if sale.pass_on_days:
        rows.append(("Payments to us are passed on within", f"{sale.pass_on_days} working days"))
    if sale.funds_pence is not None and sale.funds_date is not None:
        rows.append(("Received", f"{money.pounds(sale.funds_pence)} on {sale.funds_date:%-d %B %Y}"))
    return rows


def tables(case: Case) -> list[Table]:
    """Return what keeps accounts out, rule by rule, and when each look was. Two queries."""
    sale = case.debt_sale
    rules = [(exclusions.in_words([code]), f"{count:,}") for code, count in looking.by_rule(sale).items()]
    looks = [
        (
            str(row.number),
            row.asked_by.display_name,
            f"{row.asked_at.astimezone(calendars.LONDON):%-d %B %Y, %H:%M}",
            f"{row.left:,}" if row.ended_at else "Not ended",
            money.pounds(row.left_pence) if row.ended_at else "",
        )
        for row in sale.looks.select_related("asked_by").order_by("number")
    ]
    return [
        Table(
            title="What keeps accounts out",
            columns=("Rule", "Accounts"),
            rows=tuple(rules),
            empty="No account is kept out.",
        ),
        Table(
            title="When the accounts were looked at",
            columns=("Look", "Asked for by", "On", "Left", "Owed"),
            rows=tuple(looks),
            empty="They were not looked at yet.",
        ),
    ]


def checks(case: Case) -> list[Check]:
    """Return how the accounts stand. One query."""
    look = looking.newest(case.debt_sale)
    if look is None:
        return [Check(label="Accounts looked at", is_clear=False, detail="Not yet. Do it on the page of the accounts.")]
    if look.ended_at is None:
        return [Check(label="Accounts looked at", is_clear=False, detail="It is under way.")]
    when = f"{look.ended_at.astimezone(calendars.LONDON):%-d %B %Y, %H:%M}"
    return [Check(label="Accounts looked at", is_clear=True, detail=f"Last on {when}")]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case), "tables": tables(case)}
