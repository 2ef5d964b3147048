from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.rack.faults import Faults
from pytest_qacloud.rack.storage import Exports, StorageShell

if TYPE_CHECKING:
    from pathlib import Path


class Bench:
    def __init__(self, root: Path) -> None:
        self.faults, self.pauses = Faults(), list[float]()
        self.exports = Exports(root, ["/export/one", "/export/two"], self.faults, self.sleep)
        self.shell = StorageShell(self.exports)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def run(self, line: str) -> tuple[int, bytes]:
        outcome = asyncio.run(self.shell.run(line))
        return outcome.status, outcome.stdout or outcome.stderr


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "storage")


def test_exports_exist(bench: Bench) -> None:
    assert bench.run("df -B1 --output=avail -- /export/one")[0] == 0
    status, said = bench.run("df -B1 --output=avail -- /export/three")
    assert (status, said) == (1, b"df: /export/three: No such file or directory\n")


def test_free_space_is_the_same_everywhere_or_none(bench: Bench) -> None:
    _, text = bench.run("df -B1 --output=avail -- /export/one")
    heading, number = text.split()
    assert heading == b"Avail"
    assert int(number) == 4 << 40
    bench.faults.set("disk_full")
    assert bench.run("df -B1 --output=avail -- /export/one")[1].split()[1] == b"0"


def test_emptying_keeps_the_export(bench: Bench) -> None:
    folder = bench.exports.local("/export/one")
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    (folder / "file").write_text("x")
    assert bench.run("find /export/one -mindepth 1 -delete") == (0, b"")
    assert list(folder.iterdir()) == []
    assert bench.run("find /export/four -mindepth 1 -delete")[0] == 1


def test_files(bench: Bench) -> None:
    assert bench.run("mkdir -p -- '/export/one/a b/c'") == (0, b"")
    (bench.exports.local("/export/one/a b/c") / "f").write_bytes(b"content")
    assert bench.run("cat -- '/export/one/a b/c/f'") == (0, b"content")
    digest = hashlib.sha256(b"content").hexdigest().encode()
    assert bench.run("sha256sum -- '/export/one/a b/c/f'") == (0, digest + b"  /export/one/a b/c/f\n")
    assert bench.run("sha512sum -- '/export/one/a b/c/f'")[1].startswith(
        hashlib.sha512(b"content").hexdigest().encode()
    )
    assert bench.run("mv -f -- '/export/one/a b/c/f' /export/two/g") == (0, b"")
    assert bench.run("mv -f -- /export/two/g /export/one") == (0, b"")
    assert bench.run("cat /export/one/g") == (0, b"content")
    assert bench.run("rm -f -- /export/one/g /export/one/h") == (0, b"")
    assert bench.run("cat -- /export/one/g") == (1, b"cat: /export/one/g: No such file or directory\n")


def test_nothing_leads_out_of_the_exports(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    assert bench.run("cat -- /../secret")[0] == 1
    assert bench.run("cat -- /export/one/../../../../secret")[0] == 1
    assert bench.exports.local("../../secret") == tmp_path / "storage" / "secret"


def test_other_commands(bench: Bench) -> None:
    assert bench.run("true") == (0, b"")
    assert bench.run("hostname -f") == (0, b"storage\n")
    assert bench.run("dd if=/dev/zero")[0] == 127
    assert bench.run("cat 'x")[0] == 2


def test_a_full_disk_takes_no_folder(bench: Bench) -> None:
    bench.faults.set("disk_full", count=1)
    assert bench.run("mkdir -p -- /export/one/a") == (1, b"mkdir: /export/one/a: No space left on device\n")
    assert not bench.exports.local("/export/one/a").exists()
    assert bench.run("mkdir -p -- /export/one/a") == (0, b"")


def test_a_slow_disk_takes_its_time(bench: Bench) -> None:
    bench.faults.set("disk_slow", value=2.5, count=1)
    assert bench.run("true")[0] == 0
    assert bench.run("true")[0] == 0
    assert bench.pauses == [2.5]


def test_a_seeded_template_is_recognized(bench: Bench) -> None:
    assert not bench.exports.has_template("/export/two")
    folder = bench.exports.local("/export/two/template/tmpl/1/3")
    folder.mkdir(parents=True)
    assert not bench.exports.has_template("/export/two")
    (folder / "template.properties").write_text("qcow2=true\nqcow2.filename=x.qcow2\nnonsense\n")
    assert not bench.exports.has_template("/export/two")
    (folder / "x.qcow2").write_text("image")
    assert bench.exports.has_template("/export/two")
    assert not bench.exports.has_template("/export/one")
