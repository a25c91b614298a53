"""How long the proofs take that could go on for ever: short in the suite, at length in `make soak`."""

import os

AT_LENGTH = "BACKOFFICE_AT_LENGTH" in os.environ


def times(short: int, long: int) -> int:
    """How often something is done."""
    return long if AT_LENGTH else short
