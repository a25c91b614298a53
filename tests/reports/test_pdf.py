"""What every paper is as a file: PDF/A-3a and PDF/UA-1, the same bytes each time, made without fetching anything."""

import contextlib
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from pikepdf import Dictionary

from cases.reports import pdf, press
from tests.reports import reading

PAPER = pdf.Paper(
    html=(
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>A paper</title>'
        '<meta name="dcterms.created" content="2026-11-16T11:00:00Z">'
        '<meta name="dcterms.modified" content="2026-11-16T11:00:00Z"></head>'
        '<body><h1>A paper</h1><p>First line<br>Zażółć → “quoted”</p><table><tbody><tr><th scope="row">One</th>'
        "<td>1</td></tr></tbody></table></body></html>"
    ),
    css="@page { size: A4; @bottom-right { content: counter(page) } } html { font: 9pt 'DejaVu Sans' }",
    identifier="00112233445566778899aabbccddeeff",
    made_at="2026-11-16T11:00:00+00:00",
    attachment='{"events": []}',
    attachment_note="The chain",
)


TURNED = "Ref \u202e4471\u202c due"


@pytest.fixture(scope="module")
def printed() -> pdf.Printed:
    return press.press(PAPER)


def test_paper_names_both_standards(printed):
    with reading.opened(printed.data) as file:
        metadata = file.Root.Metadata.read_bytes().decode()

    assert 'pdfaid:part="3"' in metadata
    assert 'pdfaid:conformance="A"' in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert metadata.count("<rdf:RDF") == 1


def test_paper_is_tagged_and_speaks_its_language(printed):
    with reading.opened(printed.data) as file:
        root = file.Root
        assert root.MarkInfo.Marked
        assert root.Lang == "en-GB"
        assert root.StructTreeRoot.Type == "/StructTreeRoot"
        assert root.ViewerPreferences.DisplayDocTitle
        assert len(root.OutputIntents) == 1


def test_paper_embeds_every_font(printed):
    with reading.opened(printed.data) as file:
        fonts = [each for each in file.objects if _is_descriptor(each)]

        assert {str(font.FontName).rpartition("+")[2] for font in fonts} == {"DejaVu-Sans", "DejaVu-Sans-Bold"}
        assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)


def _is_descriptor(each) -> bool:
    return isinstance(each, Dictionary) and each.get("/Type") == "/FontDescriptor"


def test_paper_carries_its_attachment_once(printed):
    with reading.opened(printed.data) as file:
        assert list(file.attachments) == ["ledger.json"]
        assert file.attachments["ledger.json"].get_file().read_bytes() == b'{"events": []}'
        assert len(file.Root.AF) == 1


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="There is no qpdf: install Debian's.")
def test_paper_is_sound(printed, tmp_path):
    reading.check_with_qpdf(printed.data, tmp_path)


def test_same_paper_gives_the_same_bytes(printed):
    again = press.press(PAPER)

    assert again == printed


def test_signs_that_turn_the_words_around_are_printed_by_their_numbers():
    turned = press.press(replace(PAPER, html=PAPER.html.replace("First line", TURNED)))

    assert "Ref [U+202E]4471[U+202C] due" in reading.text_of(turned.data)


def test_text_comes_back_as_written(printed):
    assert "Zażółć → “quoted”" in reading.text_of(printed.data)


@pytest.mark.parametrize(
    "where",
    [
        '<img src="{}" alt="">',
        '<link rel="stylesheet" href="{}">',
        '<style>@import url("{}");</style>',
        '<style>p {{ background: url("{}") }}</style><p>x</p>',
        '<style>@font-face {{ font-family: "DejaVu Sans"; src: url("{}") }}</style>',
        '<object data="{}"></object>',
    ],
)
def test_paper_that_asks_for_an_address_is_not_printed(where, listener):
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/a"

    with pytest.raises(press.PressFailed, match="The pages could not be set."):
        press.press(replace(PAPER, html=PAPER.html.replace("</body>", where.format(address) + "</body>")))

    with pytest.raises(BlockingIOError):
        listener.accept()


def test_paper_that_asks_for_a_file_is_not_printed():
    html = PAPER.html.replace("</body>", '<img src="file:///etc/hostname" alt=""></body>')

    with pytest.raises(press.PressFailed, match="The pages could not be set."):
        press.press(replace(PAPER, html=html))


def test_paper_attaches_no_file_it_names_itself():
    html = PAPER.html.replace("</head>", '<link rel="attachment" href="file:///etc/hostname"></head>')

    with reading.opened(press.press(replace(PAPER, html=html, attachment="")).data) as file:
        assert list(file.attachments) == []


