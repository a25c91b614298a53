"""A monthly file of many accounts: taken, sent to each agency, carried, and kept, each stage by a process of its own,
whose pace and peak memory are printed beside raw COPY of the same rows.

The suite does it with a few accounts; `make soak` with 100,000, or BACKOFFICE_ACCOUNTS of them. Figures are read, never
asserted; what is asserted is that everything came through, equal for all agencies, and that memory does not grow with
the file. Accounts are copied in with a key and a sealed holder each, past the guards and without history: what the
stages read of them is as it is in use.
"""

import csv
import hashlib
import io
import time
from datetime import UTC, date, datetime

import pytest
from django.db import connection

from cases.accounts.models import Account, AccountHolder, AccountMonth, BureauTold
from cases.agencies import openpgp
from cases.credit.files import taking
from cases.credit.files.messages import COLUMNS
from cases.credit.files.models import CreditFileCopy, CreditFilePart
from cases.kernel import actors
from cases.kernel.exchange import agencies
from cases.kernel.models import BatchFile, Case, Channel, Job
from cases.ledger import api as ledger
from cases.ledger import copying, sealing
from tests import creditfiles, factories
from tests.agencies import filestage
from tests.agencies.fileserver import FileServer
from tests.bench.test_portfolio import MANY, stage, tell

AT = datetime(2027, 1, 15, 9, 0, tzinfo=UTC)
AT_ONCE = 5000
GUARDED = ("cases_account", "cases_accountholder")
# The whole process, Django and all, whatever the number of accounts.
MOST_MEGABYTES = 260
DELIVER = """
import json, resource, time
import django; django.setup()
from django.utils import timezone
from cases.agencies import delivery
began, run = time.monotonic(), None
while run is None or run.tried:
    run = delivery.deliver_due(clock=timezone.now)
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({{"seconds": time.monotonic() - began, "parts": 0, "megabytes": int(peak) // 1024,
                  "cpu": used.ru_utime + used.ru_stime}}))
"""


def seed() -> None:
    """Copy MANY accounts in, each with a holder, both sealed under keys of their own."""
    with connection.cursor() as cursor:
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for first in range(0, MANY, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, MANY))
            sealers = sealing.new_sealers(2 * len(numbers), "account", at=AT)
            accounts = [_account(number, sealer) for number, sealer in zip(numbers, sealers[::2], strict=True)]
            copying.copy_rows(accounts)
            pairs = zip(accounts, sealers[1::2], strict=True)
            copying.copy_rows([_holder(account, first + at, sealer) for at, (account, sealer) in enumerate(pairs)])
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("ANALYZE")


def _account(number: int, sealer: sealing.Sealer) -> Account:
    account = Account(
        key=sealer.key,
        product=("mobile", "broadband", "landline", "tv")[number % 4],
        jurisdiction="eaw",
        as_of=date(2027, 1, 14),
        balance_pence=3000 + number % 9000,
        contract_start_date=date(2023, 5, 1),
        payment_pence=3800,
        payments_behind=number % 4,
        token=hashlib.sha256(b"%d" % number).digest(),
        content=b"seeded",
    )
    sealer.seal(account, {"number": f"88{number:08d}"})
    return account


def _holder(account: Account, number: int, sealer: sealing.Sealer) -> AccountHolder:
    holder = AccountHolder(account=account, key=sealer.key, tokens=[])
    told = {
        "forename": ("Ada", "Bryn", "Cerys", "Dev", "Eilidh")[number % 5],
        "surname": f"{('Oyelaran', 'Marchbanks', 'Strake', 'Snape')[number % 4]}-{chr(65 + number % 26)}ugh",
        "date_of_birth": f"19{60 + number % 39}-0{1 + number % 9}-1{number % 10}",
        "line_1": f"{number} Example Terrace",
        "town": "Swansea",
        "postcode": "SA1 0ZZ",
        "phone": f"07700 900{number % 1000:03d}",
        "email": f"holder{number}@example.org",
    }
    sealer.seal(holder, told)
    return holder


