"""The parts of the NFS driver that need no server, and what a server says that makes no sense."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.drivers.nfs import NfsServer, checked
from pytest_qacloud.drivers.nfs_template import checksum, members, properties, unpacked
from pytest_qacloud.errors import ConfigError, ServiceFaultError
from pytest_qacloud.model import SystemVmTemplate
from pytest_qacloud.ports import CommandResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Disk:
    """A server's files in memory, behind the commands the driver uses; `odd` says what some of them answer instead."""

    def __init__(self, odd: dict[str, CommandResult] | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.odd = odd or {}
        self.closed = False

    def run(self, argv: Sequence[str], *, timeout_s: float) -> CommandResult:
        if argv[0] in self.odd:
            return self.odd[argv[0]]
        if argv[0] == "find":
            self.files = {path: data for path, data in self.files.items() if not path.startswith(f"{argv[1]}/")}
        if argv[0].endswith("sum"):
            if argv[2] not in self.files:
                return CommandResult(1, "", "No such file or directory")
            return CommandResult(0, hashlib.new(argv[0][:-3], self.files[argv[2]]).hexdigest() + f"  {argv[2]}\n", "")
        return CommandResult(0, "", "")

    def read_file(self, path: str) -> str | None:
        return self.files[path].decode() if path in self.files else None

    def write_file(self, path: str, content: bytes) -> None:
        self.files[path] = content

    def upload(self, local: str, path: str) -> None:
        with open(local, "rb") as file:  # noqa: PTH123 -- shorter than a path for one read
            self.files[path] = file.read()

    def close(self) -> None:
        self.closed = True


def described(file: Path) -> SystemVmTemplate:
    return SystemVmTemplate("file:///t", f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}")


names = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in {".", ".."}
)


@given(st.lists(names, min_size=2, max_size=5))
def test_plain_paths_of_two_levels_and_more_are_taken(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    assert checked(path) == path


@given(st.lists(st.sampled_from(["", ".", "..", "a", "\0"]), max_size=4), st.sampled_from(["/", "", "//"]))
def test_whatever_is_taken_is_plain_and_deep(parts: list[str], begin: str) -> None:
    path = begin + "/".join(parts)
    try:
        checked(path)
    except ConfigError:
        return
    assert re.fullmatch("(/a){2,}", path)


@pytest.mark.parametrize("printed", ["", "Avail\n", "Avail\nplenty\n"])
def test_free_space_that_is_no_number_is_a_fault(printed: str) -> None:
    disk = Disk({"df": CommandResult(0, printed, "")})
    with pytest.raises(ServiceFaultError, match="GNU coreutils"):
        NfsServer(disk).free_bytes("/export/a")


def test_a_failing_command_is_told_with_its_last_line() -> None:
    disk = Disk({"find": CommandResult(1, "", "find: one thing\nfind: /export/a/x: Permission denied\n")})
    with pytest.raises(ServiceFaultError, match=r"cannot empty /export/a: find: /export/a/x: Permission denied \("):
        NfsServer(disk).empty("/export/a")


def test_a_command_that_fails_in_silence_is_told_with_its_status() -> None:
    with pytest.raises(ServiceFaultError, match="find ended with 3"):
        NfsServer(Disk({"find": CommandResult(3, "", "")})).empty("/export/a")


def test_an_upload_that_arrives_broken_is_not_declared_a_template(tmp_path: Path) -> None:
    file = tmp_path / "t"
    file.write_bytes(b"image")
    disk = Disk({"sha256sum": CommandResult(0, "0" * 64 + "  x\n", "")})
    with pytest.raises(ServiceFaultError, match="arrived with sha256 000"):
        NfsServer(disk).seed_template("/export/s", str(file), described(file), "kvm")
    assert not any(path.endswith("template.properties") for path in disk.files)


def test_an_ova_is_laid_out_with_its_members(tmp_path: Path) -> None:
    file = tmp_path / "t.ova"
    with tarfile.open(file, "w") as archive:
        for name, content in (("t.ovf", b"<Envelope/>"), ("t-disk1.vmdk", b"KDMV")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    disk = Disk()
    NfsServer(disk).seed_template("/export/s", str(file), described(file), "vmware")
    folder = "/export/s/template/tmpl/1/8"
    image = f"{described(file).checksum[7:39]}.ova"
    assert set(disk.files) == {f"{folder}/{name}" for name in (image, "t.ovf", "t-disk1.vmdk", "template.properties")}
    assert disk.files[f"{folder}/t.ovf"] == b"<Envelope/>"
    assert f"ova.filename={image}\n" in disk.files[f"{folder}/template.properties"].decode()


def test_a_tar_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.ova"
    with tarfile.open(file, "w") as archive:
        archive.addfile(tarfile.TarInfo("../../escaped"))
    with pytest.raises(ConfigError, match="not an OVA"):
        members(file, tmp_path)


def test_what_is_no_tar_is_no_ova(tmp_path: Path) -> None:
    file = tmp_path / "t.ova"
    file.write_bytes(b"not a tar")
    with pytest.raises(ConfigError, match="not an OVA"):
        members(file, tmp_path)


@pytest.mark.parametrize("content", [b"BZh9 broken", b"\x1f\x8b broken", b"\xfd7zXZ\0 broken"])
def test_a_broken_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "t"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        unpacked(file, tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-file"):
        unpacked(tmp_path / "no-such-file", tmp_path)


@pytest.mark.parametrize(
    ("content", "size"),
    [(b"QFI\xfb" + bytes(20) + struct.pack(">Q", 77), 77), (b"QFI\xfb short", 10), (b"raw" * 20, 60)],
    ids=["qcow2", "cut", "raw"],
)
def test_the_size_of_a_disk_comes_from_the_image_where_it_says(tmp_path: Path, content: bytes, size: int) -> None:
    file = tmp_path / "t"
    file.write_bytes(content)
    assert f"\nvirtualsize={size}\n" in properties(file, 3, "n", "qcow2", "sha256:0")


@pytest.mark.parametrize("text", ["", "sha256", "md5:00", "sha256:xyz", "sha512:" + "0" * 64, "sha256:" + "0" * 63])
def test_a_checksum_has_one_of_two_forms(text: str) -> None:
    with pytest.raises(ConfigError, match="not sha256:<hex> or sha512:<hex>"):
        checksum(SystemVmTemplate("file:///t", text))


def test_upper_case_digits_are_the_same() -> None:
    assert checksum(SystemVmTemplate("file:///t", "SHA256:" + "AB" * 32)) == ("sha256", "ab" * 32)


def test_an_unknown_hypervisor_is_named() -> None:
    template = SystemVmTemplate("file:///t", "sha256:" + "0" * 64)
    with pytest.raises(ConfigError, match="'bhyve'"):
        NfsServer(Disk()).seed_template("/export/s", "/t", template, "bhyve")


def test_closing_closes_the_shell() -> None:
    disk = Disk()
    NfsServer(disk).close()
    assert disk.closed