def test_picture_inside_a_picture_is_not_fetched(listener):
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:{listener.getsockname()[1]}/"/></svg>'
    )

    press.press(replace(PAPER, html=PAPER.html.replace("</body>", picture + "</body>")))

    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.fixture
def listener():
    """A server that nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_paper_that_takes_too_long_is_not_printed(monkeypatch):
    monkeypatch.setattr(press, "WALL_SECONDS", 0)

    with pytest.raises(press.PressFailed, match="The pages took too long to set."):
        press.press(PAPER)


def test_process_stays_for_the_next_paper_and_one_that_was_killed_is_replaced():
    first = press.press(PAPER)
    running = press._idle[-1]

    assert press.press(PAPER) == first
    assert press._idle[-1] is running

    running.kill()
    running.wait()
    assert press.press(PAPER) == first
    assert press._idle[-1] is not running


def test_process_that_has_just_gone_costs_no_paper(monkeypatch):
    first = press.press(PAPER)
    running = press._idle[-1]
    monkeypatch.setattr(running, "poll", lambda: None)  # it goes between the look and the paper
    running.kill()
    running.wait()

    assert press.press(PAPER) == first


def test_paper_leaves_nothing_in_the_process_for_another(monkeypatch, tmp_path):
    """Neither what was asked for nor what was printed is in the memory of the process or of the next paper's child."""
    looking = tmp_path / "pdf.py"
    source = Path(pdf.__file__).read_text()
    assert source.count("        printed = render(") == 1
    look = (
        "        found = 0\n"
        "        for line in open('/proc/self/maps'):\n"
        "            begins, ends = (int(each, 16) for each in line.split()[0].split('-'))\n"
        "            if ' rw' in line and '[v' not in line:\n"
        "                os.lseek(mem := os.open('/proc/self/mem', os.O_RDONLY), begins, os.SEEK_SET)\n"
        "                found += os.read(mem, ends - begins).count(b'tercesqz'[::-1])\n"
        "                os.close(mem)\n"
        "        assert not found\n"
    )
    looking.write_text(source.replace("        printed = render(", f"{look}        printed = render("))
    monkeypatch.setattr(pdf, "__file__", str(looking))
    press._end_all()
    secret = replace(PAPER, html=PAPER.html.replace("</body>", "<p>zqsecret</p></body>"))

    with pytest.raises(press.PressFailed):
        press.press(secret)  # the look finds what the paper itself says
    running = press._idle[-1]
    assert press.press(PAPER).pages == 1

    assert press._idle[-1] is running
    press._end_all()


def test_paper_that_cannot_be_printed_ends_its_child_alone():
    with pytest.raises(press.PressFailed):
        press.press(replace(PAPER, identifier="no digits"))

    running = press._idle[-1]
    assert press.press(PAPER).pages == 1
    assert press._idle[-1] is running


def test_process_that_hangs_is_not_waited_for(monkeypatch, tmp_path):
    """Also while a long paper is handed in, of which the pipe holds only the beginning."""
    hanging = tmp_path / "pdf.py"
    hanging.write_text("import select\nselect.select([], [], [])\n")
    monkeypatch.setattr(pdf, "__file__", str(hanging))
    press._end_all()

    with pytest.raises(press.PressFailed, match="too long to set"):
        press.press(replace(PAPER, html="x" * 1_000_000), within_seconds=0.2)

    assert press._idle == []


def test_what_a_paper_is_allowed_to_take_ends_its_child_alone(monkeypatch, tmp_path):
    """The limits hold for each paper, not for all together."""
    small = tmp_path / "pdf.py"
    source = Path(pdf.__file__).read_text()
    assert source.count("CPU_SECONDS = 120") == 1
    small.write_text(source.replace("CPU_SECONDS = 120", "CPU_SECONDS = 1"))
    monkeypatch.setattr(pdf, "__file__", str(small))
    press._end_all()

    with pytest.raises(press.PressFailed, match="could not be set"):
        press.press(replace(PAPER, html=PAPER.html.replace("</body>", "<p>word</p>" * 20_000 + "</body>")))
    press.press(PAPER)
    running = press._idle[-1]
    for _ in range(25):  # together more than a second
        press.press(PAPER)

    assert press._idle == [running]
    press._end_all()


def test_process_goes_when_its_owner_does():
    code = (
        "from tests.reports.test_pdf import PAPER; from cases.reports import press;"
        "press.press(PAPER); print(press._idle[0].pid, flush=True); import os; os._exit(0)"
    )
    finished = subprocess.run([sys.executable, "-c", f"import django; django.setup(); {code}"], capture_output=True)

    assert finished.returncode == 0, finished.stderr.decode()[-500:]
    process = int(finished.stdout)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(process).wait(20)
