"""SQL of one shape that is asked again and again: PostgreSQL plans it once for each connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

import psycopg
from django.db import connection
from psycopg.sql import Literal

__all__ = ["Statement"]

MOST_PREPARED = 64  # of one connection: each holds its plan in the memory of the server
_MARKS = re.compile("%([s%])")
_numbers = count(1)


@dataclass(frozen=True, eq=False)
class Statement:
    """SQL with its parameters, of which those at some places are given anew each time; the others are part of it.

    Planning costs as much as answering, and more where many tables are asked about one row. So it is prepared at its
    first use on a connection, and executed by name from then on. Behind a pooler that hands connections from one
    transaction to the next (DISABLE_SERVER_SIDE_CURSORS says so) it is sent whole each time.
    """

    sql: str
    params: tuple[Any, ...]
    given: tuple[int, ...]

    def rows(self, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return every row as the driver reads it: JSON is text. `values` in the order of their places. One query."""
        with connection.cursor() as cursor:
            if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
                params = list(self.params)
                for place, value in zip(self.given, values, strict=True):
                    params[place] = value
                cursor.execute(self.sql, params)
            else:
                marks = f"({', '.join(['%s'] * len(values))})" if values else ""
                cursor.execute(f"EXECUTE {self._name()} {marks}", values)
            return list(cursor.fetchall())

    def _name(self) -> str:
        """Return the name it has on this connection, prepared under it if need be; the longest unused makes room."""
        driver: psycopg.Connection[Any] = connection.connection
        known: dict[str, str] = vars(driver).setdefault("_prepared_here", {})
        name = known.pop(self._text, "")
        if not name:
            name = f"backoffice_{next(_numbers)}"
            with connection.wrap_database_errors:
                driver.execute(f"PREPARE {name} AS {self._text}".encode())
                if len(known) >= MOST_PREPARED:
                    driver.execute(f"DEALLOCATE {known.pop(next(iter(known)))}".encode())
        known[self._text] = name
        return name

    @cached_property
    def _text(self) -> str:
        """Return the SQL with what is always the same written out, and $1, $2 … for what is given."""
        numbers = {place: f"${number}" for number, place in enumerate(self.given, 1)}
        places = count()

        def written(found: re.Match[str]) -> str:
            if found[1] == "%":
                return "%"
            place = next(places)
            return numbers.get(place) or Literal(self.params[place]).as_string(connection.connection)

        return _MARKS.sub(written, self.sql)
