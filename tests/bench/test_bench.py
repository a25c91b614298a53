"""The bench runs, keeps to its statements, and leaves nothing behind. Its CPU figures are read, never asserted here."""

import json

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from tests.web import desk

CODES = {"W1", "W1F", "W2", "W3", "W4", "W7E", "W7P", "W7S", "W13", "W13R", "W14", "W14A", "W15", "W15T"}
# The most statements of ours, sessions, people and rate limits told.
STATEMENTS = {"W1": 23, "W1F": 27, "W2": 18, "W3": 8, "W4": 12, "W7E": 14, "W7P": 14, "W7S": 14, "W13": 4, "W13R": 3}
STATEMENTS |= {"W15": 7, "W15T": 7}
STATEMENTS |= {"W14": 139, "W14A": 382}  # of ten promises, of ten answers


@pytest.fixture
def seeded(db, settings):
    settings.DEMO = True
    call_command("seed_volume", cases=120, variants=1, workers=0)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_bench_measures_every_workload_within_its_statements_and_drops_its_tables(seeded, tmp_path):
    call_command("bench", rounds=1, repeats=1, only=",".join(sorted(CODES)), json=tmp_path / "figures.json")

    figures = json.loads((tmp_path / "figures.json").read_text())
    counted = {each["code"]: each["costs"]["ours"]["statements"] for each in figures["workloads"]}
    assert set(counted) == CODES
    assert {code: count for code, count in counted.items() if count > STATEMENTS[code]} == {}
    assert [name for name in connection.introspection.table_names() if name.startswith("bench_")] == []
    assert "bench" not in apps.app_configs


def test_a_queue_of_25_rows_weighs_at_most_40_kilobytes(seeded):
    page = desk.client_of("a.byrne").get("/cases/")

    assert page.text.count('<tr class="row') == 25
    assert len(page.content) <= 40_000


def test_bench_is_refused_outside_a_demonstration(db):
    with pytest.raises(CommandError, match="in demo mode only"):
        call_command("bench")
