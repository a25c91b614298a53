"""How long the proofs take that could go on for ever: short in the suite, at length in `make soak`."""

import os

AT_LENGTH = "BACKOFFICE_AT_LENGTH" in os.environ

# Benches: what they prove beside their figures is proved of few rows elsewhere.
ONLY_AT_LENGTH = (
    "bench/test_portfolio.py",
    "bench/test_monthly_file.py",
    "bench/test_notices.py",
    "bench/test_batches.py",
    "bench/test_seed_volume.py",
    "bench/test_delivery_rate.py",
    "bench/test_erasing.py",
)


def times(short: int, long: int) -> int:
    """How often something is done."""
    return long if AT_LENGTH else short
