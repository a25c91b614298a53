"""manage.py bench: what one operation costs here, in CPU and statements, beside two other ways of doing it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from cases.kernel.models import Case


class Command(BaseCommand):
    """Writes into the database it measures, so it runs in demo mode only; drops its own tables at the end."""

    help = "Measure W1, W2, W3, W4, W7, W13, W14, W14A, W15: a table, and JSON with --json FILE. Seed cases first."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--rounds", type=int, default=7)
        parser.add_argument("--repeats", type=int, default=15, help="operations of each arm in a round")
        parser.add_argument("--only", default="", help="codes with commas, such as W2,W3")
        parser.add_argument("--json", type=Path, help="write the figures to this file too")

    def handle(self, *_args: Any, rounds: int, repeats: int, only: str, json: Path | None, **_options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The bench writes what it measures: in demo mode only.")
        if not Case.objects.filter(state="filed").exists():
            raise CommandError("There is nothing to measure with: run seed_volume first.")
        with _other_arms(), override_settings(ROOT_URLCONF="cases.management.bench.urls"):
            figures = self._run(set(filter(None, only.split(","))), rounds=rounds, repeats=repeats)
        if json is not None:
            json.write_text(_document(figures))

    def _run(self, wanted: set[str], *, rounds: int, repeats: int) -> list[dict[str, Any]]:
        from cases.management.bench import stage, work  # noqa: PLC0415 -- their models exist for a run alone

        figures = []
        with stage.staged(username="a.byrne") as staged:
            self.stdout.write(_HEAD)
            for workload in (each for each in work.WORKLOADS if not wanted or each.code in wanted):
                try:
                    figures.append(_measured(workload, staged, rounds=rounds, repeats=repeats))
                except CommandError as refusal:  # what cannot be measured here costs no other its figures
                    self.stderr.write(str(refusal))
                else:
                    self.stdout.write(_line(figures[-1]))
        return figures


@contextmanager
def _other_arms() -> Iterator[None]:
    """Make the app of the other arms known to this process while they run: simple-history asks for it."""
    config = AppConfig.create("cases.management.bench")
    config.apps = apps
    apps.app_configs[config.label] = config
    config.import_models()
    try:
        yield
    finally:
        del apps.app_configs[config.label]
        apps.clear_cache()


def _measured(workload: Any, staged: Any, *, rounds: int, repeats: int) -> dict[str, Any]:
    from cases.management.bench import meter, work  # noqa: PLC0415 -- as above

    work.between_rounds()
    result = meter.measure(workload.arms(staged), rounds=rounds, repeats=workload.repeats or repeats)
    ours = result.costs["ours"]
    limits = {"ref": workload.ref, "floor": workload.floor}
    missed = [name for name, most in limits.items() if most is not None and result.ratios.get(name, 0) > most]
    if workload.statements is not None and ours.statements > workload.statements:
        missed.append("statements")
    return {
        "code": workload.code,
        "label": workload.label,
        "costs": {name: {**asdict(cost), "cpu_ms": cost.cpu_ms} for name, cost in result.costs.items()},
        "ratios": dict(result.ratios),
        "goals": {**limits, "statements": workload.statements},
        "missed": missed,
    }


_HEAD = (
    "|      | operation | statements | CPU-ms ours (app + database) | ref | floor | ours/ref | ours/floor | missed |\n"
    "|------|-----------|-----------:|-----------------------------:|----:|------:|---------:|-----------:|--------|"
)


def _line(found: dict[str, Any]) -> str:
    costs, ratios = found["costs"], found["ratios"]
    ours = costs["ours"]
    others = [f"{costs[name]['cpu_ms']:.1f}" if name in costs else "" for name in ("ref", "floor")]
    shown = [f"{ratios[name]:.2f}" if name in ratios else "" for name in ("ref", "floor")]
    spent = f"{ours['cpu_ms']:.1f} ({ours['app_ms']:.1f} + {ours['database_ms']:.1f})"
    cells = [found["code"], found["label"], str(ours["statements"]), spent, *others, *shown, ", ".join(found["missed"])]
    return f"| {' | '.join(cells)} |"


def _document(figures: list[dict[str, Any]]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    held = {
        "at": timezone.now().isoformat(),
        "cases": Case.objects.count(),
        "postgresql": version,
        "workloads": figures,
    }
    return json.dumps(held, indent=1)
