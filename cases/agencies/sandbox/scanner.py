"""Plays a ClamAV daemon on a private socket: it speaks the protocol and knows two signatures. No virus scanner.

It finds the harmless EICAR test file, and calls what holds the words SANDBOX-LOCKED locked with a password.
"""

import socketserver
import struct
import threading
from pathlib import Path

LARGEST_STREAM = 400 * 1024 * 1024
LONGEST_COMMAND = 64
# In two halves, so that no scanner takes this file for the test file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
KNOWN = ((EICAR, "Eicar-Test-Signature"), (b"SANDBOX-LOCKED", "Heuristics.Encrypted.Zip"))


class Talk(socketserver.StreamRequestHandler):
    """One connection: a command that ends in NUL, for INSTREAM the chunks, one answer."""

    timeout = 60

    def handle(self) -> None:
        command = b""
        while not command.endswith(b"\0") and len(command) < LONGEST_COMMAND and (more := self.rfile.read(1)):
            command += more
        if command == b"zPING\0":
            self.wfile.write(b"PONG\0")
        elif command == b"zINSTREAM\0":
            self.wfile.write(self._scan() + b"\0")
        elif command:  # who says nothing only asked whether anybody is here
            self.wfile.write(b"UNKNOWN COMMAND\0")

    def _scan(self) -> bytes:
        longest = max(len(mark) for mark, _ in KNOWN)
        seen, last, found = 0, b"", ""
        while size := struct.unpack(">I", self.rfile.read(4))[0]:
            seen += size
            if seen > LARGEST_STREAM:
                return b"INSTREAM size limit exceeded. ERROR"
            last = last[-longest:] + self.rfile.read(size)
            found = found or next((name for mark, name in KNOWN if mark in last), "")
        return f"stream: {found} FOUND".encode() if found else b"stream: OK"


class Scanner(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves at a socket only this user may open."""

    daemon_threads = True
    block_on_close = False


def start(path: Path) -> Scanner:
    """Serve at a path in a thread of its own; whatever was there before is gone."""
    path.unlink(missing_ok=True)
    server = Scanner(str(path), Talk)
    path.chmod(0o600)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
