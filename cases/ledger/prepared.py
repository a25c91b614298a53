"""SQL of one shape that is asked again and again: PostgreSQL plans it once for each connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from psycopg._queries import PostgresQuery, _query2pg_nocache
from psycopg.adapt import PyFormat, Transformer
from psycopg.sql import Literal

__all__ = ["Statement"]

_MARKS = re.compile("%([s%])")


@dataclass(frozen=True, eq=False)
class Statement:
    """SQL with its parameters, of which those at some places are given anew each time; the others are part of it.

    Planning costs as much as answering, and more where many tables are asked about one row. So the driver prepares it
    at its first use on a connection, where it may (`prepare_threshold`), and names it from then on. What is given is
    sent as text of no type: the database takes each as what stands in its place, and one plan serves all values.
    """

    sql: str
    params: tuple[Any, ...]
    given: tuple[int, ...]

    @classmethod
    def of(cls, sql: str) -> Statement:
        """Return the statement of which every `%s` is given each time."""
        many = sum(found[1] == "s" for found in _MARKS.finditer(sql))
        return cls(sql, ("",) * many, tuple(range(many)))

    def rows(self, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return every row as the driver reads it: JSON is text. `values` in the order of their places. One query."""
        wrapper: Any = connections[DEFAULT_DB_ALIAS]
        wrapper.ensure_connection()
        driver: psycopg.Connection[Any] = wrapper.connection
        noting = _Noting if wrapper.queries_logged else CursorWrapper
        with noting(_Cursor(driver), wrapper) as cursor:  # type: ignore[call-arg]  # -- stubs for psycopg 2
            cursor.execute(self._text, _texts(driver, values) if values else None)
            return list(cursor.fetchall())

    @cached_property
    def _text(self) -> str:
        """Return the SQL with what is always the same written out, and a mark for what is given."""
        places, given = count(), frozenset(self.given)

        def written(found: re.Match[str]) -> str:
            if found[1] == "%":
                return "%%" if given else "%"
            place = next(places)
            if place in given:
                return "%t"
            text = Literal(self.params[place]).as_string(connection.connection)
            return text.replace("%", "%%") if given else text

        return _MARKS.sub(written, self.sql)


# The driver reads what it is asked anew where that has more than fifty places; a statement is one of few, and stays so.
_read = lru_cache(maxsize=4096)(_query2pg_nocache)


class _Query(PostgresQuery):
    """A query of which the driver reads the text once, however many places it has."""

    __slots__ = ()

    def convert(self, query: Any, vars: Any) -> None:
        if vars is None:
            super().convert(query, vars)
        else:
            self.query, self._want_formats, self._order, self._parts = _read(query.encode(), self._tx.encoding)
            self.dump(vars)


class _Cursor(ServerBindingCursor):
    _query_cls = _Query


class _Noting(CursorDebugWrapper):
    """Notes a query as it is prepared, with what is given beside it: Django asks the driver for a text it has not."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        with self.debug_sql(sql, params):
            return CursorWrapper.execute(self, sql, params)


def _texts(driver: psycopg.Connection[Any], values: Sequence[Any]) -> list[str | None]:
    """Return values as the text that PostgreSQL reads them from."""
    held = vars(driver)
    if "_texts" not in held:
        held["_texts"] = Transformer(driver)
    dumped = held["_texts"].dump_sequence(values, [PyFormat.TEXT] * len(values))
    return [None if each is None else bytes(each).decode() for each in dumped]