def raw_copy(file) -> None:
    """Copy the rows of the file into a table of texts without index, key, history or seal."""
    part = CreditFilePart.objects.filter(file=file).select_related("file__case").first()
    rows = [cells for _, cells in taking.rows_of(part, by="tests", at=AT)]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE raw_rows ({', '.join(f'{name} text' for name in COLUMNS)})")
        began = time.monotonic()
        with cursor.copy("COPY raw_rows FROM STDIN") as copy:
            for number in range(MANY):
                copy.write_row(rows[number % len(rows)])
    tell("raw COPY of the rows", time.monotonic() - began)


def connect(server: FileServer) -> tuple[str, str]:
    """Let all three agencies have their files on one server, encrypted to one key; return it, and our public half."""
    secret, public = openpgp.make_pair("Drama Bureaus")
    ours, certificate = openpgp.make_pair("Backoffice")
    actor = actors.system("tests")
    for channel in Channel.objects.filter(transport="sftp", agency__kind="cra").select_related("agency"):
        channel.address, channel.timeout_seconds = server.url, 50
        with ledger.action(channel.agency.uid, "tests.moved", actor="tests", at=filestage.AT):
            channel.save(update_fields=["address", "timeout_seconds"])
        agencies.add_key(
            channel, ours, name="openpgp-1", kind="openpgp", public=certificate.armored, actor=actor, at=filestage.AT
        )
        agencies.add_key(channel, server.client_pem, name="ssh-1", kind="ssh", public="x", actor=actor, at=filestage.AT)
        filestage.know(channel.agency, "ssh_host", server.host_line, "SHA256:host")
        filestage.know(channel.agency, "openpgp", public.armored, public.fingerprint)
    return secret, certificate.armored


@pytest.mark.timeout(36000)
@pytest.mark.django_db(transaction=True)
def test_a_monthly_file_of_many_accounts_goes_through_in_bounded_memory(tmp_path):
    people = factories.office()
    creditfiles.enter()
    began = time.monotonic()
    seed()
    tell("\nput the accounts in", time.monotonic() - began)
    case = creditfiles.opened(at=AT)
    Job.objects.all().delete()
    peaks = []
    case = creditfiles.step(case, "extract", people[creditfiles.STEWARD], AT, effective_date=AT.date())
    peaks.append(stage("take and validate", at=AT))
    row = Case.objects.get(pk=case.pk).credit_file
    assert (row.case.state, row.rows) == ("validated", MANY)
    raw_copy(row)
    creditfiles.step(case, "sign", people[creditfiles.STEWARD], AT)
    given = {"rows": row.taken_rows, "total_pence": row.taken_pence}
    creditfiles.step(case, "approve", people[creditfiles.APPROVER], AT, **given)
    peaks.append(stage("promise the same rows to three agencies", at=AT, seconds=0))
    peaks.append(stage("keep the month of each account", at=AT))
    assert AccountMonth.objects.filter(file_uid=case.uid).count() == MANY
    with FileServer(tmp_path / "bureaus") as server:
        secret, ours = connect(server)
        peaks.append(stage("encrypt and carry three files", at=AT, program=DELIVER))
        bodies = set()
        sent = list(BatchFile.objects.filter(kind="cra_file").order_by("pk"))
        for file in sent:
            data = (server.root / "in" / file.name).read_bytes()
            plain, _ = openpgp.open_signed(data, secrets=[secret], signers=[ours], most=2**31)
            body = plain.partition(b"\n")[2]
            body = body[: body.rfind(b"\n", 0, len(body) - 1) + 1]
            bodies.add(hashlib.sha256(body).hexdigest())
    assert (len(sent), {file.row_count for file in sent}) == (3, {MANY})
    assert bodies == set(CreditFileCopy.objects.filter(file=row).values_list("sha256", flat=True))
    assert len(bodies) == 1
    assert sum(1 for _ in csv.reader(io.StringIO(body.decode()))) == MANY + 1
    peaks.append(stage("keep what the agencies have now", at=AT))
    assert BureauTold.objects.count() == 3 * MANY
    assert max(peaks) < MOST_MEGABYTES
