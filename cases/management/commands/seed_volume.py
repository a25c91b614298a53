"""manage.py seed_volume --cases N: very many invented cases for a demonstration, as true as those made by hand."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from cases.fraud import demo
from cases.fraud.casetype import FRAUD_REFERRAL
from cases.kernel.models import Case
from cases.ledger.sealing import KeyDestroyed
from cases.management.commands import seed_demo
from cases.management.volume.capture import capture
from cases.management.volume.compiler import Compiler
from cases.management.volume.press import Press
from cases.management.volume.template import Template

SEED = 20261125
BATCH = 200
_TIDIED = (
    "This office has erased what came in on days in which the new cases are set, so that none can be made for them. "
    "Add cases before the next morning, or begin with an empty BACKOFFICE_HOME."
)
# Of a hundred cases of an office some years old, how many went which way: most are closed or filed. Filings that are
# amended, disputed or removed are too rare to weigh.
_WEIGHTS = (3, 2, 3, 1, 3, 1, 1, 1, 26, 0, 0, 0, 0, 0, 0, 1, 48, 7, 2)
WAYS = tuple((weight, moves) for weight, (_, moves) in zip(_WEIGHTS, demo.PLAN, strict=True) if weight)
PENDING = (1, (*demo.PLAN[4][1], "approve"))

Work = list[tuple[Template, int, int]]


class Command(BaseCommand):
    """A few cases are made by the verbs of staff and agencies; each is then repeated with other people and keys."""

    help = "Make N invented fraud referrals with true ledgers, in demo mode only. Again on the same day, more."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--cases", type=int, required=True, help="how many")
        parser.add_argument("--variants", type=int, default=2, help="how many are made by hand of each way a case goes")
        parser.add_argument("--workers", type=int, default=2, help="processes that write; 0 writes in this one")

    def handle(self, *_args: Any, cases: int, variants: int, workers: int, **_options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Volume is seeded in demo mode only.")
        if caches["default"].get(seed_demo.MAKING_SAMPLES):
            raise CommandError("The demo data is still being made: try again when the office says that it is ready.")
        started = time.monotonic()
        _write_fast()
        try:
            templates = self._templates(variants, most=cases)
        except KeyDestroyed:
            raise CommandError(_TIDIED) from None
        made = time.monotonic()
        work = _plan(templates, cases - sum(map(len, templates.values())))
        self.stdout.write(f"{cases - len(work)} cases by hand in {made - started:.0f} s")
        if workers:
            _share(work, workers)
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
        else:
            _press(work)
        took = time.monotonic() - started
        self.stdout.write(f"{cases} cases in {took:.0f} s, {cases / took:.0f} a second")

    def _templates(self, variants: int, *, most: int) -> dict[tuple[str, ...], list[Template]]:
        """Make cases of every way by the verbs of real work, and read each into a template."""
        now = timezone.now()
        call_command("provision_agencies", verbosity=0)
        office = seed_demo.office_of(now, source="seed")
        chance = random.Random(SEED + Case.objects.count())  # noqa: S311 -- invented data, not a secret
        made: dict[tuple[str, ...], list[Template]] = {}
        for weight, moves in (*WAYS, PENDING):
            for _ in range(variants if weight else 0):
                if sum(map(len, made.values())) < most:
                    made.setdefault(moves, []).append(_template(office, moves, chance=chance, now=now))
        return made


def repeat(moves: tuple[str, ...], count: int) -> None:
    """Make so many cases that went one way, in this process: one by the verbs of real work, the others like it."""
    now = timezone.now()
    call_command("provision_agencies", verbosity=0)
    chance = random.Random(SEED + Case.objects.count())  # noqa: S311 -- invented data, not a secret
    template = _template(seed_demo.office_of(now, source="seed"), moves, chance=chance, now=now)
    Press(FRAUD_REFERRAL.prefix).run(_plan({moves: [template]}, count - 1))


def _template(office: demo.Office, moves: tuple[str, ...], *, chance: random.Random, now: datetime) -> Template:
    """Make one case and read it, in one transaction: the workers that run meanwhile see none of it half made."""
    with transaction.atomic():
        case = demo.tell(office, moves, chance=chance, now=now)
        return Compiler(capture(case, at=now)).compile()


def _write_fast() -> None:
    """Nobody is told of these commits, so a crash may lose the last of them."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")


def _plan(templates: dict[tuple[str, ...], list[Template]], count: int) -> Work:
    """Say which template each repeat is of, in mixed order, with the numbers of its people and its reference."""
    chance = random.Random(SEED)  # noqa: S311 -- as above
    ways = [(weight, moves) for weight, moves in (*WAYS, PENDING) if moves in templates]
    picked = chance.choices([moves for _, moves in ways], [weight for weight, _ in ways], k=max(count, 0))
    chosen = [chance.choice(templates[moves]) for moves in picked]
    next_reference = {year: _reserve(year, many) for year, many in Counter(each.year for each in chosen).items()}
    first_person = Case.objects.count()
    work = []
    for number, template in enumerate(chosen):
        work.append((template, first_person + number, next_reference[template.year]))
        next_reference[template.year] += 1
    return work


def _reserve(year: int, count: int) -> int:
    """Take so many references of a year at once and return the first."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_referencecounter (prefix, year, last) VALUES (%s, %s, %s) ON CONFLICT (prefix, year)"
            " DO UPDATE SET last = cases_referencecounter.last + excluded.last RETURNING last",
            [FRAUD_REFERRAL.prefix, year, count],
        )
        return int(cursor.fetchone()[0]) - count + 1


def _share(work: Work, workers: int) -> None:
    """Write with several processes, each with a connection of its own. Raises CommandError when one fails."""
    connection.close()
    context = multiprocessing.get_context("fork")
    started = [context.Process(target=_press, args=(work[number::workers],)) for number in range(workers)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise CommandError("A writer failed; what was written is whole. Say again how many are still wanted.")


def _press(work: Sequence[tuple[Template, int, int]]) -> None:
    _write_fast()
    press = Press(FRAUD_REFERRAL.prefix)
    for first in range(0, len(work), BATCH):
        press.run(work[first : first + BATCH])
