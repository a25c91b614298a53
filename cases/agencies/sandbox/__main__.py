"""Runs the sandbox: `python -m cases.agencies.sandbox FOLDER [--port N]`."""

import argparse
import sys
from pathlib import Path

from cases.agencies.sandbox.server import serve


def main(argv: list[str]) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=None)
    options = parser.parse_args(argv)
    return serve(options.folder, port=options.port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
