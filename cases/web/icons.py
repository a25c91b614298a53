"""The icons of the pages: one drawing of all of them, and the style sheet that says where in it each stands.

A page says `<i class="i-scale">`, and the style sheet paints that with the colour of the text around it, through the
drawing as a mask. So an icon is 25 bytes of a page where its lines would be 250, eighty times a page. Both files are
made from the `lucide` package when static files are collected; nothing of that package is kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from lucide.templatetags.lucide import lucide

__all__ = ["LISTED", "NAMES", "Finder", "drawing", "sheet"]

# Those that the pages use. A page that names another has a gap there; a test looks for what is named.
LISTED = Path(__file__).with_suffix(".txt")
NAMES = LISTED.read_text().split()

SIDE = 24
_PEN = 'fill="none" stroke="#000" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
_AROUND = re.compile(r"^<svg[^>]*>|</svg>\s*$|\s*\n\s*")


def drawing() -> str:
    """Return all icons as one SVG, side by side."""
    lines = [_AROUND.sub("", lucide(name)) for name in NAMES]
    placed = "".join(f'<g transform="translate({SIDE * at})">{line}</g>' for at, line in enumerate(lines))
    width = SIDE * len(lines)
    box = f'width="{width}" height="{SIDE}" viewBox="0 0 {width} {SIDE}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {_PEN}>{placed}</svg>'


def sheet() -> str:
    """Return the style sheet that says how far along the drawing each icon stands."""
    last = len(NAMES) - 1
    return "".join(f".i-{name}{{--i:{100 * at / last:.6g}%}}\n" for at, name in enumerate(NAMES))


_MADE = {"backoffice/icons.svg": drawing, "backoffice/icons.css": sheet}


@cache
def _storage() -> FileSystemStorage:
    """Make both files in the home of this installation, once for a process, and return where they are."""
    found = FileSystemStorage(location=settings.BACKOFFICE_HOME / "icons", allow_overwrite=True)
    for name, make in _MADE.items():
        found.save(name, ContentFile(make()))
    return found


class Finder(BaseFinder):
    """Finds both files among the static ones; they are made when they are first asked for."""

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        found = [_storage().path(path)] if path in _MADE else []
        return found if find_all else "".join(found)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return [(name, _storage()) for name in _MADE]
