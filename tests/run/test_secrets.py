"""No secret in anything a run leaves, nor in the process list while it runs."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runs import LIMIT_S, argv_of, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rackclient import Rack

FAILING = """
from marvin.cloudstackTestCase import cloudstackTestCase


class TestFails(cloudstackTestCase):
    def test_fails_with_keys_in_its_locals(self):
        connection = self.testClient.getApiClient()
        config = self.config
        server = config.mgtSvr[0]
        secrets = (server.apiKey, server.securityKey, server.passwd)
        self.fail("a failure whose report shows " + " ".join(secrets))
"""


def secrets_of(rack: Rack) -> Iterator[str]:
    """Every secret of the rack, whole and line by line, and as base64."""
    files = sorted((rack.folder / "secrets").iterdir())
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8").strip()
        yield from (line for line in text.splitlines() if len(line) >= 8 and "-----" not in line)
        yield base64.b64encode(text.encode()).decode()


def command_lines() -> str:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
    return "\n".join(found)


@pytest.mark.parametrize("workers", [[], ["-n1", "--dist=loadfile"]], ids=["alone", "with a worker"])
def test_no_secret_is_left_anywhere(idle_rack: Rack, tmp_path: Path, workers: list[str]) -> None:
    junit = tmp_path / "bvt.xml"
    idle_rack.set_fault("puppet_fails", "node3", count=1)
    argv = argv_of(tmp_path, idle_rack.pool_file, f"--junitxml={junit}", "--showlocals", "-v", *workers, suite=FAILING)
    with (tmp_path / "output.txt").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            argv, cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        seen = []
        while process.poll() is None:
            seen.append(command_lines())
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        assert process.wait(LIMIT_S) == 1

    secrets = set(secrets_of(idle_rack))
    left = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    left |= {path: path.read_text(encoding="utf-8") for path in (junit, tmp_path / "output.txt")}
    assert any(path.name == "journal.jsonl" for path in left)
    assert "a failure whose report shows [hidden] [hidden] [hidden]" in left[junit]
    for secret in secrets:
        assert not [path for path, text in left.items() if secret in text], "a secret of the rack"
        assert secret not in "\n".join(seen), "a secret in the process list"
