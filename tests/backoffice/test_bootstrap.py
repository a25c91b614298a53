"""Setting up repeats nothing, and says the exact command for what it may not do."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from backoffice import bootstrap


def test_missing_packages_are_named_with_their_command_when_we_may_not_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "_as_root", lambda: None)

    bootstrap.ensure_system({"libnothing-9.so.0": "libnothing9", "/nowhere/font.ttf": "fonts-nowhere", "/": "base"})

    assert capsys.readouterr().out == (
        "Missing on this machine: fonts-nowhere, libnothing9. "
        "Install with: sudo apt-get install --yes --no-install-recommends fonts-nowhere libnothing9\n"
    )


def test_lock_is_installed_only_when_it_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "BASE", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap.subprocess, "check_output", lambda command: b"Python 3.11.2\n")

    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    lock = tmp_path / "requirements.txt"
    for text in ("a==1", "a==1", "a==2"):
        lock.write_text(text)
        bootstrap.install("requirements.txt")

    assert [command[-3:] for command in ran] == [["--require-hashes", "-r", str(lock)]] * 2
    kept = (tmp_path / ".installed-requirements.txt").read_text()
    assert kept == hashlib.sha256(b"a==2Python 3.11.2\n").hexdigest()
