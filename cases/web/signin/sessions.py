"""Sessions in the database, as Django keeps them: every page reads one, by a query that is prepared."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.utils import timezone

from cases.kernel.prepared import Prepared, Statement

__all__ = ["SessionStore"]

_LIVE = Prepared(
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now),
    key="one key",
    now=datetime(1900, 1, 1, tzinfo=UTC),
)
_KEEP = Statement.of(
    "UPDATE django_session SET session_data = %s, expire_date = %s WHERE session_key = %s RETURNING session_key"
)


class SessionStore(db.SessionStore):
    """Does what Django's own store does."""

    def _get_session_from_db(self) -> Session | None:
        found: list[Session] = _LIVE.objects(key=self.session_key, now=timezone.now())
        if not found:
            self._session_key = None
            return None
        return found[0]

    def save(self, must_create: bool = False) -> None:
        """Store what the session holds. Raises UpdateError where it has ended meanwhile, CreateError where a new one
        has the key of another."""
        if must_create or self.session_key is None:
            super().save(must_create)
            return
        row = self.create_model_instance(self._session)  # type: ignore[attr-defined]  # -- the stubs leave it out
        if not _KEEP.rows([row.session_data, row.expire_date, row.session_key]):
            raise UpdateError
