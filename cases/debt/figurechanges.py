"""A rate of VAT, and the settlement authority of an agency, as changes of the office: one person proposes what the law
or the agreement says and from which day, another agrees."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms

from cases.debt import batches, figures
from cases.debt.models import DebtFigure
from cases.debt.remitting import LONGEST_AGO
from cases.kernel import calendars
from cases.kernel.actors import Actor
from cases.kernel.forms.numberfields import Number, Whole
from cases.kernel.forms.plainforms import DAY, Chosen
from cases.kernel.models import Agency
from cases.kernel.office.changeforms import ChangeForm
from cases.kernel.office.kinds import Change, Kind, Line, Payload

__all__ = ["KINDS"]

MONEY = frozenset({"collections_manager", "finance_approver"})
AT_MOST = timedelta(days=366)
_SOURCE = "The Act and section, or the agreement and its clause."


class VatForm(ChangeForm):
    """The next rate."""

    hints = ("What an agency remitted is reckoned at the rate of the day on which it says so.",)
    rate = Number(label="Rate, in percent", max_digits=4, decimal_places=2, min_value=Decimal(0), max_value=Decimal(50))
    effective_from = forms.DateField(label="In force from", widget=DAY)
    source = forms.CharField(label="Source", max_length=200, help_text=_SOURCE)

    def clean_rate(self) -> int:
        """Return hundredths of a percent."""
        return int(self.cleaned_data["rate"] * 100)


class AuthorityForm(ChangeForm):
    """What was agreed with one agency."""

    hints = ("Of a settlement for less than this a manager is asked before anything of it is booked.",)
    agency = Chosen(label="Recovery agency")
    percent = Whole(
        label="May be content with, in percent of what is owed",
        min_value=0,
        max_value=100,
        help_text="At 100 a manager agrees to every settlement of this agency.",
    )
    effective_from = forms.DateField(label="Agreed from", widget=DAY)
    source = forms.CharField(label="Source", max_length=200, help_text=_SOURCE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(each.code, each.display_name) for each in batches.agencies()]
        self.fields["agency"].choices = choices  # type: ignore[attr-defined]  # -- a choice field


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _agency(payload: Payload) -> Agency | None:
    return Agency.objects.filter(code=payload["agency"], kind="dca").first() if "agency" in payload else None


def _known(payload: Payload) -> list[figures.Figure]:
    if "agency" not in payload:
        return figures.versions(figures.VAT)
    agency = _agency(payload)
    return figures.versions(figures.AUTHORITY, agency=agency.pk) if agency else []


def _state(payload: Payload) -> dict[str, Any]:
    """Return the newest number there is, in force or still to come."""
    known = _known(payload)
    return {"value": known[-1].value, "effective_from": known[-1].effective_from.isoformat()} if known else {}


def _check(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    """A number follows the one before it; a wrong one whose day is still to come gives way to another for the very same
    day, since nothing was reckoned by it. It may count from a day that is past, as far back as remittances are reckoned
    anew: what the law says is so before anybody enters it."""
    if "agency" in payload and _agency(payload) is None:
        return {"agency": "Choose a recovery agency of the register."}
    today, begins, known = calendars.london_date(at), _date(payload["effective_from"]), _known(payload)
    is_another = bool(known) and today < begins == known[-1].effective_from
    if known and begins <= known[-1].effective_from and not is_another:
        return {"effective_from": "It takes effect after the one before it."}
    if not today - LONGEST_AGO <= begins <= today + AT_MOST:
        return {"effective_from": "It takes effect at most three months ago, or a year ahead. Compare the year."}
    return {}


def _percent(value: Any) -> str:
    return f"{int(value) / 100:g} %"


def _day(value: Any) -> str:
    return f"{_date(value):%-d %B %Y}" if value else ""


def _describe_vat(before: Payload, payload: Payload) -> list[Line]:
    old = _percent(before["value"]) if before else ""
    return [Line(label="VAT on commission", old=old, new=_percent(payload["rate"])), *_since(before, payload)]


def _describe_authority(before: Payload, payload: Payload) -> list[Line]:
    agency = _agency(payload)
    old = f"{before['value']} %" if before else f"{figures.limit('settlement_authority')} %, as for every agency"
    return [
        Line(label="Agency", new=agency.display_name if agency else payload["agency"]),
        Line(label="Settles by itself from", old=old, new=f"{payload['percent']} %"),
        *_since(before, payload),
    ]


def _since(before: Payload, payload: Payload) -> list[Line]:
    return [
        Line(label="From", old=_day(before.get("effective_from")), new=_day(payload["effective_from"])),
        Line(label="Source", new=payload["source"]),
    ]


def _enter(change: Change) -> None:
    """Write the number down, inside the open action of the proposal: in the row of its day, where that is to come."""
    said = change.payload
    DebtFigure.objects.update_or_create(
        code=figures.AUTHORITY if "agency" in said else figures.VAT,
        agency=_agency(said),
        effective_from=_date(said["effective_from"]),
        defaults={"value": int(said["percent"] if "agency" in said else said["rate"]), "source": said["source"]},
    )


KINDS = (
    Kind(
        code="vat_rate",
        label="Enter a rate of VAT on commission",
        makers=MONEY,
        checkers=MONEY,
        subject=lambda _payload: f"debt_figure/{figures.VAT}",
        state=_state,
        check=_check,
        describe=_describe_vat,
        apply=_enter,
        title=lambda row: f"Enter VAT on commission: {_percent(row.payload['rate'])}",
        form=VatForm,
    ),
    Kind(
        code="settlement_authority",
        label="Enter what an agency may settle for",
        makers=MONEY | {"collections_analyst"},
        checkers=MONEY,
        subject=lambda payload: f"debt_figure/{figures.AUTHORITY}/{payload['agency']}",
        state=_state,
        check=_check,
        describe=_describe_authority,
        apply=_enter,
        title=lambda row: f"Let {row.payload['agency']} settle by itself from {row.payload['percent']} %",
        form=AuthorityForm,
    ),
)
