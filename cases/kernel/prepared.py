"""Queries of one shape that every request asks: Django puts their SQL together once for each process, and PostgreSQL
plans it once for each connection (`cases.ledger.prepared`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS
from django.db.models import BigIntegerField, F, Lookup, Model, QuerySet, Value
from django.db.models.lookups import Exact
from django.db.models.query import get_related_populators

from cases.ledger import sealing
from cases.ledger.prepared import Statement
from cases.ledger.reads import Reader

__all__ = ["Prepared", "PreparedInPart", "PreparedOpening", "Statement", "have", "one_of"]


class Prepared:
    """A query that is run again and again with other values in the same places.

    `build` is called once, with the samples; each of them must be like no other value in the query. Putting SQL
    together costs several times what the database takes to answer. The query has a place for each of them, unless
    `is_whole` is False.
    """

    is_whole = True

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **samples: Any) -> None:
        self.build, self.samples = build, samples

    @cached_property
    def _made(self) -> tuple[Any, Statement | None, tuple[str, ...]]:
        """Return Django's compiler, the statement and, for each of its places, the name of what goes there."""
        compiler = self.build(**self.samples).query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            sql, params = self._whole(*compiler.as_sql())
        except EmptyResultSet:  # nobody asks the database for what no row can answer
            return compiler, None, ()
        named = [(place, self._named(each)) for place, each in enumerate(params)]
        given = {place: name for place, name in named if name}
        if self.is_whole and (missing := self.samples.keys() - set(given.values())):
            raise ValueError(f"The query has no place for {', '.join(sorted(missing))}.")
        return compiler, Statement(sql, params, tuple(given)), tuple(given.values())

    def _named(self, value: object) -> str:
        """Return the name of the sample that a parameter is, or nothing."""
        return next((name for name, sample in self.samples.items() if sample == value), "")

    def _whole(self, sql: str, params: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        """Return the statement that is prepared of the query's own."""
        return str(sql), tuple(params)

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Return every row for these values as the driver reads it: JSON is text. One query."""
        _, statement, names = self._made
        return [] if statement is None else statement.rows([values[name] for name in names])

    def objects(self, **values: Any) -> list[Any]:
        """Return every row for these values as the object of its model, with those that select_related names.
        One query."""
        rows = self.rows(**values)
        return list(self._objects(rows)) if rows else []

    def _objects(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Do what Django's own ModelIterable does with rows."""
        compiler, _, _ = self._made
        model, first, last, names, related, annotated, converters = self._shape
        for row in compiler.apply_converters(rows, converters):
            made = model.from_db(DEFAULT_DB_ALIAS, names, row[first:last])
            for each in related:
                each.populate(row, made)
            for name, place in annotated:
                setattr(made, name, row[place])
            yield made

    @cached_property
    def _shape(self) -> tuple[Any, ...]:
        """Return what is the same for all rows: the model, where its columns are and what they are called, what is
        selected beside it, and what makes Python's values of the driver's."""
        compiler, _, _ = self._made
        select, chosen = compiler.select, compiler.klass_info
        first, last = chosen["select_fields"][0], chosen["select_fields"][-1] + 1
        names = [each[0].target.attname for each in select[first:last]]
        related = get_related_populators(chosen, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # -- stubs ahead
        annotated = tuple(compiler.annotation_col_map.items())
        converters = compiler.get_converters([each for each, _, _ in select[: compiler.col_count]])
        return chosen["model"], first, last, names, related, annotated, converters


class PreparedInPart(Prepared):
    """A query that has a place for some of the samples only, as what was asked for decides."""

    is_whole = False


class PreparedOpening(Prepared):
    """A query of sealed rows that are opened at once. The statement that reads them writes the row of the read log too,
    so that nobody has the ones without the other; a look that finds none is on record too.

    One of its samples is `at`, and it calls `stream` whose each row is. Of `reader` counts who reads, how and why.
    """

    def __init__(
        self, build: Callable[..., QuerySet[Any, Any]], *, reader: Reader, fields: Sequence[str], **samples: Any
    ) -> None:
        super().__init__(build, **samples)
        self.reader, self.fields = reader, list(fields)

    def opened(self, **values: Any) -> list[tuple[Any, dict[str, str | None]]]:
        """Return each row with the plain values of its fields, as `sealing.open_rows` does. One query, which writes one
        access row. Raises SealBroken."""
        rows = self.objects(**values)
        return list(zip(rows, sealing.open_noted(rows, self.fields), strict=True))

    def _whole(self, sql: str, params: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        who = (self.samples["at"], self.reader.actor, self.reader.verb, self.fields, self.reader.purpose)
        return f"WITH found AS ({sql}), noted AS ({_NOTED}) SELECT * FROM found", (*params, *who)  # noqa: S608 -- of fixed text alone


_NOTED = """
INSERT INTO cases_accessevent (at, actor, verb, fields, purpose, streams, break_glass, request_id, result_count)
SELECT %s::timestamptz, %s, %s, %s::varchar[], %s, coalesce(array_agg(DISTINCT stream), '{}'), false, '', count(*)
  FROM found
"""


class _AnyOf(Exact):
    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"= ANY ({rhs})"


def one_of(field: str, values: Sequence[int]) -> Lookup[Any]:
    """Return the condition that a field is one of these numbers, which are one parameter."""
    return _AnyOf(F(field), Value(values, output_field=ArrayField(BigIntegerField())))


def have(row: Model, name: str, found: Sequence[Model]) -> None:
    """Have a row hold those that point to it, as if prefetch_related had read them."""
    relation: Any = row._meta.get_field(name)
    rows = getattr(row, relation.get_accessor_name()).all()
    for each in found:
        relation.field.set_cached_value(each, row)
    rows._result_cache, rows._prefetch_done = list(found), True
    vars(row).setdefault("_prefetched_objects_cache", {})[relation.cache_name] = rows
