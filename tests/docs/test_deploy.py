"""The examples of deployment do what operations say, as far as one machine can show it."""

import re
import subprocess
import time

import psycopg
import pytest
import yaml
from django.core.checks import ERROR, WARNING
from django.db import connection

from backoffice import stack
from backoffice.bootstrap import RUN_NEEDS
from cases.ledger import checks
from tests.docs.pages import ROOT

DEPLOY = ROOT / "docs/deploy"
APPEND_ONLY = """
relname IN ('cases_ledgerevent', 'cases_securityevent', 'cases_ledgerleaf', 'cases_checkpoint')
OR relname LIKE 'cases\\_historical%' OR relname LIKE 'cases\\_accessevent%'
"""
PRIVILEGES = """
SELECT c.relname,
       has_table_privilege('backoffice_app', c.oid, 'SELECT')
         AND has_table_privilege('backoffice_app', c.oid, 'INSERT'),
       has_table_privilege('backoffice_app', c.oid, 'UPDATE') OR has_table_privilege('backoffice_app', c.oid, 'DELETE')
         OR has_table_privilege('backoffice_app', c.oid, 'TRUNCATE')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'django_migrations'
"""


@pytest.fixture
def granted(postgres, db):
    """Yield a superuser's connection to the tests' database with the example's grants, undone afterwards."""
    url = postgres.url(connection.settings_dict["NAME"], "postgres")
    with psycopg.connect(url) as superuser:
        superuser.execute("CREATE ROLE backoffice_app NOSUPERUSER NOCREATEDB NOCREATEROLE")
        superuser.execute("CREATE ROLE backoffice_owner_of_tests IN ROLE backoffice")
        superuser.execute((DEPLOY / "grants.sql").read_text())
        yield superuser
        superuser.rollback()


def test_application_adds_everywhere_and_changes_nothing_that_is_append_only(granted):
    rows = granted.execute(PRIVILEGES).fetchall()
    kept = {name for (name,) in granted.execute(f"SELECT relname FROM pg_class WHERE {APPEND_ONLY}")}

    assert [name for name, may_add, _ in rows if not may_add] == []
    assert {name for name, _, may_change in rows if not may_change} == {name for name, *_ in rows} & kept
    assert len([name for name, _, may_change in rows if not may_change]) > 20


def test_application_owns_nothing_and_makes_no_partitions(granted):
    function = "has_function_privilege('backoffice_app', 'ledger_access_months(integer)', 'EXECUTE')"

    assert granted.execute(f"SELECT {function}").fetchone() == (False,)
    assert granted.execute("SELECT count(*) FROM pg_class WHERE relowner = 'backoffice_app'::regrole").fetchone() == (
        0,
    )


def test_check_passes_for_the_applications_role_and_names_what_others_could_do(granted):
    with granted.cursor() as cursor:
        as_superuser = checks.role_faults(cursor)
        cursor.execute("SET ROLE backoffice_owner_of_tests")
        as_owner = checks.role_faults(cursor)
        cursor.execute("RESET ROLE")
        cursor.execute("SET ROLE backoffice_app")
        as_application = checks.role_faults(cursor)
        cursor.execute("RESET ROLE; GRANT UPDATE ON cases_ledgerevent TO backoffice_app; SET ROLE backoffice_app")
        with_one_grant_too_many = checks.role_faults(cursor)

    assert as_application == []
    assert with_one_grant_too_many == [
        "The database role may change or empty 1 append-only tables (cases_ledgerevent the first)."
    ]
    assert as_superuser[0] == "The database role is a superuser, whom no trigger stops."
    assert len(as_owner) == 2 and "or may act for their owner" in as_owner[0]


def test_deployment_check_refuses_the_owner_as_the_role_that_serves(db):
    found = checks.role_cannot_alter(["default"])

    assert {message.id for message in found} == {"ledger.E002"}
    assert {message.level for message in found} == {ERROR}


@pytest.mark.parametrize(("ahead", "told"), [(-5.0, ["-5.0"]), (-0.5, []), (0.5, []), (5.0, ["+5.0"])])
def test_deployment_check_tells_of_a_clock_that_is_not_the_database_s(db, monkeypatch, ahead, told):
    right = time.time
    monkeypatch.setattr("cases.ledger.checks.time.time", lambda: right() + ahead)
    found = checks.clocks_agree(["default"])
    assert [message.msg for message in found] == [
        f"This machine's clock is {each} s from the database's." for each in told
    ]
    assert {message.level for message in found} <= {WARNING}


@pytest.mark.parametrize(("broken", "status"), [("", 0), ("keys", 1), ("check", 1), ("verify_ledger", 1)])
def test_what_fails_at_night_keeps_nothing_after_it_from_being_asked(tmp_path, broken, status):
    unit = (DEPLOY / "systemd" / "backoffice-verify.service").read_text()
    (line,) = re.findall(r"^ExecStart=/bin/sh -c '(.*)'$", unit, re.MULTILINE)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$2" >> "{tmp_path}/asked"\n[ "$2" != "{broken}" ]\n')
    python.chmod(0o700)
    script = line.replace("$$", "$").replace("/opt/backoffice/.venv/bin/python", str(python))

    assert subprocess.run(["/bin/sh", "-c", script], check=False).returncode == status
    assert (tmp_path / "asked").read_text().split() == ["keys", "check", "verify_ledger"]


def test_compose_file_runs_the_processes_of_operations():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]

    ours = {"prepare", "grants", "web", "worker", "reports", "jobs", "beat"}
    assert {"database", "broker", "scanner", "nginx"} | ours == set(services)
    assert {services[name]["environment"]["CLAMD"] for name in ours & {"web", "reports"}} == {"tcp:scanner:3310"}
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]


def test_every_queue_has_a_worker_in_units_and_compose(settings):
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    units = "".join(path.read_text() for path in (DEPLOY / "systemd").glob("*.service"))
    composed = (DEPLOY / "compose.yaml").read_text().replace('", "', " ")

    for text in (units, composed):
        assert {queue for found in re.findall(r"--queues ([\w,]+)", text) for queue in found.split(",")} == queues


def test_no_long_work_of_one_worker_keeps_who_is_on_call_asleep(settings):
    """A worker that carries a large file or a sale is busy for minutes: any that is free rings whoever is on call."""
    bell = settings.CELERY_TASK_ROUTES["cases.tasks.ring_on_call"]["queue"]
    units = "".join(path.read_text() for path in (DEPLOY / "systemd").glob("*.service"))
    composed = (DEPLOY / "compose.yaml").read_text().replace('", "', " ")

    for heard in (
        re.findall(r"--queues ([\w,]+)", units),
        re.findall(r"--queues ([\w,]+)", composed),
        stack.QUEUES.values(),
    ):
        assert len(heard) == 3
        assert all(bell in each.split(",") for each in heard)
    assert {queue for each in stack.QUEUES.values() for queue in each.split(",")} == {
        route["queue"] for route in settings.CELERY_TASK_ROUTES.values()
    }


def test_environment_of_the_example_is_known_to_the_code():
    code = "".join(path.read_text() for path in ROOT.glob("backoffice/*.py"))
    named = re.findall(r"^([A-Z_]+)=", (DEPLOY / "backoffice.env").read_text(), re.MULTILINE)

    assert len(named) > 8
    assert [name for name in named if f'"{name.removesuffix("_FILE")}"' not in code] == []


def test_image_installs_what_run_installs():
    image = (DEPLOY / "Dockerfile").read_text()

    assert [package for package in RUN_NEEDS.values() if package not in image] == []
    assert "--require-hashes" in image
