"""Seals a finished PDF, so that every reader of such files shows whether a byte of it was changed since.

The press leaves a place for the seal (pdf.py); what is put there is a CMS signature (RFC 5652) over all the rest, as
ISO 32000-1, 12.8 has it, by ECDSA on P-256. Key and certificate are one file beside the other keys, `seal-v1.pem`: made
by `manage.py checkpoint init`, or given by the operator with a certificate that the readers' own lists trust.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs7,
)
from cryptography.x509.oid import NameOID

from cases.ledger import keys
from cases.reports import pdf, press
from cases.reports.pdf import Paper, Printed
from cases.reports.press import PressFailed

__all__ = ["Sealer", "file", "make_key", "moment", "printed", "seal", "sealer", "told"]

NAME = "seal-v1.pem"
VALID = timedelta(days=3650)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sealer:
    """The key that seals, its certificate, and those above it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...]

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, as readers of PDF files show it, in lower case."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def file() -> Path:
    """Return where key and certificate are."""
    return keys.directory() / NAME


def make_key(firm: str, *, at: datetime) -> bool:
    """Make key and certificate if there are none, the certificate signed by itself; say whether they were made. Raises
    OSError where the folder cannot be written."""
    if file().exists():
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, firm[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, "Reports of the case office"),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + VALID)
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    keys.write(file(), private + certificate.public_bytes(Encoding.PEM))
    return True


def sealer() -> Sealer | None:
    """Return what seals here; None where there is no key, or one that cannot be used, which is told to the log."""
    try:
        text = keys.read(NAME)
    except keys.KeyMissing as fault:
        if file().exists():
            log.error("seal_key_unusable", extra={"why": str(fault)})  # noqa: TRY400 -- where it broke says nothing
        return None
    try:
        key = load_pem_private_key(text, password=None)
        first, *above = x509.load_pem_x509_certificates(text)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or first.public_key() != key.public_key():
            raise ValueError("no key of an elliptic curve, or not that of the certificate")
    except (ValueError, TypeError) as fault:
        log.error("seal_key_unusable", extra={"why": str(fault)})  # noqa: TRY400 -- where it broke says nothing
        return None
    return Sealer(key, first, tuple(above))


def moment(at: datetime) -> str:
    """Return a moment as PDF writes it, in UTC."""
    return f"D:{at.astimezone(UTC):%Y%m%d%H%M%S}Z"


def seal(data: bytes, by: Sealer) -> bytes:
    """Return a PDF that has a place for a seal with the seal in it. Raises PressFailed where all certificates do not
    find room in it."""
    place = data.rindex(pdf.SEAL_PLACE)
    start, end = place + 1, place + len(pdf.SEAL_PLACE) - 1  # the hexadecimal digits between the brackets
    ranges = f"[0 {start - 1} {end + 1} {len(data) - end - 1}]".encode()
    sealed = data.replace(pdf.RANGE_PLACE, ranges.ljust(len(pdf.RANGE_PLACE)), 1)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(sealed[: start - 1] + sealed[end + 1 :])
    builder = builder.add_signer(by.certificate, by.key, hashes.SHA256())
    for each in by.above:
        builder = builder.add_certificate(each)
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities]
    signature = builder.sign(Encoding.DER, options).hex().encode()
    if len(signature) > end - start:
        raise PressFailed("The certificates are too large for the place that the pages leave.")
    return sealed[:start] + signature.ljust(end - start, b"0") + sealed[end:]


def told(by: Sealer | None) -> tuple[str, str]:
    """Return the line of a cover that says under which certificate the pages are sealed, or that they are not."""
    said = f"Certificate, SHA-256 {by.fingerprint}" if by else "No: this office has no key that seals reports"
    return "Sealed", said


def printed(paper: Paper, by: Sealer | None, *, now: datetime) -> Printed:
    """Print a paper and seal its pages, where there is a key for it. Call it outside any transaction: it takes seconds.
    Raises PressFailed."""
    if by is None:
        return press.press(paper)
    made = press.press(replace(paper, sealed_at=moment(now)))
    return replace(made, data=seal(made.data, by))
