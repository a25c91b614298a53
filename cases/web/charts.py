"""Where the points and bars of a chart stand. Templates draw them as SVG; each chart has its numbers beside it as a
table, and is itself hidden from readers of the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["SPARK", "Bar", "Line", "Lines", "bars", "lines", "spark"]

WIDTH, HEIGHT = 620, 232
LEFT, RIGHT, TOP, BOTTOM = 46, 112, 12, 26
STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
APART = 16  # between the words at the end of two lines
ROW, LABEL, BARS_WIDTH = 36, 170, 460
SPARK = (96, 28)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A word of a chart and where it stands."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line, the name and last value at its end."""

    code: str
    points: str
    end: Mark
    last: Mark


@dataclass(frozen=True, kw_only=True)
class Lines:
    """A chart of lines over the same days."""

    rulers: tuple[Mark, ...]
    labels: tuple[Mark, ...]
    lines: tuple[Line, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def _short(value: int) -> str:
    """Return a number of a scale in the room there is beside it."""
    return f"{value // 1000}k" if value >= 10_000 else f"{value:,}"


def lines(labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> Lines:
    """Return a chart of some series of the same length, each under its name."""
    most = max((max(values) for values in series.values()), default=0)
    step = next((each for each in STEPS if most / each <= 5), STEPS[-1])
    top = max(step, -(-most // step) * step)

    def across(place: int) -> float:
        return round(LEFT + place * (WIDTH - LEFT - RIGHT) / max(1, len(labels) - 1), 1)

    def down(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top), 1)

    drawn: list[Line] = []
    for name, values in series.items():
        beside = down(values[-1])
        while any(abs(beside - each.end.y) < APART for each in drawn):
            beside += APART
        points = " ".join(f"{across(place)},{down(value)}" for place, value in enumerate(values))
        last = Mark(x=across(len(values) - 1), y=down(values[-1]), text="")
        end = Mark(x=last.x + 9, y=beside, text=f"{name} {values[-1]:,}")
        drawn.append(Line(code=name.lower(), points=points, end=end, last=last))
    every = max(1, len(labels) // 7)
    return Lines(
        rulers=tuple(Mark(x=LEFT - 8, y=down(value), text=_short(value)) for value in range(0, top + 1, step)),
        labels=tuple(
            Mark(x=across(place), y=HEIGHT - 6, text=label) for place, label in enumerate(labels) if not place % every
        ),
        lines=tuple(drawn),
    )


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a bar."""

    code: str
    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar made of parts, with its name before and its sum behind it."""

    label: str
    y: int
    parts: tuple[Part, ...]
    total: Mark


def bars(rows: Sequence[tuple[str, Mapping[str, int]]]) -> list[Bar]:
    """Return one bar for each row: its name, and how much of each part it has."""
    most = max((sum(parts.values()) for _, parts in rows), default=0) or 1
    drawn = []
    for place, (label, parts) in enumerate(rows):
        x, found = float(LABEL), []
        for code, count in parts.items():
            if count:
                width = max(2.0, round(count / most * (BARS_WIDTH - LABEL - 70), 1))
                found.append(Part(code=code, x=x, width=width))
                x += width
        total = Mark(x=x + 8, y=place * ROW + ROW / 2 + 4, text=f"{sum(parts.values()):,}")
        drawn.append(Bar(label=label, y=place * ROW, parts=tuple(found), total=total))
    return drawn


def spark(values: Sequence[int]) -> str:
    """Return the points of a small line within `SPARK`: where its values went, without a scale."""
    width, height = SPARK
    least, spread = min(values), (max(values) - min(values)) or 1
    step = (width - 4) / max(1, len(values) - 1)
    drawn = [
        (2 + place * step, 2 + (height - 4) * (1 - (value - least) / spread)) for place, value in enumerate(values)
    ]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
