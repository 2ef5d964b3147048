"""The storage server: NFS exports as folders, reached over a shell and SFTP; also the host one jumps through."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shlex
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import asyncssh

from .ssh import Outcome, not_found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from .faults import Faults

NO_SPACE = 28
"""errno ENOSPC."""


FREE_BYTES = 4 << 40
"""What the simulated exports have free: VMs' disks are numbers here, so the real disk says nothing about their room."""


class Exports:
    """A folder that stands for the server's file system.

    Args:
        root: where its `/` is.
        paths: the exports, absolute on the server; they are made.
        sleep: what a slow disk does.
    """

    def __init__(
        self,
        root: Path,
        paths: Sequence[str],
        faults: Faults,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.root, self.paths, self._faults, self._sleep = root, tuple(paths), faults, sleep
        for path in paths:
            self.local(path).mkdir(parents=True, exist_ok=True)

    def local(self, path: str) -> Path:
        """Where a path of the server is here; `..` does not lead out."""
        return self.root / os.path.normpath("/" + path).lstrip("/")

    def free_bytes(self) -> int:
        """Bytes free for users, the same on every machine that simulates; none while the disk is full."""
        return 0 if self._faults.is_set("disk_full") else FREE_BYTES

    def has_template(self, path: str) -> bool:
        """Whether an export holds a system VM template as CloudStack's own seeding script lays it out."""
        for folder in self.local(path).glob("template/tmpl/1/*"):
            properties = folder / "template.properties"
            if properties.is_file():
                lines = dict(line.split("=", 1) for line in properties.read_text().splitlines() if "=" in line)
                names = [value for key, value in lines.items() if key.endswith("filename")]
                if any((folder / PurePosixPath(name).name).is_file() for name in names):
                    return True
        return False

    async def wait(self) -> None:
        """Take the time a slow disk takes."""
        delay = self._faults.active("disk_slow")
        if delay is not None:
            await self._sleep(delay)

    def require_space(self) -> None:
        """Raise what a full disk raises.

        Raises:
            OSError: ENOSPC.
        """
        if self._faults.active("disk_full") is not None:
            raise OSError(NO_SPACE, os.strerror(NO_SPACE))


class StorageShell:
    """The commands of the storage server."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    async def run(self, line: str) -> Outcome:
        """Carry out one command line."""
        try:
            argv = shlex.split(line)
        except ValueError as error:
            return Outcome(2, stderr=f"bash: line 1: syntax error: {error}\n".encode())
        await self._exports.wait()
        try:
            return await asyncio.to_thread(self._dispatch, argv)
        except OSError as error:
            return Outcome(1, stderr=f"{argv[0]}: {argv[-1]}: {error.strerror}\n".encode())

    def _dispatch(self, argv: Sequence[str]) -> Outcome:
        local = self._exports.local
        match argv:
            case [] | ["true"]:
                pass
            case ["hostname"] | ["hostname", "-f"]:
                return Outcome(0, b"storage\n")
            case ["df", "-B1", "--output=avail", "--", path]:
                local(path).stat()
                return Outcome(0, f"{'Avail':>14}\n{self._exports.free_bytes():>14}\n".encode())
            case ["find", path, "-mindepth", "1", "-delete"]:
                _empty(local(path))
            case ["mkdir", "-p", "--", *paths] if paths:
                self._exports.require_space()
                for path in paths:
                    local(path).mkdir(parents=True, exist_ok=True)
            case ["mv", "-f", "--", source, target]:
                _move(local(source), local(target))
            case ["rm", "-f", "--", *paths] if paths:
                for path in paths:
                    local(path).unlink(missing_ok=True)
            case ["cat", "--", path] | ["cat", path]:
                return Outcome(0, local(path).read_bytes())
            case ["sha256sum" | "sha512sum" as program, "--", path]:
                with local(path).open("rb") as file:
                    digest = hashlib.file_digest(file, program.removesuffix("sum")).hexdigest()
                return Outcome(0, f"{digest}  {path}\n".encode())
            case _:
                return not_found(argv[0])
        return Outcome(0)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _move(source: Path, target: Path) -> None:
    source.replace(target / source.name if target.is_dir() else target)


class ExportSftp(asyncssh.SFTPServer):
    """SFTP on the exports."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], exports: Exports) -> None:
        super().__init__(channel, chroot=os.fsencode(exports.root))
        self._exports = exports

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write a block, unless the disk is full."""
        self._exports.require_space()
        await self._exports.wait()
        written: Any = super().write(file_obj, offset, data)
        return int(written)

    def symlink(self, _oldpath: bytes, _newpath: bytes) -> None:
        """Refused: a link could lead out of the exports."""
        raise asyncssh.SFTPPermissionDenied("links are not allowed here")

    def link(self, _oldpath: bytes, _newpath: bytes) -> None:
        """Refused, as `symlink`."""
        raise asyncssh.SFTPPermissionDenied("links are not allowed here")
