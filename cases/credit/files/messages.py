"""What a row of the monthly file says of an account, and on which ground it leaves."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from cases.accounts.bureaus import PURPOSE
from cases.kernel import releases

__all__ = ["COLUMNS", "CRA_FILE", "written"]

_IDENTITY = ("name", "joint_name")
_BORN = ("date_of_birth", "joint_date_of_birth")
_HOME = ("line_1", "town", "postcode")
# One row of the file, in this order. `amount_pence` is the balance: the trailer of a file sums this column.
COLUMNS = (
    *("account", "account_type", "start_date", "close_date", "name", "date_of_birth", "joint_name"),
    *("joint_date_of_birth", *_HOME, "payment_pence", "period", "amount_pence", "default_pence", "default_date"),
    *("satisfied_date", "status", "flags", "effective_date"),
)
_CATEGORY = {
    **dict.fromkeys(_IDENTITY, "identity"),
    **dict.fromkeys(_BORN, "date_of_birth"),
    **dict.fromkeys(_HOME, "address"),
}
CRA_FILE = releases.MessageKind(
    code="cra_file",
    label="Monthly file of accounts",
    recipient_kind="cra",
    purpose=PURPOSE,
    necessity="An agency can say how an account is kept only if it knows whose it is and how it stands each month.",
    subjects="rows",
    categories={name: _CATEGORY.get(name, "financial") for name in COLUMNS},
    put_right_by="family",
    answer_days=10,
    answer_source="Internal rule: an agency reports on a file within ten working days",
)
releases.declare(CRA_FILE)


def written(rows: Iterable[Sequence[str]], *, has_heading: bool = True) -> bytes:
    """Return rows of cells as CSV, under the names of the columns."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if has_heading:
        writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()
