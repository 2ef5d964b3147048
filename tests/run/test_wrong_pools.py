"""What is wrong with a pool is said in one clear paragraph, with exit code 75 or 4, and no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from runs import Ended, run

if TYPE_CHECKING:
    from pathlib import Path

    from rackclient import Rack


def changed(rack: Rack, folder: Path, old: str, new: str) -> Path:
    """The rack's pool file with one place changed."""
    text = rack.pool_file.read_text(encoding="utf-8")
    assert old in text
    path = folder / "changed.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def secret(folder: Path, text: str) -> Path:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def assert_refused(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.output
    assert "Traceback" not in ended.output
    line = next((line for line in ended.output.splitlines() if all(word in line for word in words)), None)
    assert line, ended.output


@pytest.mark.parametrize(
    ("secret_name", "words"),
    [
        ("cobbler_password", ("No zone: pool sim, step preflight", "Cobbler", "cobbler.password")),
        ("bmc_password", ("No zone: machine node", "step preflight", "BMC")),
        ("management_password", ("No zone: machine node1, step management", "management.password")),
        ("hosts_password", ("No zone: machine node", "step zone", "[hosts]")),
    ],
)
def test_a_wrong_password_is_told_apart_from_silence(
    idle_rack: Rack, tmp_path: Path, secret_name: str, words: tuple[str, ...]
) -> None:
    right = str(idle_rack.folder / "secrets" / secret_name)
    path = changed(idle_rack, tmp_path, right, str(secret(tmp_path, "not-the-password")))
    path.write_text(path.read_text(encoding="utf-8").replace(right, str(tmp_path / "secret")), encoding="utf-8")

    ended = run(tmp_path, path)

    assert_refused(ended, 75, *words)
    assert "not-the-password" not in ended.output
    assert {machine["power"] for machine in idle_rack.state()["machines"].values()} == {"off"}


def test_an_unreachable_cobbler_is_named_with_its_url(idle_rack: Rack, tmp_path: Path) -> None:
    url = idle_rack.pool().cobbler.url

    ended = run(tmp_path, changed(idle_rack, tmp_path, url, "http://127.0.0.1:1/cobbler_api"))

    assert_refused(ended, 75, "step preflight", "http://127.0.0.1:1/cobbler_api")


def test_a_profile_that_cobbler_has_not_is_named_with_the_key_to_change(idle_rack: Rack, tmp_path: Path) -> None:
    ended = run(tmp_path, changed(idle_rack, tmp_path, "debian12-hypervisor", "debian99-hypervisor"))

    assert_refused(ended, 75, "step preflight", "debian99-hypervisor", "[cobbler.profiles] hypervisor")


def test_a_template_of_another_checksum_is_not_used(idle_rack: Rack, tmp_path: Path) -> None:
    checksum = idle_rack.pool().storage.system_vm_template.checksum
    wrong = "sha256:" + "0" * 64

    ended = run(tmp_path, changed(idle_rack, tmp_path, checksum, wrong))

    assert_refused(ended, 75, "step storage", "0" * 64)
    assert {machine["power"] for machine in idle_rack.state()["machines"].values()} == {"off"}


def test_a_secret_that_is_not_set_is_a_usage_error_that_names_it(idle_rack: Rack, tmp_path: Path) -> None:
    place = f'{{ file = "{idle_rack.folder / "secrets" / "cobbler_password"}" }}'

    ended = run(tmp_path, changed(idle_rack, tmp_path, place, '{ env = "NO_SUCH_VARIABLE" }'))

    assert_refused(ended, 4, "NO_SUCH_VARIABLE", "export it")


def test_several_mistakes_come_in_one_message(idle_rack: Rack, tmp_path: Path) -> None:
    path = changed(idle_rack, tmp_path, "hypervisor = ", "hypervizor = ")
    path.write_text(path.read_text(encoding="utf-8").replace("dns = ", "dnss = ", 1), encoding="utf-8")

    ended = run(tmp_path, path)

    assert_refused(ended, 4, "hypervizor")
    assert "dnss" in ended.output
