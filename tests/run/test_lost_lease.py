"""A lease that is taken away: steps stop, the running test is UNTESTABLE, nothing of the new owner's is touched."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from runs import environment, run

if TYPE_CHECKING:
    from pathlib import Path

    from rackclient import Rack

RELEASES_ITSELF = """
import subprocess, sys, time
from marvin.cloudstackTestCase import cloudstackTestCase


class TestLoses(cloudstackTestCase):
    def test_1_passes(self):
        pass

    def test_2_loses_the_lease(self):
        argv = [sys.executable, "-m", "pytest_qacloud", "leases", "release", "sim", "--yes", "--pool-file", "{pool}"]
        subprocess.run(argv, check=True)
        time.sleep({pause})

    def test_3_is_not_run(self):
        pass
"""


def test_the_running_test_is_untestable_and_later_ones_are_not_run(idle_rack: Rack, tmp_path: Path) -> None:
    pool = tmp_path / "short.toml"
    text = idle_rack.pool_file.read_text(encoding="utf-8").replace("ttl_s = 30.0", "ttl_s = 3.0")
    pool.write_text(text, encoding="utf-8")

    ended = run(tmp_path, pool, suite=RELEASES_ITSELF.format(pool=pool, pause=2.5))

    assert ended.code == 75, ended.output
    assert [verdict["outcome"] for verdict in ended.verdicts] == ["GOOD", "UNTESTABLE"]
    assert "nothing was taken down" in ended.output
    assert not [event for event in ended.journal if event["step"].startswith("undo")]
    assert run(tmp_path / "next", idle_rack.pool_file, "--qacloud-wait=1").code == 0


def test_a_held_pool_is_refused_with_its_holder_and_the_next_action(idle_rack: Rack, tmp_path: Path) -> None:
    zone = tmp_path / "zone.json"
    argv = [sys.executable, "-m", "pytest_qacloud", "zone"]
    made = subprocess.run(
        [*argv, "up", str(idle_rack.pool_file), "-o", str(zone), "--purpose", "held-for-a-test"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    try:
        refused = run(tmp_path / "second", idle_rack.pool_file)
        used = run(tmp_path / "third", "", f"--qacloud-zone={zone}")
    finally:
        down = subprocess.run(
            [*argv, "down", str(zone)], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True
        )

    assert refused.code == 75, refused.output
    assert "held-for-a-test" in refused.output
    assert "--qacloud-wait" in refused.output
    assert used.code == 0, used.output
    assert down.returncode == 0, down.stdout + down.stderr
    assert not zone.exists()
    assert {machine["power"] for machine in idle_rack.state()["machines"].values()} == {"off"}
    assert run(tmp_path / "fourth", idle_rack.pool_file).code == 0
