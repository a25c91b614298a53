"""A fictional portfolio as billing would send it: CSV files of accounts, and what stands in them."""

import csv
import io

HEADING = [
    "account",
    "product",
    "jurisdiction",
    "as_of",
    "balance_pence",
    "fees_pence",
    "fees_date",
    "final_bill_date",
    "oldest_unpaid_date",
    "default_date",
    "default_pence",
    "flags",
    "holder_1_forename",
    "holder_1_surname",
    "holder_1_date_of_birth",
    "holder_1_line_1",
    "holder_1_town",
    "holder_1_postcode",
    "holder_1_phone",
    "holder_1_email",
    "holder_2_forename",
    "holder_2_surname",
    "holder_2_date_of_birth",
]


def row(number: int, **changes: str) -> dict[str, str]:
    """Return one row of a file; every tenth account has two holders."""
    told = {
        "account": f"80{number:08d}",
        "product": ("mobile", "broadband", "landline", "tv")[number % 4],
        "jurisdiction": ("eaw", "eaw", "sct", "nir")[number % 4],
        "as_of": "2026-03-01",
        "balance_pence": str(5000 + number),
        "fees_pence": "0",
        "final_bill_date": "2025-11-30",
        "oldest_unpaid_date": "2025-09-30",
        "default_date": "2026-02-01",
        "default_pence": str(5000 + number),
        "flags": "",
        "holder_1_forename": ("Ada", "Bryn", "Cerys", "Dev", "Eilidh")[number % 5],
        "holder_1_surname": f"{('Oyelaran', 'Marchbanks', 'Strake', 'Snape')[number % 4]}-{chr(65 + number % 26)}ugh",
        "holder_1_date_of_birth": f"19{60 + number % 39}-0{1 + number % 9}-1{number % 10}",
        "holder_1_line_1": f"{number} Example Terrace",
        "holder_1_town": "Swansea",
        "holder_1_postcode": "SA1 0ZZ",
        "holder_1_phone": f"07700 900{number % 1000:03d}",
        "holder_1_email": f"holder{number}@example.org",
    }
    if number % 10 == 0:
        told |= {
            "holder_2_forename": "Second",
            "holder_2_surname": "Holder",
            "holder_2_date_of_birth": "1970-01-01",
        }
    return told | changes


def file(rows: list[dict[str, str]]) -> bytes:
    """Return the rows as a CSV file."""
    text = io.StringIO()
    more = dict.fromkeys(name for row in rows for name in row if name not in HEADING)
    writer = csv.DictWriter(text, [*HEADING, *more], restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
