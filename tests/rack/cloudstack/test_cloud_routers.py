from __future__ import annotations

from typing import Any

import pytest
from netlab import NetLab


@pytest.fixture
def lab() -> NetLab:
    lab = NetLab()
    lab.deploy()
    return lab


def router(lab: NetLab) -> dict[str, Any]:
    (found,) = lab.routers()
    return found


def test_a_router_is_stopped_and_started(lab: NetLab) -> None:
    found = router(lab)
    stopped = lab.do("stopRouter", id=found["id"])
    assert (stopped["state"], "hostid" in stopped) == ("Stopped", False)
    assert lab.code("rebootRouter", id=found["id"]) == 530
    started = lab.do("startRouter", id=found["id"])
    assert (started["state"], started["publicip"]) == ("Running", found["publicip"])
    assert lab.do("rebootRouter", id=found["id"])["state"] == "Running"
    assert lab.do("startRouter", id=found["id"])["id"] == found["id"]


def test_a_stopped_router_is_started_for_the_next_vm(lab: NetLab) -> None:
    lab.do("stopRouter", id=router(lab)["id"])
    lab.deploy()
    assert router(lab)["state"] == "Running"


def test_a_destroyed_router_is_made_anew_for_the_next_vm(lab: NetLab) -> None:
    old = router(lab)["id"]
    lab.do("destroyRouter", id=old)
    assert lab.routers() == []
    lab.deploy()
    assert router(lab)["id"] != old


def test_a_router_has_its_interfaces(lab: NetLab) -> None:
    found = router(lab)
    kinds = {nic["traffictype"]: nic["ipaddress"] for nic in found["nic"]}
    assert kinds == {"Guest": "10.1.1.1", "Public": found["publicip"], "Control": found["linklocalip"]}
    assert (found["gateway"], found["dns1"]) == ("10.2.0.1", "10.9.0.1")
    assert found["version"] == "4.22.0.0"


def test_lists_are_filtered(lab: NetLab) -> None:
    found = router(lab)
    same = (
        {"hostid": found["hostid"]},
        {"zoneid": lab.zone},
        {"podid": lab.built.pod},
        {"clusterid": lab.built.cluster},
        {"state": "running"},
        {"id": found["id"]},
        {"name": found["name"]},
        lab.mine,
    )
    for params in same:
        assert [item["id"] for item in lab.routers(**params)] == [found["id"]]
    other = next(host for host in lab.built.hosts if host != found["hostid"])
    for params in ({"hostid": other}, {"state": "Stopped"}, {"forvpc": True}, {"networkid": lab.new_network()}):
        assert lab.routers(**params) == []


def test_a_router_moves_when_its_host_is_emptied_or_dies(lab: NetLab) -> None:
    first = router(lab)["hostid"]
    lab.do("prepareHostForMaintenance", id=first)
    lab.cloud.advance()
    second = router(lab)["hostid"]
    assert second != first
    lab.do("cancelHostMaintenance", id=first)
    number = lab.built.hosts.index(second) + 1
    lab.cloud.machines.running[f"127.1.0.{number}"] = False
    assert router(lab)["hostid"] == first
    assert router(lab)["state"] == "Running"


def test_the_twin_takes_over(lab: NetLab) -> None:
    lab.do("restartNetwork", id=lab.network, makeredundant=True)

    def roles() -> dict[str, str]:
        return {item["redundantstate"]: item["id"] for item in lab.routers()}

    before = roles()
    lab.do("rebootRouter", id=before["PRIMARY"])
    assert roles() == {"PRIMARY": before["BACKUP"], "BACKUP": before["PRIMARY"]}
    lab.do("stopRouter", id=before["BACKUP"])
    assert roles() == {"PRIMARY": before["PRIMARY"], "UNKNOWN": before["BACKUP"]}
    lab.do("destroyRouter", id=before["PRIMARY"])
    lab.do("restartNetwork", id=lab.network)
    assert set(roles()) == {"PRIMARY", "BACKUP"}


def test_a_stopped_router_may_get_another_offering(lab: NetLab) -> None:
    found = router(lab)
    offering = lab.do(
        "createServiceOffering",
        name="big router",
        displaytext="big router",
        cpunumber=2,
        cpuspeed=500,
        memory=512,
        issystem=True,
        systemvmtype="domainrouter",
    )
    wanted = {"id": found["id"], "serviceofferingid": offering["id"]}
    assert lab.code("changeServiceForRouter", **wanted) == 530
    lab.do("stopRouter", id=found["id"])
    assert lab.code("changeServiceForRouter", **{**wanted, "serviceofferingid": lab.small}) == 431
    assert lab.do("changeServiceForRouter", **wanted)["serviceofferingname"] == "big router"
    assert lab.code("changeServiceForRouter", **wanted) == 431


def test_routers_are_for_administrators(lab: NetLab) -> None:
    assert lab.code("listRouters", by="joe") in (401, 432)
    assert lab.code("stopInternalLoadBalancerVM", id=router(lab)["id"]) == 431


def test_a_running_router_is_well(lab: NetLab) -> None:
    found = router(lab)["id"]
    checks = lab.do("getRouterHealthCheckResults", routerid=found)
    assert all(check["success"] for check in checks["healthchecks"])
    lab.do("updateConfiguration", name="router.health.checks.enabled", value="false")
    assert lab.code("getRouterHealthCheckResults", routerid=found) == 530
    lab.do("stopRouter", id=found)
    assert lab.code("getRouterHealthCheckResults", routerid=found) == 530
