"""Runs on zones of a configuration in Marvin's format: the pool gives the management server, and that alone."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import zone_configs
from runs import run

if TYPE_CHECKING:
    from pathlib import Path

    from rackclient import Rack

USAGE, NO_ZONE = 4, 75

SUITE = """
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import listHosts, listZones


class TestZones(cloudstackTestCase):
    def test_zones(self):
        client = self.testClient.getApiClient()
        zones = client.listZones(listZones.listZonesCmd())
        self.assertEqual([(zone.name, zone.allocationstate) for zone in zones], [("a", "Enabled"), ("b", "Enabled")])
        cmd = listHosts.listHostsCmd()
        cmd.type = "Routing"
        self.assertEqual({host.hypervisor for host in client.listHosts(cmd)}, {"Simulator"})
        self.assertEqual(self.testClient.getZoneForTests(), "a")
        self.assertEqual(self.testClient.getHypervisorInfo(), "Simulator")
"""


def config_file(folder: Path, config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "zone.cfg"
    path.write_text("# two lines of licence\n#\n" + json.dumps(config, indent=1), encoding="utf-8")
    return path


def test_suites_run_on_the_zones_of_the_configuration(idle_rack: Rack, tmp_path: Path) -> None:
    config = zone_configs.two_zones()
    config["dbSvr"] = {"dbSvr": "10.9.0.7", "user": "cloud", "passwd": "not-for-the-log"}
    path, complete = config_file(tmp_path, config), tmp_path / "complete.json"

    ended = run(
        tmp_path, idle_rack.pool_file, f"--qacloud-zone-config={path}", f"--qacloud-config-out={complete}", suite=SUITE
    )

    assert ended.code == 0, ended.output
    assert [machine for machine, step in ended.steps("end") if step == "installed"] == ["node1"]
    [kept] = (tmp_path / "runs").glob("*/zone-config.json")
    shown, whole = json.loads(kept.read_text(encoding="utf-8")), json.loads(complete.read_text(encoding="utf-8"))
    assert stat.S_IMODE(complete.stat().st_mode) == 0o600
    assert whole["zones"] == config["zones"]
    server = whole["mgtSvr"][0]
    assert (server["mgtSvrIp"], server["hypervisor"]) == (str(idle_rack.pool().machine("node1").ip), "Simulator")
    assert server["apiKey"]
    assert server["securityKey"]
    assert shown["zones"][1]["name"] == "b"
    logs = "".join(file.read_text(encoding="utf-8") for file in kept.parent.iterdir())
    for secret in (server["apiKey"], server["securityKey"], server["passwd"], "not-for-the-log"):
        assert secret not in logs


def test_zones_that_fail_half_way_are_deleted_again(idle_rack: Rack, tmp_path: Path) -> None:
    config = zone_configs.two_zones()
    config["zones"][1]["pods"][0]["clusters"][0]["hosts"][1]["url"] = "http://real/c0/h1"

    ended = run(tmp_path, idle_rack.pool_file, f"--qacloud-zone-config={config_file(tmp_path, config)}", suite=SUITE)

    assert ended.code == NO_ZONE, ended.output
    assert "Cannot find the server resources at http://real/c0/h1" in ended.output
    assert ("sim", "undo zone") in ended.steps("end")
    assert ("sim", "healthy") not in ended.steps("begin")


def test_a_wrong_configuration_is_said_before_anything_is_leased(idle_rack: Rack, tmp_path: Path) -> None:
    config = zone_configs.two_zones()
    del config["zones"][1]["dns1"]

    ended = run(tmp_path, idle_rack.pool_file, f"--qacloud-zone-config={config_file(tmp_path, config)}", suite=SUITE)

    assert ended.code == USAGE, ended.output
    assert "zones[1].dns1: must be there, as a text" in ended.output
    assert not [step for _, step in ended.steps("begin") if step == "lease"]


def test_a_configuration_cannot_name_machines_of_the_pool(idle_rack: Rack, tmp_path: Path) -> None:
    config = zone_configs.two_zones()
    address = idle_rack.pool().machine("node2").ip
    config["zones"][0]["pods"][0]["clusters"][0]["hosts"][0]["url"] = f"http://{address}"

    ended = run(tmp_path, idle_rack.pool_file, f"--qacloud-zone-config={config_file(tmp_path, config)}", suite=SUITE)

    assert ended.code == USAGE, ended.output
    assert f"host {address} is a machine of the pool" in ended.output


def test_a_place_that_cannot_be_written_is_said_first(idle_rack: Rack, tmp_path: Path) -> None:
    ended = run(tmp_path, idle_rack.pool_file, f"--qacloud-config-out={tmp_path / 'nowhere' / 'out.json'}")

    assert ended.code == USAGE, ended.output
    assert "there is no such folder" in ended.output
    assert not [step for _, step in ended.steps("begin") if step == "lease"]
