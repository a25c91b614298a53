"""Deliver what is due without any worker: the way out when the broker or the workers are down."""

import argparse
import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.agencies import delivery, fetching, inbound, oncall
from cases.kernel.oncall import alerts
from cases.ledger import tombstones

SWEEP_SECONDS = 5


class Command(BaseCommand):
    """Runs beside workers without harm: leases keep two from taking one message."""

    help = (
        "Ring who is on call, deliver due messages, fetch files, apply received callbacks; once, or until interrupted."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Deliver, fetch and apply; say what was done. Like a worker it refuses a restored database."""
        try:
            tombstones.require()
        except tombstones.Behind as fault:
            raise CommandError(str(fault)) from fault
        while True:
            alerts.escalate(now=_now())
            oncall.ring_due()
            sent = delivery.deliver_due(clock=_now)
            fetched = fetching.fetch_due(clock=_now)
            applied = inbound.apply_pending(now=_now())
            self.stdout.write(
                f"{sent.tried} tries: {sent.delivered} delivered, {sent.refused} refused, {sent.again} to try again, "
                f"{sent.dead} dead; files: {fetched.taken} taken, {fetched.refused} refused; "
                f"callbacks: {applied.applied} applied, {applied.ignored} ignored, "
                f"{applied.unmatched} unmatched, {applied.failed} failed."
            )
            if options["once"] and not sent.is_unfinished:
                return
            time.sleep(0 if sent.is_unfinished else SWEEP_SECONDS)


def _now() -> datetime:
    return datetime.now(UTC)
