"""The NFS server's exports, by commands and file transfers over a shell on the server."""

from __future__ import annotations

import posixpath
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, ServiceFaultError
from .nfs_template import ALGORITHMS, TEMPLATES, checksum, digest, members, properties, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import SystemVmTemplate
    from ..ports import Shell

SHALLOWEST = 2
"""Components a path must have: `/export/primary` may be emptied, `/export` and `/` never."""


class NfsServer:
    """A `StorageServer`.

    Args:
        shell: on the server; closed with this object.
        timeout_s: seconds for one command: emptying an export and summing a template take the longest.
    """

    def __init__(self, shell: Shell, *, timeout_s: float = 600) -> None:
        self._shell, self._timeout_s = shell, timeout_s

    def free_bytes(self, path: str) -> int:
        """Bytes free on the file system that holds the export."""
        export = checked(path)
        printed = self._do(["df", "-B1", "--output=avail", "--", export], f"cannot tell what is free on {export}")
        try:
            return int(printed.split()[-1])
        except (IndexError, ValueError) as error:
            raise ServiceFaultError(
                f"storage {export}", f"df says {printed.strip()!r}", "it must be df of GNU coreutils"
            ) from error

    def empty(self, path: str) -> None:
        """Delete all that an export holds, not the export itself.

        Raises:
            ConfigError: the path is not one that may be emptied; nothing is deleted.
        """
        export = checked(path)
        self._do(["find", export, "-mindepth", "1", "-delete"], f"cannot empty {export}")

    def seed_template(self, path: str, template_file: str, template: SystemVmTemplate, hypervisor: str) -> None:
        """Lay the system VM template out on a secondary export as CloudStack expects it; a second call is harmless.

        `template_file` is what `template.url` holds, compressed (bzip2, gzip, xz) or not; that its checksum was
        verified is the caller's business. The layout is that of CloudStack's `cloud-install-sys-tmplt`:
        `template/tmpl/1/<id>/` holds the image and `template.properties`. The latter is written last, so an
        interrupted seeding is not taken for a whole one.
        """
        export = checked(path)
        if hypervisor not in TEMPLATES:
            raise ConfigError(f"CloudStack has no system VM template for the hypervisor {hypervisor!r}")
        number, extension = TEMPLATES[hypervisor]
        algorithm, source = checksum(template)
        folder = f"{export}/template/tmpl/1/{number}"
        image = f"{folder}/{source[:32]}.{extension}"
        if self._seeded(folder, image):
            return
        self._do(["mkdir", "-p", "--", folder], f"cannot make {folder}")
        self._do(["find", folder, "-mindepth", "1", "-delete"], f"cannot empty {folder}")
        with tempfile.TemporaryDirectory(prefix="qacloud-") as scratch:
            local = unpacked(Path(template_file), Path(scratch))
            self._shell.upload(str(local), image)
            wanted, found = digest(local, algorithm), self._sum(algorithm, image)
            if found != wanted:
                raise ServiceFaultError(
                    f"storage {export}", f"{image} arrived with {algorithm} {found}, not {wanted}", "check its disk"
                )
            if extension == "ova":
                for part in members(local, Path(scratch)):
                    self._shell.upload(str(part), f"{folder}/{part.name}")
            text = properties(local, number, posixpath.basename(image), extension, f"{algorithm}:{wanted}")
        self._shell.write_file(f"{folder}/template.properties", text.encode())

    def close(self) -> None:
        """Drop the connection; never raises."""
        self._shell.close()

    def _seeded(self, folder: str, image: str) -> bool:
        """Whether this template stands there already, whole."""
        text = self._shell.read_file(f"{folder}/template.properties") or ""
        known = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        algorithm, _, wanted = known.get("qacloud.checksum", "").partition(":")
        named = posixpath.basename(image) in known.values()
        return named and algorithm in ALGORITHMS and self._sum(algorithm, image) == wanted

    def _sum(self, algorithm: str, path: str) -> str:
        """The file's checksum; empty where there is no such file."""
        result = self._shell.run([f"{algorithm}sum", "--", path], timeout_s=self._timeout_s)
        return result.stdout.split()[0].lstrip("\\") if result.exit_status == 0 else ""

    def _do(self, argv: Sequence[str], complaint: str) -> str:
        result = self._shell.run(argv, timeout_s=self._timeout_s)
        if result.exit_status:
            said = result.stderr.strip().rpartition("\n")[2] or f"{argv[0]} ended with {result.exit_status}"
            raise ServiceFaultError(
                "storage", f"{complaint}: {said}", "check the export's path and the rights of storage.shell.user"
            )
        return result.stdout


def checked(path: str) -> str:
    """The path, where it is one that may be emptied: absolute, in its shortest form, not near the root.

    Raises:
        ConfigError: it is not.
    """
    parts = path.split("/")[1:]
    if not path.startswith("/") or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ConfigError(
            f"the export path {path!r} is not absolute and plain; write it without '..', '.', '//' and a '/' at its end"
        )
    if len(parts) < SHALLOWEST:
        raise ConfigError(
            f"the export path {path!r} is too near the root to be emptied; exports need {SHALLOWEST} levels, "
            f"such as /export/primary"
        )
    return path
