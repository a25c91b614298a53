"""Two questions an operator's machine may ask without signing in. The answers hold one word each."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

log = logging.getLogger(__name__)


@login_not_required
@require_GET
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers. Touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_GET
@never_cache
def readyz(_request: HttpRequest) -> HttpResponse:
    """Say whether the database takes a write: one row is inserted and rolled back.

    A read-only standby, a full disk and a missing migration all answer 503.
    """
    try:
        with transaction.atomic():
            _write_and_forget()
    except DatabaseError as error:
        log.warning("not_ready", extra={"error_class": type(error).__name__})
        return HttpResponse("unavailable\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


def _write_and_forget() -> None:
    """Insert one row in the cache table and undo it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cache (cache_key, value, expires) VALUES ('readyz', '', now()) "
            "ON CONFLICT (cache_key) DO UPDATE SET expires = now()"
        )
    transaction.set_rollback(True)
