"""Queries of one shape that every request asks: Django puts their SQL together once for each process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet

__all__ = ["Prepared"]


class Prepared:
    """A query of plain columns, run again and again with other values in the same places.

    `build` is called once, with the samples; each of them must be like no other value in the query. Putting SQL
    together costs several times what the database takes to answer. Rows come as the driver reads them: JSON is text.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **samples: Any) -> None:
        self.build, self.samples = build, samples

    @cached_property
    def _made(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        """Return the SQL and, for each of its places, the name of what goes there or else what always stands there."""
        sql, params = self.build(**self.samples).query.sql_with_params()
        names = {sample: name for name, sample in self.samples.items()}
        places = tuple((names.get(each, ""), each) if _is_plain(each) else ("", each) for each in params)
        if missing := self.samples.keys() - {name for name, _ in places}:
            raise ValueError(f"The query has no place for {', '.join(sorted(missing))}.")
        return str(sql), places

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Return every row for these values. One query."""
        sql, places = self._made
        with connection.cursor() as cursor:
            cursor.execute(sql, [values[name] if name else always for name, always in places])
            return list(cursor.fetchall())


def _is_plain(value: object) -> bool:
    return value.__hash__ is not None
