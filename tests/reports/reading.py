"""Reads a PDF back as a person or a program would."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import pikepdf
from pdfminer.high_level import extract_text
from pdfminer.layout import LAParams


def text_of(data: bytes) -> str:
    """Return what the pages say, from top to bottom: else a line at the head of a page may come within a paragraph."""
    return extract_text(io.BytesIO(data), laparams=LAParams(boxes_flow=None))


def squeezed(text: str) -> str:
    """Return text without any white space, so that line ends do not matter."""
    return re.sub(r"\s+", "", text)


def numbers(text: str, word: str) -> list[str]:
    """Return the numbers of the entries headed by a word, in the order printed."""
    return re.findall(rf"^{word} ([\d.]+)[: ,]", text, flags=re.MULTILINE)


def opened(data: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(data))


def check_with_qpdf(data: bytes, folder: Path) -> None:
    path = folder / "checked.pdf"
    path.write_bytes(data)
    finished = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
