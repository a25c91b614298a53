"""Celery finds tasks here. A task reads the clock, makes one call and decides nothing."""

from typing import Any

from celery import shared_task


@shared_task
def deliver_outbox(**_future: Any) -> None:
    """Send what is due to agencies."""


@shared_task
def apply_callbacks(**_future: Any) -> None:
    """Apply what agencies said."""


@shared_task
def render_letters(**_future: Any) -> None:
    """Make the letters that are due."""


@shared_task
def make_reports(**_future: Any) -> None:
    """Make the reports that were asked for."""


@shared_task
def sweep(**_future: Any) -> None:
    """Catch up with whatever no nudge announced."""
