"""`manage.py lifecycle`: the states and moves of each kind of case, as the running code knows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases.kernel import casetypes
from cases.kernel.casetypes import CaseType
from cases.kernel.lifecycle import Agreement, Lifecycle, Transition

HEADER = ("move", "from", "to", "who", "not", "asks for")


def _asks_for(move: Transition) -> str:
    """Return what the move wants besides the right person."""
    asks = [
        "reason" if move.needs_reason else "",
        "second factor" if move.is_grave else "",
        f"opens approval by {move.approver_role}" if move.opens else "",
        *(f"{each.role} agrees{_sometimes(each)}" for each in move.agreed_by),
        *(f"{each.role} looks at it afterwards{_sometimes(each)}" for each in move.confirmed_by),
        *(guard.__name__ for guard in move.guards),
    ]
    return ", ".join(word for word in asks if word)


def _sometimes(each: Agreement) -> str:
    """Say under which condition another person is needed, if not always."""
    return f" if {each.when.__name__}" if each.when else ""


def _row(lifecycle: Lifecycle, move: Transition) -> tuple[str, ...]:
    ordered = [state.code for state in lifecycle.states if state.code in move.source]
    return (
        move.name,
        ", ".join(ordered),
        move.target or "=",
        ", ".join(sorted(move.roles)),
        ", ".join(sorted(move.distinct)),
        _asks_for(move),
    )


def table(casetype: CaseType) -> Iterator[str]:
    """Yield the lines of a Markdown table: one row for each move."""
    yield f"| {' | '.join(HEADER)} |"
    yield f"|{'---|' * len(HEADER)}"
    for move in casetype.lifecycle.transitions:
        yield f"| {' | '.join(_row(casetype.lifecycle, move))} |"


def diagram(casetype: CaseType) -> Iterator[str]:
    """Yield the lines of a Mermaid state diagram."""
    lifecycle = casetype.lifecycle
    yield "stateDiagram-v2"
    yield f"    [*] --> {lifecycle.initial}"
    for move in lifecycle.transitions:
        for state in lifecycle.states:
            if state.code in move.source:
                yield f"    {state.code} --> {move.target or state.code}: {move.name}"
    for state in lifecycle.states:
        if state.is_terminal:
            yield f"    {state.code} --> [*]"


class Command(BaseCommand):
    """Read from the catalogue: what is printed is what the buttons, the API and the tasks obey."""

    help = "Print the lifecycle of each kind of case as a Markdown table, or as a Mermaid diagram."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", nargs="?", help="code of one kind, for example fraud_referral")
        parser.add_argument("--mermaid", action="store_true", help="a state diagram instead of a table")

    def handle(self, *args: Any, kind: str | None, mermaid: bool, **options: Any) -> None:
        """Print every kind, or the one that was named."""
        wanted = [each for each in casetypes.all_types() if kind in (None, each.code)]
        if not wanted:
            raise CommandError(f"There is no kind of case called {kind}.")
        for casetype in wanted:
            if kind is None:
                self.stdout.write(f"\n{casetype.label} ({casetype.code})\n")
            for line in (diagram if mermaid else table)(casetype):
                self.stdout.write(line)
