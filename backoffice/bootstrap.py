"""Makes `.venv`, installs what the lock says and looks for system libraries. Runs before anything is installed.

Standard library only; `make` runs it by path. Everything is skipped that is already as it should be.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
VENV = BASE / ".venv"
PYTHON = VENV / "bin" / "python"
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
# What must be there, and the Debian package that brings it: a shared library, a file or a program.
RUN_NEEDS = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
    FONT: "fonts-dejavu-core",
}
DEV_NEEDS = {"pdftotext": "poppler-utils", "qpdf": "qpdf"}


def main(arguments: list[str]) -> int:
    """Set up; `--dev` adds what checks and tests need."""
    is_dev = "--dev" in arguments
    make_venv()
    install("requirements.txt")
    if is_dev:
        install("requirements-dev.txt")
    browser = {} if os.environ.get("CHROMIUM") else {"chromium-headless-shell": "chromium-headless-shell"}
    ensure_system({**RUN_NEEDS, **(DEV_NEEDS | browser if is_dev else {})})
    return 0


def make_venv() -> None:
    """Make the environment unless a working one is there."""
    if PYTHON.exists() and _runs([str(PYTHON), "-c", "import pip"]):
        return
    if not _runs([sys.executable, "-c", "import ensurepip, venv"]):
        ensure_system({"ensurepip": f"python3.{sys.version_info.minor}-venv"})
    print(f"Making {VENV.name} with Python {sys.version.split()[0]}.", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)


def install(lock: str) -> None:
    """Install a lock with its hashes, if it changed since it was last installed."""
    text = (BASE / lock).read_bytes() + subprocess.check_output([str(PYTHON), "-V"])
    wanted = hashlib.sha256(text).hexdigest()
    stamp = VENV / f".installed-{lock}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {lock}.", flush=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    done = subprocess.run([*pip, "--require-hashes", "-r", str(BASE / lock)], check=False)
    if done.returncode:
        sys.exit(f"{lock} could not be installed; the lines above say why.")
    stamp.write_text(wanted)


def ensure_system(needs: dict[str, str]) -> None:
    """Install the Debian packages of what is missing, or say the command that does."""
    missing = sorted({package for thing, package in needs.items() if not is_there(thing)})
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    before = _as_root()
    if before is None or shutil.which("apt-get") is None:
        print(f"Missing on this machine: {', '.join(missing)}. Install with: sudo {' '.join(command)}", flush=True)
        return
    print(f"Installing {', '.join(missing)}.", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for each in (["apt-get", "update", "--quiet=2"], command):
        done = subprocess.run([*before, *each], env=quiet, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if done.returncode:
            print(f"That failed. Try: sudo {' '.join(each)}", flush=True)


def is_there(thing: str) -> bool:
    """Say whether a library loads, a file exists, or a program is on the path."""
    if thing.startswith("/"):
        return Path(thing).exists()
    if ".so" not in thing:
        return shutil.which(thing) is not None
    try:
        ctypes.CDLL(thing)
    except OSError:
        return False
    return True


def _as_root() -> list[str] | None:
    """Return what must stand before a command to run it as root; None if we may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _runs(["sudo", "-n", "true"]):
        return ["sudo", "-n", "-E"]
    return None


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
