"""A task of the office's own Celery that does nothing but leave a mark: the floor of whatever workers carry.

`python -m tests.bench.nothing NUMBER FILE` asks for it so often; a worker of `tests.bench.nothing` does it.
"""

from __future__ import annotations

import os
import sys

from backoffice.celery import app


@app.task(name="tests.bench.nothing", queue="nothing", ignore_result=True)
def nothing(marks: str) -> None:
    """Add one byte to this file."""
    place = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(place, b".")
    os.close(place)


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        nothing.delay(sys.argv[2])
