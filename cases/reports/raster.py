"""Draws one page of a document as a picture of its own. Runs alone in a child process: imports nothing of ours.

What comes out is points and nothing else: no script, no link, no font, no place where it was taken. A document that
does not open, is too large or asks for too much ends the process, and nothing is shown. Once the document is read, the
process can open no file and no socket and start nothing; a font that a PDF does not bring is then not found. That is
kept by limits of the kernel on an ordinary user, and not by another user or a jail: root could raise them again.
"""

from __future__ import annotations

import importlib
import io
import resource
import sys
import warnings
from typing import Any

__all__ = ["KINDS", "render", "shut"]

# What is drawn: media type, and how the library calls it.
KINDS = {"application/pdf": "PDF", "image/png": "PNG", "image/jpeg": "JPEG", "image/tiff": "TIFF"}
LONGEST = 1600
MOST_POINTS = 40_000_000
MOST_TIMES = 4  # a page of postage-stamp size is not drawn larger than this
CPU_SECONDS = 5
MEMORY_BYTES = 1_000 * 1024 * 1024


def render(data: bytes, media_type: str, page: int) -> tuple[int, bytes]:
    """Return how many pages there are, and one of them as JPEG; nothing of it where there is no such page. Raises what
    the libraries raise."""
    pages, picture = (_of_pdf if media_type == "application/pdf" else _of_picture)(data, KINDS[media_type], page)
    if picture is None:
        return pages, b""
    out = io.BytesIO()
    picture.thumbnail((LONGEST, LONGEST))
    picture.convert("RGB").save(out, "JPEG", quality=85)
    return pages, out.getvalue()


def _of_pdf(data: bytes, _kind: str, page: int) -> tuple[int, Any]:
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    pages = len(document)
    if not 1 <= page <= pages:
        return pages, None
    found = document[page - 1]
    longest = max(found.get_size())
    scale = min(LONGEST / max(longest, 1), MOST_TIMES)
    return pages, found.render(scale=scale, may_draw_forms=False).to_pil()


def _of_picture(data: bytes, kind: str, page: int) -> tuple[int, Any]:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_POINTS
    picture = Image.open(io.BytesIO(data), formats=[kind])
    pages = int(getattr(picture, "n_frames", 1)) if kind == "TIFF" else 1
    if not 1 <= page <= pages:
        return pages, None
    if pages > 1:
        picture.seek(page - 1)
    turned = ImageOps.exif_transpose(picture)
    shown = Image.new("RGB", turned.size, "white")
    clear = turned.convert("RGBA")
    shown.paste(clear, mask=clear)
    return pages, shown


def shut() -> None:
    """Open nothing any more: no file, no socket, no process. Whatever draws is loaded by now."""
    importlib.import_module("pypdfium2")
    importlib.import_module("PIL.ImageOps")
    importlib.import_module("PIL.Image").init()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def main() -> None:
    """Read one document from standard input, within limits; write its number of pages, a line end, and the picture."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    warnings.simplefilter("error")
    data = sys.stdin.buffer.read()
    shut()
    pages, picture = render(data, sys.argv[1], int(sys.argv[2]))
    sys.stdout.buffer.write(f"{pages}\n".encode() + picture)


if __name__ == "__main__":
    main()
