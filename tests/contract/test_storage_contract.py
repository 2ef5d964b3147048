"""What every `StorageServer` does, against the simulated rack's."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import struct
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.drivers import load
from pytest_qacloud.errors import ConfigError, DeadlineError, ServiceFaultError
from pytest_qacloud.model import SystemVmTemplate
from pytest_qacloud.ports import StorageServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rackclient import Rack

    from pytest_qacloud.model import Pool

    Connect = Callable[..., StorageServer]

GIB = 1 << 30


@pytest.fixture(params=["nfs"])
def connect(request: pytest.FixtureRequest, rack: Rack, rack_pool: Pool) -> Iterator[Connect]:
    """Makes clients of the rack's storage server, and closes them at the end."""
    made: list[StorageServer] = []

    def client(**options: float) -> StorageServer:
        shell = load("ssh")(rack_pool.storage.shell, rack_pool.ssh.key.read(), timeout_s=5)
        driver: StorageServer = load(request.param)(shell, **options)
        made.append(driver)
        return driver

    yield client
    for driver in made:
        driver.close()


@pytest.fixture
def storage(connect: Connect) -> StorageServer:
    return connect()


@pytest.fixture
def export(rack_pool: Pool) -> str:
    return rack_pool.storage.primary[-1].path


@pytest.fixture
def files(rack: Rack, export: str) -> Path:
    """Where the export's files are on this host; empty."""
    folder = rack.folder / "storage" / export[1:]
    for path in folder.iterdir():
        assert path.is_file()
        path.unlink()
    return folder


@pytest.fixture
def template(tmp_path: Path) -> tuple[str, SystemVmTemplate, bytes]:
    """A QCOW2 image of 5 GiB as it is downloaded, and its content."""
    image = b"QFI\xfb" + bytes(20) + struct.pack(">Q", 5 * GIB) + os.urandom(50_000)
    file = tmp_path / "systemvm.qcow2.bz2"
    file.write_bytes(bz2.compress(image))
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    return str(file), SystemVmTemplate("https://example.test/systemvm.qcow2.bz2", f"sha256:{checksum}"), image


def seeded(rack: Rack, pool: Pool, number: int) -> Path:
    return rack.folder / "storage" / pool.storage.secondary.path[1:] / "template/tmpl/1" / str(number)


def properties(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / "template.properties").read_text().splitlines())


def test_fulfils_the_port(storage: StorageServer) -> None:
    assert isinstance(storage, StorageServer)


def test_free_space_is_told(storage: StorageServer, export: str, rack: Rack) -> None:
    assert storage.free_bytes(export) == 4 << 40  # what the simulated exports have free
    rack.set_fault("disk_full")
    assert storage.free_bytes(export) == 0


def test_an_export_that_is_not_there_is_a_fault_that_names_it(storage: StorageServer) -> None:
    with pytest.raises(ServiceFaultError, match="/export/nothing-here"):
        storage.free_bytes("/export/nothing-here")
    with pytest.raises(ServiceFaultError, match="/export/nothing-here"):
        storage.empty("/export/nothing-here")


def test_an_export_is_emptied_and_stays(storage: StorageServer, export: str, files: Path) -> None:
    (files / "volume").write_bytes(b"x")
    (files / ".hidden").write_bytes(b"x")
    (files / "deep").mkdir()
    (files / "deep" / "er").symlink_to("/etc")
    storage.empty(export)
    assert files.is_dir()
    assert list(files.iterdir()) == []
    storage.empty(export)


@pytest.mark.parametrize(
    "path", ["/", "/export", "//export/a", "/export/..", "/export/../etc", "export/a", "", "/export/a/", "/export/./a"]
)
def test_paths_that_must_not_be_emptied_are_not(storage: StorageServer, path: str, export: str, files: Path) -> None:
    (files / "precious").write_bytes(b"x")
    with pytest.raises(ConfigError, match="export path"):
        storage.empty(path)
    assert (files / "precious").exists()


