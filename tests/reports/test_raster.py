"""The child that draws previews can open nothing once it has read the document, and draws nevertheless."""

import io
import subprocess
import sys

import pytest

from cases.reports import pictures, raster

# What hostile code in a document would try: our keys, our database, a way out.
TRIED = """
import importlib.util, resource, socket, sys
spec = importlib.util.spec_from_file_location("raster", sys.argv[1])
raster = importlib.util.module_from_spec(spec)
spec.loader.exec_module(raster)
open("/etc/passwd").close()
raster.shut()
done = []
for attempt in (
    lambda: open("/etc/passwd"),
    lambda: open("/proc/self/environ"),
    lambda: socket.socket(),
    lambda: socket.socketpair(),
    lambda: open("/tmp/left-behind", "w"),
):
    try:
        attempt()
    except OSError as refused:
        done.append(refused.strerror)
print(done, resource.getrlimit(resource.RLIMIT_NPROC))
"""


def test_nothing_can_be_opened_once_the_document_is_read():
    found = subprocess.run(
        [sys.executable, "-I", "-c", TRIED, raster.__file__], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.strip() == f"{['Too many open files'] * 5} (0, 0)"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_pictures_of_each_kind_are_drawn_by_the_child(kind):
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (40, 20), "navy").save(out, kind)
    drawn = pictures.draw(out.getvalue(), media_type=f"image/{kind.lower()}", page=1)
    assert Image.open(io.BytesIO(drawn.picture)).size == (40, 20)


def test_a_pdf_that_brings_no_font_is_drawn_with_the_fonts_of_the_library():
    from PIL import Image

    text = b"BT /F1 24 Tf 10 40 Td (Orchard Steps) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body = b"".join(b"%d 0 obj%sendobj\n" % (number, each) for number, each in enumerate(objects, start=1))
    data = b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF"
    drawn = pictures.draw(data, media_type="application/pdf", page=1)
    darkest, _ = Image.open(io.BytesIO(drawn.picture)).convert("L").getextrema()
    assert darkest < 100
