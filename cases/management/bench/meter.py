"""What an operation costs: CPU of this process and of our PostgreSQL backend, and how many statements it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from django.db import connection
from django.test.utils import CaptureQueriesContext

Operation = Callable[[], None]
ARMS = ("ours", "ref", "floor")
NOT_STATEMENTS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@dataclass(frozen=True)
class Cost:
    """Medians over the rounds of one arm, in milliseconds of one operation."""

    app_ms: float
    database_ms: float
    wall_ms: float
    statements: int

    @property
    def cpu_ms(self) -> float:
        return self.app_ms + self.database_ms


@dataclass(frozen=True)
class Result:
    """One workload: the cost of each arm, and medians of the ratios of CPU within each round."""

    costs: Mapping[str, Cost]
    ratios: Mapping[str, float]


def measure(arms: Mapping[str, Iterator[Operation]], *, rounds: int, repeats: int) -> Result:
    """Run the arms in turn, round after round, each round beginning with another arm.

    One operation of each is run first, which makes warm what stays so for all (the first callback of a day makes the
    key of that day); the next is counted.
    """
    names = [name for name in ARMS if name in arms]
    for name in names:
        next(arms[name])()
    statements = {name: _statements(next(arms[name])) for name in names}
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seen[name].append(_round([next(arms[name]) for _ in range(repeats)]))
    return Result(
        costs={name: Cost(*map(median, zip(*seen[name], strict=True)), statements[name]) for name in names},
        ratios={name: _ratio(seen["ours"], seen[name]) for name in names[1:]},
    )


def _ratio(ours: Sequence[tuple[float, ...]], other: Sequence[tuple[float, ...]]) -> float:
    return median((mine[0] + mine[1]) / (theirs[0] + theirs[1]) for mine, theirs in zip(ours, other, strict=True))


def _statements(operation: Operation) -> int:
    with CaptureQueriesContext(connection) as captured:
        operation()
    return sum(not query["sql"].startswith(NOT_STATEMENTS) for query in captured.captured_queries)


def _round(operations: Sequence[Operation]) -> tuple[float, float, float]:
    backend = _backend()
    wall, app, database = time.perf_counter(), time.process_time(), _cpu_of(backend)
    for operation in operations:
        operation()
    spent = (time.process_time() - app, _cpu_of(backend) - database, time.perf_counter() - wall)
    app_ms, database_ms, wall_ms = (1000 * each / len(operations) for each in spent)
    return app_ms, database_ms, wall_ms


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _cpu_of(pid: int) -> float:
    """Return the seconds a process of this machine has been on a CPU; 0 where it cannot be known."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def numbered(make: Callable[[int], Operation]) -> Iterator[Operation]:
    """Return operations without end, each of its own number."""
    return map(make, count(1))
