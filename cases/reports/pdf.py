"""Sets HTML as PDF/A-3a and PDF/UA-1 in one file. Runs alone in a process of its own: imports nothing of ours.

Every fetch is refused and stops the work: what is printed comes in whole, and nothing is looked up. The same input
gives the same bytes.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import struct
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pydyf

__all__ = ["RANGE_PLACE", "SEAL_PLACE", "Paper", "Printed", "render"]

PROFILE = "pdf/a-3a"
CPU_SECONDS = 120
IDLE_SECONDS = 60
ENDED = 3  # how a child ends that found no paper
LENGTH = struct.Struct(">q")
# Signs that turn the direction of writing (Unicode Bidirectional Algorithm, UAX #9): on paper they would show words
# in an order in which nobody typed them, so they are printed by their numbers.
TURNING = {
    ord(sign): f"[U+{ord(sign):04X}]" for sign in "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
}
MEMORY_BYTES = 1_500 * 1024 * 1024
# What seal.py writes over: the seal itself, and which bytes it is over (ISO 32000-1, 12.8.1).
SEAL_PLACE = b"<" + b"0" * 32_768 + b">"
RANGE_PLACE = b"[0 0000000000 0000000000 0000000000]"
# WeasyPrint writes one profile's identification; PDF/A wants the other's schema described beside it.
PDF_UA = (
    b'<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">'
    b"<pdfuaid:part>1</pdfuaid:part></rdf:Description>"
    b'<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    b' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
    b' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    b"<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>"
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    b"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b"<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    b"<pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>Part of ISO 14289</pdfaProperty:description>"
    b"</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
    b"</rdf:RDF>"
)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What is to be printed. `made_at` is an ISO moment with zone; `identifier` is 32 hex digits of the file's id."""

    html: str
    css: str
    identifier: str
    made_at: str
    attachment: str = ""
    attachment_name: str = "ledger.json"
    attachment_note: str = ""
    sealed_at: str = ""  # as PDF writes a moment; empty where no seal is to come


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A finished file."""

    data: bytes
    pages: int


def render(paper: Paper) -> Printed:
    """Return the paper as PDF. Raises FatalURLFetchingError when anything in it asks for a file or an address."""
    from weasyprint import CSS, HTML, Attachment
    from weasyprint.urls import URLFetcher

    nothing = URLFetcher(allowed_protocols=(), allow_redirects=False, fail_on_errors=True)
    css = CSS(string=paper.css, url_fetcher=nothing)
    document = HTML(string=paper.html.translate(TURNING), url_fetcher=nothing).render(
        stylesheets=[css], pdf_variant=PROFILE
    )
    made_at = datetime.fromisoformat(paper.made_at)
    document.metadata.attachments = []
    if paper.attachment:
        document.metadata.attachments.append(
            Attachment(
                string=paper.attachment.encode(),
                url_fetcher=nothing,
                name=paper.attachment_name,
                description=paper.attachment_note,
                relationship="Data",
                created=made_at,
                modified=made_at,
            )
        )
    identify = document.metadata.generate_rdf_metadata
    document.metadata.generate_rdf_metadata = lambda *given: identify(*given).replace(b"</rdf:RDF>", PDF_UA)
    identifier = bytes.fromhex(paper.identifier)

    def finish(_document: Any, pdf: Any) -> None:
        _name_attachments_once(pdf)
        if paper.sealed_at:
            _leave_place_for_seal(pdf, paper.sealed_at)

    data = document.write_pdf(pdf_variant=PROFILE, pdf_identifier=identifier, finisher=finish)
    return Printed(data=data, pages=len(document.pages))


def _name_attachments_once(pdf: Any) -> None:
    """Drop repetitions from the list of associated files: WeasyPrint names each attachment twice."""
    associated = pdf.catalog.get("AF")
    if associated:
        associated[:] = list(dict.fromkeys(associated))


def _leave_place_for_seal(pdf: Any, at: str) -> None:
    """Add a signature that covers the file, in a field without extent on the first page: whatever is changed or added
    afterwards breaks it."""

    class Whole(pydyf.Dictionary):
        """Written as it is, so that its place can be found: not into a stream of objects."""

        compressible = False

    signature = Whole(
        {
            "Type": "/Sig",
            "Filter": "/Adobe.PPKLite",
            "SubFilter": "/adbe.pkcs7.detached",
            "M": pydyf.String(at),
            "Contents": SEAL_PLACE,
            "ByteRange": RANGE_PLACE,
        }
    )
    pdf.add_object(signature)
    permitted = pydyf.Dictionary({"Type": "/TransformParams", "P": 1, "V": "/1.2"})
    signature["Reference"] = pydyf.Array(
        [pydyf.Dictionary({"Type": "/SigRef", "TransformMethod": "/DocMDP", "TransformParams": permitted})]
    )
    first: Any = next(each for each in pdf.objects if isinstance(each, dict) and each.get("Type") == "/Page")
    field = pydyf.Dictionary(
        {
            "Type": "/Annot",
            "Subtype": "/Widget",
            "FT": "/Sig",
            "T": pydyf.String("Seal"),
            "TU": pydyf.String("Seal of this report"),
            "V": signature.reference,
            "F": 132,
            "Rect": pydyf.Array([0, 0, 0, 0]),
            "P": first.reference,
        }
    )
    pdf.add_object(field)
    first["Annots"] = pydyf.Array([*first.get("Annots", ()), field.reference])
    pdf.catalog["AcroForm"] = pydyf.Dictionary({"SigFlags": 3, "Fields": pydyf.Array([field.reference])})
    pdf.catalog["Perms"] = pydyf.Dictionary({"DocMDP": signature.reference})


def packed(paper: Paper) -> bytes:
    """Return a paper as the process reads it, without its length."""
    return json.dumps(asdict(paper)).encode()


def main() -> None:
    """Print papers from standard input until it ends or none came for a minute. Loading WeasyPrint takes a second, so
    it is done once for all; all else is done in a child of its own for each paper, which alone reads it and what
    is printed of it, and has the limits.

    A paper and what is printed of it each come after their length; before what is printed, the number of its pages,
    or -1 and the class of the error alone, for its message may hold what was to be printed.
    """
    import weasyprint  # noqa: F401 -- for the children

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.disable()  # nothing is freed before the end anyway; saves a twentieth of the time
    gc.freeze()
    while select.select([0], [], [], IDLE_SECONDS)[0]:
        answer = os.memfd_create("answer")
        if not (child := os.fork()):
            os._exit(_print_one(answer))
        _, status = os.waitpid(child, 0)
        if status:  # nothing more comes, or it was stopped and may have left half a paper unread
            if (code := os.waitstatus_to_exitcode(status)) != ENDED:
                os.write(1, _framed(-1, f"status {code}".encode()))
            return
        while os.sendfile(1, answer, None, 1 << 20):
            pass
        os.close(answer)


def _print_one(answer: int) -> int:
    """Read one paper, write what is printed of it into a file, and return how the child ends."""
    if not (length := _read(LENGTH.size)):
        return ENDED
    packed_paper = _read(*LENGTH.unpack(length))
    nothing = os.open(os.devnull, os.O_RDWR)
    for shared in (0, 1):
        os.dup2(nothing, shared)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        printed = render(Paper(**json.loads(packed_paper)))
        framed = _framed(printed.pages, printed.data)
    except BaseException as error:  # nothing may come back into the loop of the parent
        framed = _framed(-1, type(error).__name__.encode())
    with open(answer, "wb", closefd=False) as file:
        file.write(framed)
    os.lseek(answer, 0, os.SEEK_SET)  # the parent reads from where the child stands
    return 0


def _framed(pages: int, data: bytes) -> bytes:
    return LENGTH.pack(pages) + LENGTH.pack(len(data)) + data


def _read(size: int) -> bytes:
    """Return so many bytes of standard input and not one more; fewer where it ends."""
    parts = []
    while size and (part := os.read(0, min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
