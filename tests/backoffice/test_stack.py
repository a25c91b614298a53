"""What the supervisor starts it keeps alive and stops; what would be dangerous it refuses."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.core.exceptions import ImproperlyConfigured

from backoffice import embedded
from backoffice.embedded import Child, Postgres
from backoffice.env import Env
from backoffice.folders import SOCKET_PATH_LIMIT, socket_folder
from backoffice.stack import Stack, StackError, demo_wanted
from backoffice.supervisor import Service, Supervisor

SLEEPER = Child((sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"))
STUBBORN = Child(
    (
        sys.executable,
        "-c",
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen(['sleep', '600']); print('up', flush=True); time.sleep(600)",
    )
)


def _tick_until(supervisor: Supervisor, condition, seconds: float = 10.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        supervisor.tick()
        time.sleep(0.05)


def test_child_is_started_again_when_it_is_killed(capfd: pytest.CaptureFixture[str]) -> None:
    supervisor = Supervisor(os.environ)
    supervisor.start(Service("sleeper", SLEEPER, rank=0))
    first = supervisor.kept[0].process.pid
    try:
        os.kill(first, signal.SIGKILL)
        _tick_until(supervisor, lambda: supervisor.kept[0].process.pid != first)
    finally:
        supervisor.stop_all()

    said = capfd.readouterr().out
    assert "up       | sleeper was ended by SIGKILL; starting it again in 0.5 s." in said
    assert supervisor.kept[0].process.poll() == -signal.SIGTERM


def test_pause_before_a_restart_doubles_when_a_child_keeps_dying(capfd: pytest.CaptureFixture[str]) -> None:
    supervisor = Supervisor(os.environ)
    supervisor.start(Service("broken", Child((sys.executable, "-S", "-c", "raise SystemExit(3)")), rank=0))
    try:
        _tick_until(supervisor, lambda: supervisor.kept[0].deaths == 2)
    finally:
        supervisor.stop_all()

    said = [line for line in capfd.readouterr().out.splitlines() if "ended" in line]
    assert said == [
        "up       | broken ended with code 3; starting it again in 0.5 s.",
        "up       | broken ended with code 3; starting it again in 1.0 s.",
    ]


def test_nothing_is_left_when_a_child_ignores_the_request_to_stop(capfd: pytest.CaptureFixture[str]) -> None:
    supervisor = Supervisor(os.environ)
    supervisor.start(Service("stubborn", STUBBORN, rank=0, grace=0.5))
    leader = psutil.Process(supervisor.kept[0].process.pid)
    _tick_until(supervisor, lambda: bool(leader.children()))
    family = [leader, *leader.children(recursive=True)]

    supervisor.stop_all()

    gone, alive = psutil.wait_procs(family, timeout=5)
    assert (len(gone), alive) == (2, [])
    assert "stubborn did not stop within 0 s; it is killed." in capfd.readouterr().out


def test_children_stop_by_rank(tmp_path: Path) -> None:
    def noting(name: str) -> Child:
        code = (
            "import signal, sys, time\n"
            f"def end(*_): open({str(tmp_path / 'order')!r}, 'a').write({name!r}); sys.exit()\n"
            "signal.signal(signal.SIGTERM, end)\n"
            f"open({str(tmp_path / name)!r}, 'w'); time.sleep(600)"
        )
        return Child((sys.executable, "-S", "-c", code))

    supervisor = Supervisor(os.environ)
    for rank, name in ((2, "c"), (0, "a"), (1, "b")):
        supervisor.start(Service(name, noting(name), rank=rank))
    _tick_until(supervisor, lambda: all((tmp_path / name).exists() for name in "abc"))

    supervisor.stop_all()

    assert (tmp_path / "order").read_text() == "abc"


def test_run_once_is_refused_when_the_process_fails() -> None:
    with pytest.raises(ImproperlyConfigured, match="prepare failed"):
        Supervisor(os.environ).run_once("prepare", Child((sys.executable, "-S", "-c", "raise SystemExit(1)")))


def test_demo_is_the_default_and_refused_where_it_would_be_dangerous() -> None:
    assert demo_wanted(Env({})) is True
    assert demo_wanted(Env({"BACKOFFICE_DEMO": "0", "DATABASE_URL": "postgresql:///x", "HOST": "0.0.0.0"})) is False
    with pytest.raises(StackError, match="does not run on a DATABASE_URL"):
        demo_wanted(Env({"DATABASE_URL": "postgresql:///x"}))
    with pytest.raises(StackError, match="HOST must stay 127.0.0.1"):
        demo_wanted(Env({"HOST": "0.0.0.0"}))


def test_home_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = Env({"BACKOFFICE_HOME": str(tmp_path / "file" / "home")})
    with pytest.raises(StackError, match="set BACKOFFICE_HOME to another folder"):
        Stack(env, is_demo=True).run()


def test_home_is_held_by_one_supervisor_alone(tmp_path: Path) -> None:
    env = Env({"BACKOFFICE_HOME": str(tmp_path / "home"), "PORT": "8999"})
    stack = Stack(env, is_demo=True)
    stack._prepare_home()
    held = stack._lock()

    with pytest.raises(StackError, match="already running"):
        Stack(env, is_demo=True)._lock()

    held.close()
    Stack(env, is_demo=True)._lock().close()
    assert (tmp_path / "home" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "home" / "secret_key").read_text()) >= 50


def test_servers_have_no_tcp_address(tmp_path: Path) -> None:
    env = Env({"BACKOFFICE_HOME": str(tmp_path)})

    assert "listen_addresses=" in Postgres.of(env).child().argv
    if embedded.valkey_binary():
        words = embedded.Valkey.of(env).child().argv
        assert words[words.index("--port") + 1] == "0"


def test_socket_moves_to_a_short_folder_when_its_path_would_be_too_long(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)

    folder = socket_folder(deep, longest_name=".s.PGSQL.5432")

    assert folder != deep
    assert len(str(folder / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT
    assert socket_folder(Path("/run/b"), longest_name=".s.PGSQL.5432") == Path("/run/b")


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs the database as another user.")
def test_database_moves_when_its_user_could_not_reach_the_home(tmp_path: Path) -> None:
    open_home, closed_home = Path("/srv/backoffice-test"), tmp_path / "closed"
    closed_home.mkdir(mode=0o700)

    assert Postgres.fitting_place(open_home) == open_home / "postgres"
    assert Postgres.fitting_place(closed_home / "home").parts[:3] == ("/", "var", "lib")


def test_tests_database_is_the_embedded_one(postgres: Postgres) -> None:
    assert postgres.is_ready()
    assert postgres.data.stat().st_mode & 0o077 == 0
    assert postgres.sockets.stat().st_mode & 0o077 == 0
