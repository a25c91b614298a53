"""A real SFTP server on the loopback, in a thread: it accepts one key, serves one folder, and can be told to fail."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

USER = "backoffice"


@dataclass
class FileServer:
    """One partner's server. `fail` names an operation ("write", "rename") and how it fails."""

    root: Path
    host_key: Any = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    user_key: Any = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    port: int = 0
    fail: dict[str, int] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def __enter__(self) -> FileServer:
        for folder in ("in", "out"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_error: object) -> None:
        if self.loop.is_closed():
            return
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(10)

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._run(started))
        self.loop.close()

    async def _run(self, started: threading.Event) -> None:
        self.stop = asyncio.Event()
        outer = self

        class Door(asyncssh.SSHServer):
            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: Any) -> bool:
                return username == USER and key == outer.user_key.convert_to_public()

        class Files(asyncssh.SFTPServer):
            def __init__(self, channel: Any) -> None:
                super().__init__(channel, chroot=str(outer.root).encode())

            def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
                outer.opened.append(path.decode())
                outer.refuse("open")
                return super().open(path, pflags, attrs)

            def write(self, file_obj: Any, offset: int, data: bytes) -> int:
                outer.refuse("write")
                return super().write(file_obj, offset, data)

            def rename(self, oldpath: bytes, newpath: bytes) -> Any:
                outer.refuse("rename")
                return super().rename(oldpath, newpath)

        server = await asyncssh.create_server(
            Door, "127.0.0.1", self.port, server_host_keys=[self.host_key], sftp_factory=Files
        )
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self.stop.wait()
        server.close()
        await server.wait_closed()

    def refuse(self, what: str) -> None:
        number = self.fail.get(what)
        if number is not None:
            raise OSError(number, "as told")

    @property
    def url(self) -> str:
        return f"sftp://{USER}@127.0.0.1:{self.port}/in"

    @property
    def host_line(self) -> str:
        return str(self.host_key.export_public_key().decode().strip())

    @property
    def client_pem(self) -> str:
        return str(self.user_key.export_private_key().decode())

    def names(self, folder: str = "in") -> list[str]:
        return sorted(path.name for path in (self.root / folder).iterdir())
