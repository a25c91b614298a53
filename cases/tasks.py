"""Celery finds tasks here. A task reads the clock, makes one call and decides nothing."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from celery import shared_task
from django.conf import settings
from django.core.cache import caches
from django.utils import timezone

from cases.accounts import uploads
from cases.agencies import application, clamd, delivery, digests, fetching, forgetting, limits, oncall
from cases.kernel import holds
from cases.kernel.background import jobrun, jobs
from cases.kernel.disposal import disposals, erasing, piles
from cases.kernel.evidence import custody, disposal, scanning
from cases.kernel.exchange import chase
from cases.kernel.finding import matching
from cases.kernel.office import access, codelists, policydocs, publiclinks, shutout
from cases.kernel.oncall import alerts
from cases.kernel.personal import olddrafts
from cases.kernel.timing import sweeps
from cases.ledger import checkpoints, tombstones
from cases.reports import keeping, letters, requests
from cases.reports.figures import counting, files


@shared_task(time_limit=25 * 60)  # longer than the largest file may take
def deliver_outbox(**_future: Any) -> None:
    """Send what is due to agencies, and let cases take note of what came of it."""
    delivery.deliver_due(clock=timezone.now)


@shared_task
def ring_on_call(**_future: Any) -> None:
    """Ring for what nobody has acknowledged; then send the day's test page."""
    now = timezone.now()
    ring = oncall.ring_due
    _each(partial(alerts.escalate, now=now), ring, partial(alerts.ring_tests, now=now), ring)


@shared_task
def send_digests(**_future: Any) -> None:
    """Send people the mail of the morning that they chose."""
    digests.send_due(clock=timezone.now)


@shared_task
def apply_callbacks(**_future: Any) -> None:
    """Apply what agencies said."""
    application.apply_pending(now=timezone.now())


@shared_task
def fetch_files(**_future: Any) -> None:
    """Fetch what agencies left for us, and take it."""
    fetching.fetch_due(clock=timezone.now)


@shared_task
def render_letters(**_future: Any) -> None:
    """Make the letters that are due."""
    codelists.refresh()
    letters.make_due_letters(now=timezone.now())


@shared_task
def make_reports(**_future: Any) -> None:
    """Make the reports that were asked for and the files of figures for others; forget what was counted in vain."""
    codelists.refresh()
    now = timezone.now()
    _each(*(partial(act, now=now) for act in (requests.make_due, files.make_due, counting.sweep)))


@shared_task(time_limit=25 * 60)  # longer than any row of a job may take
def run_jobs(**_future: Any) -> None:
    """Do the work that was asked for, row by row."""
    jobrun.work(clock=timezone.now)


@shared_task
def scan_documents(**_future: Any) -> None:
    """Have the documents that wait scanned for viruses."""
    scanning.scan_due(now=timezone.now(), scan=clamd.scanner(settings.CLAMD))


@shared_task(time_limit=25 * 60)  # longer than a round of everything, and a list of all that is stored, may take
def check_documents(**_future: Any) -> None:
    """Erase what is kept no longer, take the hash of some others again, remove what nobody can open: a list of all that
    is stored may take longest, so it comes last."""
    acts = (
        shutout.forget_sessions,
        olddrafts.forget_due,
        erasing.erase_decided,
        disposals.ask_for_disposals,
        disposal.dispose_due,
        disposal.dispose_beside,
        piles.erase_due,
        keeping.erase_due,
        uploads.erase_due,
        forgetting.erase_due,
        custody.check_sample,
        custody.sweep,
    )
    now = timezone.now()
    _each(*(partial(act, now=now) for act in acts))


@shared_task
def sweep(**_future: Any) -> None:
    """End what time has ended, ask for what ends soon, start the day's work, chase late answers, forget callers."""
    now = timezone.now()
    caches["default"].set("swept_at", now.isoformat(), None)
    acts = (
        sweeps.end_due_clocks,
        sweeps.warn_of_ends,
        jobs.start_daily,
        matching.compare_due,
        holds.ask_for_reviews,
        policydocs.ask_for_reviews,
        publiclinks.ask_to_follow,
        access.open_month,
        shutout.ask_again,
        chase.chase_late,
        limits.forget,
    )
    _each(*(partial(act, now=now) for act in acts))


@shared_task
def seal_ledger(**_future: Any) -> None:
    """Seal the ledger by a checkpoint if any of its streams moved; write down beside it which keys were destroyed."""
    now = timezone.now()
    _each(partial(checkpoints.seal, now=now), partial(tombstones.publish, now=now))


def _each(*acts: Callable[[], object]) -> None:
    """Do each of these though one before it failed; then raise what the last that failed raised."""
    with ExitStack() as last_first:
        for act in reversed(acts):
            last_first.callback(act)
