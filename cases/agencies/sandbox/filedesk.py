"""Agencies that exchange files: an SFTP server with a folder for each, and a clerk who opens, checks and answers.

A file is answered by an acknowledgement of the same rows and the same pence, encrypted and signed as the file was. A
buyer of debts answers by one receipt for the whole of a file, and puts back what it has twice: of the accounts that it
bought those whose number ends with 99.
"""

import asyncio
import csv
import datetime as dt
import hashlib
import io
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
from pysequoia import Cert, Tsk, decrypt, encrypt

HOST_KEY_FILE, PGP_FILE, DONE_FILE = "sftp_host_key", "openpgp", "done.json"
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Keys:
    """The public halves of what an agency of the sandbox holds."""

    host_key: str
    certificate: str
    fingerprint: str


def ensure(folder: Path, code: str) -> Keys:
    """Make the folders and keys of an agency that has none yet; return the public halves."""
    root = folder / "files" / code
    for name in ("in", "out"):
        (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    host = folder / HOST_KEY_FILE
    if not host.exists():
        _keep(host, asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    secret = folder / "files" / f"{code}.{PGP_FILE}"
    if not secret.exists():
        _keep(secret, str(Tsk.generate(f"{code} (sandbox)")).encode())
    certificate = Tsk.from_bytes(secret.read_bytes()).extract_certificate()
    line = asyncssh.import_private_key(host.read_bytes()).export_public_key().decode("ascii").strip()
    return Keys(line, str(certificate), certificate.fingerprint.upper())


def _keep(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


class Clerk:
    """One agency's clerk. What was answered is kept in a file, so that a restart answers nothing twice."""

    def __init__(self, folder: Path, code: str, certificate: str) -> None:
        self.code, self.root = code, folder / "files" / code
        self.secret = Tsk.from_bytes((folder / "files" / f"{code}.{PGP_FILE}").read_bytes())
        self.ours = Cert.from_bytes(certificate.encode())
        self.file = self.root / DONE_FILE
        self.done: dict[str, str] = json.loads(self.file.read_text()) if self.file.exists() else {}

    def look(self) -> None:
        """Open and answer every file that is new. What cannot be opened or is wrong is noted and not answered."""
        for path in sorted((self.root / "in").glob("[!.]*.pgp")):
            if path.name not in self.done:
                try:
                    self.done[path.name] = self._answer(path)
                except Exception as fault:  # noqa: BLE001 -- a clerk who meets a broken file goes on with the next
                    self.done[path.name] = f"refused: {type(fault).__name__}"
                self.file.write_text(json.dumps(self.done, indent=1))

    def _answer(self, path: Path) -> str:
        opened = decrypt(path.read_bytes(), decryptor=self.secret.decryptor(), store=lambda _wanted: [self.ours])
        plain = bytes(opened.bytes or b"")
        if not opened.valid_sigs or not path.name.endswith(".csv.pgp"):
            return "not answered"
        header, _, rest = plain.partition(b"\n")
        cells = header.decode("ascii").split(",")
        end = rest.rfind(b"\n", 0, len(rest) - 1) + 1
        body, last = rest[:end], rest[end:].decode("ascii").strip().split(",")
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        if [last[1], last[3]] != [str(len(rows)), hashlib.sha256(body).hexdigest()]:
            return "refused: trailer"
        said = [each for each in ANSWERS.get(cells[2], ANSWERS[""]) if each.rows(rows)]
        for place, each in enumerate(said):
            answers = path.name.removesuffix(".part") if each.is_answer else ""
            self._write(each.rows(rows), place, kind=each.kind, sender=cells[4], answers=answers)
        return ANSWERED[len(said)]

    def _write(self, rows: list[dict[str, str]], place: int, *, kind: str, sender: str, answers: str) -> None:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        body = out.getvalue().encode()
        number = 1 + place + sum(ANSWERED.index(state) for state in self.done.values() if state in ANSWERED)
        moment = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        total = sum(int(row.get("amount_pence", "0")) for row in rows)
        first = f"FILE,1,{kind},{number},{self.code},{sender},{moment},{answers}\n"
        end = f"END,{len(rows)},{total},{hashlib.sha256(body).hexdigest()}\n"
        name = f"{self.code}_{sender}_{kind}_{number:06d}.csv.pgp"
        carried = encrypt(
            first.encode() + body + end.encode(), recipients=[self.ours], signer=self.secret.signer(), armor=False
        )
        part = self.root / "out" / f".{name}.part"
        part.write_bytes(carried)
        part.rename(self.root / "out" / name)


def _acknowledged(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Accept every row that has a reference; nothing where rows have none."""
    return [
        {
            "reference": row["reference"],
            "outcome": "accepted",
            "reason": "",
            "amount_pence": row.get("amount_pence", "0"),
        }
        for row in rows
        if "reference" in row
    ]


def _report(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Report on a monthly file: accounts whose number ends with 99 are not taken, and last how many were."""
    not_taken = [row["account"] for row in rows if row["account"].endswith("99")]
    told = [{"account": each, "outcome": "rejected", "code": "name_unreadable", "rows": "0"} for each in not_taken]
    return [*told, {"account": "", "outcome": "accepted", "code": "", "rows": str(len(rows) - len(not_taken))}]


def _receipt(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Say how many lines of how much money came."""
    total = sum(int(row.get("amount_pence", "0")) for row in rows)
    return [{"lines": str(len(rows)), "amount_pence": str(total)}]


def _put_back(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Claim that accounts whose number ends with 99 were sold twice; nothing was collected of them."""
    claimed = [row["reference"] for row in rows if row["account"].endswith("99")]
    return [{"reference": each, "reason": "duplicate", "collected_pence": "0"} for each in claimed]


@dataclass(frozen=True)
class Said:
    """One file that a clerk writes: its kind, its rows, and whether it answers the file that came."""

    kind: str
    rows: Callable[[list[dict[str, str]]], list[dict[str, str]]]
    is_answer: bool = True


# What is said to each kind of file; to any other, an acknowledgement of its rows.
ANSWERS: dict[str, tuple[Said, ...]] = {
    "": (Said("ack", _acknowledged),),
    "cra_file": (Said("cra_report", _report),),
    "bid_tape": (Said("receipt", _receipt),),
    "final_tape": (Said("receipt", _receipt), Said("claims", _put_back, is_answer=False)),
    "assignment": (Said("receipt", _receipt),),
    "sold_account_paid": (Said("receipt", _receipt),),
    "sold_account_default": (Said("receipt", _receipt),),
}
# What is kept of a file by how many files were written on it: the next one takes the next number.
ANSWERED = ("not answered", "answered", "answered and claimed")


def start(folder: Path, *, port: int, agencies: dict[str, dict[str, Any]]) -> None:
    """Serve and answer in threads of this process until it ends. `agencies`: code, our SSH key, our certificate."""
    clerks = [Clerk(folder, code, entry["certificate"]) for code, entry in agencies.items()]
    users = {code: asyncssh.import_public_key(entry["ssh_key"]) for code, entry in agencies.items()}
    threading.Thread(target=_work, args=(clerks,), daemon=True, name="clerks").start()
    threading.Thread(target=lambda: asyncio.run(_serve(folder, port, users)), daemon=True, name="sftp").start()


def _work(clerks: list[Clerk]) -> None:
    while True:
        for clerk in clerks:
            clerk.look()
        time.sleep(LOOK_SECONDS)


async def _serve(folder: Path, port: int, users: dict[str, asyncssh.SSHKey]) -> None:
    class Door(asyncssh.SSHServer):
        """Lets in each agency's customer by key alone; the name of the user is that of the agency."""

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return users.get(username) == key

    def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        user = channel.get_extra_info("username")
        return asyncssh.SFTPServer(channel, chroot=str(folder / "files" / user).encode())

    server = await asyncssh.create_server(
        Door, "127.0.0.1", port, server_host_keys=[str(folder / HOST_KEY_FILE)], sftp_factory=files
    )
    await server.wait_closed()