def test_a_template_is_laid_out_as_cloudstack_expects_it(
    storage: StorageServer, rack: Rack, rack_pool: Pool, template: tuple[str, SystemVmTemplate, bytes]
) -> None:
    file, described, image = template
    storage.seed_template(rack_pool.storage.secondary.path, file, described, "kvm")
    folder = seeded(rack, rack_pool, 3)
    told = properties(folder)
    assert (folder / told["qcow2.filename"]).read_bytes() == image
    assert {key: told[key] for key in ("qcow2", "id", "public", "uniquename", "qcow2.size", "virtualsize")} == {
        "qcow2": "true",
        "id": "3",
        "public": "true",
        "uniquename": "routing-3",
        "qcow2.size": str(len(image)),
        "virtualsize": str(5 * GIB),
    }
    assert len(list(folder.iterdir())) == 2


def test_seeding_again_changes_nothing(
    storage: StorageServer, rack: Rack, rack_pool: Pool, template: tuple[str, SystemVmTemplate, bytes]
) -> None:
    file, described, _ = template
    storage.seed_template(rack_pool.storage.secondary.path, file, described, "kvm")
    before = {path.name: path.stat().st_ino for path in seeded(rack, rack_pool, 3).iterdir()}
    storage.seed_template(rack_pool.storage.secondary.path, file, described, "kvm")
    assert {path.name: path.stat().st_ino for path in seeded(rack, rack_pool, 3).iterdir()} == before


def test_an_image_that_has_rotted_is_seeded_again(
    storage: StorageServer, rack: Rack, rack_pool: Pool, template: tuple[str, SystemVmTemplate, bytes]
) -> None:
    file, described, image = template
    storage.seed_template(rack_pool.storage.secondary.path, file, described, "kvm")
    folder = seeded(rack, rack_pool, 3)
    stored = folder / properties(folder)["qcow2.filename"]
    stored.write_bytes(image[:-1])
    storage.seed_template(rack_pool.storage.secondary.path, file, described, "kvm")
    assert stored.read_bytes() == image


def test_another_template_replaces_the_one_before(
    storage: StorageServer,
    rack: Rack,
    rack_pool: Pool,
    template: tuple[str, SystemVmTemplate, bytes],
    tmp_path: Path,
) -> None:
    file, described, _ = template
    storage.seed_template(rack_pool.storage.secondary.path, file, described, "kvm")
    other = tmp_path / "other"
    other.write_bytes(b"a newer image, not compressed")
    newer = SystemVmTemplate("file:///other", f"sha512:{hashlib.sha512(other.read_bytes()).hexdigest()}")
    storage.seed_template(rack_pool.storage.secondary.path, str(other), newer, "kvm")
    folder = seeded(rack, rack_pool, 3)
    assert (folder / properties(folder)["qcow2.filename"]).read_bytes() == other.read_bytes()
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(("hypervisor", "number", "extension"), [("xenserver", 1, "vhd"), ("simulator", 100, "vhd")])
@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_other_hypervisors_have_their_own_place(
    storage: StorageServer,
    rack: Rack,
    rack_pool: Pool,
    tmp_path: Path,
    hypervisor: str,
    number: int,
    extension: str,
    compress: Callable[[bytes], bytes],
) -> None:
    file = tmp_path / "image"
    file.write_bytes(compress(b"conectix" * 100))
    described = SystemVmTemplate("file:///image", f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}")
    storage.seed_template(rack_pool.storage.secondary.path, str(file), described, hypervisor)
    folder = seeded(rack, rack_pool, number)
    assert (folder / properties(folder)[f"{extension}.filename"]).read_bytes() == b"conectix" * 100
    assert properties(folder)["virtualsize"] == "800"


def test_a_full_disk_leaves_no_template_that_looks_whole(
    storage: StorageServer, rack: Rack, rack_pool: Pool, template: tuple[str, SystemVmTemplate, bytes]
) -> None:
    file, described, _ = template
    rack.set_fault("disk_full")
    with pytest.raises(ServiceFaultError):
        storage.seed_template(rack_pool.storage.secondary.path, file, described, "kvm")
    properties_file = seeded(rack, rack_pool, 3) / "template.properties"
    assert not properties_file.exists() or described.checksum[7:39] not in properties_file.read_text()


def test_a_disk_that_is_too_slow_is_given_up(connect: Connect, export: str, rack: Rack) -> None:
    rack.set_fault("disk_slow", value=5)
    with pytest.raises(DeadlineError, match="df on"):
        connect(timeout_s=0.3).free_bytes(export)


def test_a_closed_client_connects_again(storage: StorageServer, export: str) -> None:
    assert storage.free_bytes(export) > 0
    storage.close()
    assert storage.free_bytes(export) > 0
