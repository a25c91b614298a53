"""Builds the files that a hostile sender sends, from nothing but code. None of them does harm."""

import io
import struct
import zipfile
import zlib

from cases.agencies.sandbox.scanner import EICAR

LOCKED = b"SANDBOX-LOCKED"
HTML = b"<!DOCTYPE html><html><script>alert(document.cookie)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\x11" * 200 + b"\xff\xd9"
WAV = b"RIFF" + struct.pack("<I", 4096) + b"WAVEfmt " + b"\x10\0\0\0\1\0\1\0" + b"\0" * 4000
AVI = b"RIFF" + struct.pack("<I", 4096) + b"AVI LIST" + b"\0" * 4000


def png(width=1, height=1):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def package(*parts, **more):
    """A zip of these parts; of a pair, the second is what it holds."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for part in parts:
            name, data = part if isinstance(part, tuple) else (part, b"<x/>")
            file.writestr(name, data)
        for number in range(more.get("count", 0)):
            file.writestr(f"part-{number}.xml", b"")
    return out.getvalue()


CONTENTS = "[Content_Types].xml"
DOCX = package(CONTENTS, "word/document.xml")
XLSX = package(CONTENTS, "xl/workbook.xml")


def locked(data):
    """Mark every part of a package as locked with a password, in its table of contents."""
    found, at = bytearray(data), -1
    while (at := found.find(b"PK\x01\x02", at + 1)) >= 0:
        found[at + 8] |= 1
    return bytes(found)


def lying(data):
    """A package whose end record says that its table of contents is elsewhere."""
    at = data.rfind(b"PK\x05\x06")
    return data[: at + 16] + struct.pack("<I", 7) + data[at + 20 :]


def stored(*parts):
    """A package whose parts lie in it as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name, data in parts:
            file.writestr(name, data)
    return out.getvalue()


BOMB = (b"\0" * 1024 * 1024) * 40

FILES = {
    "pdf": lambda: PDF,
    "png": png,
    "jpeg": lambda: JPEG,
    "tiff": lambda: b"II*\0\x08\0\0\0" + b"\0" * 64,
    "csv": lambda: b"number,minutes\r\n07700900123,4\r\n",
    "formulas": lambda: b'=cmd|"/c calc"!A1,+1,@SUM(A1)\n',
    "text": lambda: b"Nothing but words.\n",
    "email": lambda: b"From: a@example.org\r\nTo: b@example.org\r\n\r\nHello.\r\n",
    "email_with_html": lambda: b"From: a@example.org\r\nContent-Type: text/html\r\n\r\n" + HTML,
    "docx": lambda: DOCX,
    "xlsx": lambda: XLSX,
    "wav": lambda: WAV,
    "mp3": lambda: b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\0" * 100,
    "mp4": lambda: b"\0\0\0\x18ftypmp42" + b"\0" * 200,
    "avi": lambda: AVI,
    "eicar": lambda: EICAR,
    "pdf_with_eicar": lambda: PDF + EICAR,
    "docx_with_eicar": lambda: stored((CONTENTS, b"<x/>"), ("word/document.xml", EICAR)),
    "long_with_eicar": lambda: b"word " * 60_000 + EICAR + b" word" * 60_000,
    "pdf_locked": lambda: PDF + LOCKED,
    "wav_locked": lambda: WAV * 40 + LOCKED,
    "empty": lambda: b"",
    "html": lambda: HTML,
    "html_late": lambda: b"Dear colleague,\n" + b"word " * 300 + HTML,
    "svg": lambda: SVG,
    "xml": lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "mz": lambda: b"MZ\x90\0\x03\0\0\0This program cannot be run in DOS mode.",
    "script": lambda: b"#!/bin/sh\nrm -rf /\n",
    "batch": lambda: b"@echo off\r\nformat c:\r\n",
    "php": lambda: b"<?php system($_GET['c']); ?>",
    "jpeg_with_php": lambda: JPEG[:30] + b"<?php system($_GET['c']); ?>" + JPEG[30:],
    "gif": lambda: b"GIF89a\1\0\1\0\0\0\0;",
    "jpeg_with_zip": lambda: JPEG + package("Main.class"),
    "png_with_zip": lambda: png() + package("Main.class"),
    "png_with_tail": lambda: png() + b"more",
    "png_cut": lambda: png()[:-6],
    "png_huge": lambda: png(60_000, 60_000),
    "pdf_with_zip": lambda: PDF + package("Main.class"),
    "pdf_late": lambda: b"junk\n" + PDF,
    "pdf_with_page": lambda: PDF[:9] + HTML + PDF[9:],
    "zip": lambda: package("a.txt"),
    "docx_macros": lambda: package(CONTENTS, "word/document.xml", "word/vbaProject.bin"),
    "xlsx_macros": lambda: package(CONTENTS, "xl/workbook.xml", "xl/vbaProject.bin"),
    "docx_object": lambda: package(CONTENTS, "word/document.xml", "word/embeddings/oleObject1.bin"),
    "docx_bomb": lambda: package(CONTENTS, "word/document.xml", ("word/media/a.xml", BOMB)),
    "xlsx_many": lambda: package(CONTENTS, "xl/workbook.xml", count=3000),
    "docx_locked": lambda: locked(DOCX),
    "docx_cut": lambda: DOCX[:-30],
    "docx_lying": lambda: lying(DOCX),
    "zip_bomb": lambda: package(("a", BOMB)),
    "utf16": lambda: "Nothing but words.".encode("utf-16"),
    "nuls": lambda: b"a\0b\0c",
}
