"""Whose certificates are believed: of one file, or of the system's store."""

import ssl
from functools import lru_cache
from pathlib import Path

__all__ = ["context"]


def context(ca_file: str) -> ssl.SSLContext:
    """Return what checks a server's certificate by those of a file, or of the system's store where there is none: TLS
    1.2 at least, and the name must be theirs. Reading the store costs more than all else of a delivery, so that it is
    read again only when it was changed. Raises OSError where the file cannot be read."""
    system = ssl.get_default_verify_paths()
    places = [ca_file] if ca_file else [each for each in (system.cafile, system.capath) if each]
    return _context(ca_file, tuple((each, Path(each).stat().st_mtime_ns) for each in places))


@lru_cache(maxsize=32)
def _context(ca_file: str, _as_of: tuple[tuple[str, int], ...]) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca_file or None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made
