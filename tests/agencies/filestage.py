"""A partner of files: its server, its keys and ours in the register, and what it finds when it opens a file."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

from cases.agencies import openpgp
from cases.kernel import actors
from cases.kernel.exchange import agencies, batchformat, files
from cases.kernel.exchange.agencies import ChannelPlan, Listing
from cases.kernel.exchange.batchformat import Header
from cases.kernel.models import Agency, BatchFile, Channel, PartnerKey
from cases.ledger import api as ledger
from tests.agencies.fileserver import FileServer
from tests.agencies.stage import AT, now

CODE = "drama-recoveries"
ROWS = b'reference,name,amount_pence\nPLC-1,Cerys,31246\nPLC-2,"Oyelaran, Pugh",4120\n'
ACTOR = actors.system("tests")


class Partner:
    """What the partner holds, and what it does with it."""

    def __init__(self, root: Path) -> None:
        self.server = FileServer(root)
        self.secret, self.public = openpgp.make_pair("Drama Recoveries")
        self.ours: openpgp.Public

    def opened(self, name: str) -> bytes:
        data = (self.server.root / "in" / name).read_bytes()
        plain, signer = openpgp.open_signed(data, secrets=[self.secret], signers=[self.ours.armored])
        assert signer == self.ours.fingerprint
        return plain

    def written(self, body: bytes, *, kind: str = "ack", number: int = 1, answers: str = "") -> tuple[str, bytes]:
        """Return name and content of an answer, not yet encrypted."""
        header = Header(
            kind=kind, sequence_no=number, sender=CODE, recipient="backoffice", created_at=now(), answers=answers
        )
        return batchformat.name_of(header), batchformat.write(header, body)

    def put(self, name: str, plain: bytes, *, signer: str = "", at: datetime | None = None) -> bytes:
        """Leave a file for us, signed with the partner's own key or with another."""
        carried = openpgp.seal_signed(plain, recipient=self.ours.armored, signer=signer or self.secret, at=at or now())
        (self.server.root / "out" / name).write_bytes(carried)
        return carried


def registered(partner: Partner, *, transport: str = "sftp", address: str = "", **more: Any) -> Agency:
    """Enter the partner with its channel, both of its public keys, and pairs of ours."""
    plan = ChannelPlan(
        direction="out",
        transport=transport,
        address=address or partner.server.url,
        allowed_cidrs=("127.0.0.0/8",),
        retry_profile="file",
        answers_folder="/out",
        **more,
    )
    agency = agencies.register(
        Listing(code=CODE, kind="dca", display_name="Drama Recoveries", channels=(plan,)), actor=ACTOR, at=AT
    )
    channel = channel_of(agency)
    secret, partner.ours = openpgp.make_pair("Backoffice")
    agencies.add_key(channel, secret, name="openpgp-1", kind="openpgp", public=partner.ours.armored, actor=ACTOR, at=AT)
    agencies.add_key(channel, partner.server.client_pem, name="ssh-1", kind="ssh", public="x", actor=ACTOR, at=AT)
    know(agency, "ssh_host", partner.server.host_line, "SHA256:host")
    know(agency, "openpgp", partner.public.armored, partner.public.fingerprint)
    return agency


def know(agency: Agency, kind: str, public: str, fingerprint: str) -> PartnerKey:
    return agencies.add_partner_key(
        agency, public, kind=kind, fingerprint=fingerprint, expires_at=None, actor=ACTOR, at=AT
    )


def channel_of(agency: Agency) -> Channel:
    channel = agencies.channel_of(agency, "out")
    assert channel is not None
    return channel


def promised(agency: Agency, body: bytes = ROWS, *, kind: str = "place", **more: Any) -> BatchFile:
    with ledger.action(agency.uid, "test.promised", actor=ACTOR.label, at=AT):
        return files.promise(agency.code, kind, body, at=AT, **more)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
