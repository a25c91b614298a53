"""Runs the sandbox: `python -m cases.agencies.sandbox FOLDER [--port N] [--scanner SOCKET]`."""

import argparse
import sys
from pathlib import Path

from cases.agencies.sandbox import scanner
from cases.agencies.sandbox.server import serve


def main(argv: list[str]) -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--scanner", type=Path, default=None, help="play a virus scanner here as well")
    options = parser.parse_args(argv)
    if options.scanner is not None:
        scanner.start(options.scanner)
    return serve(options.folder, port=options.port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
