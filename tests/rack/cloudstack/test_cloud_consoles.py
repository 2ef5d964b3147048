"""Where VMs' consoles are."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=1)


def console(lab: VmLab, vm: str, **params: Any) -> dict[str, Any]:
    made = lab.do("createConsoleEndpoint", virtualmachineid=vm, **params)
    assert isinstance(made, dict)
    return made


def test_a_console_is_at_the_zones_proxy(lab: VmLab) -> None:
    vm = lab.deploy()["id"]
    found = console(lab, vm, by="joe", token="more")
    proxy = lab.one("listSystemVms", systemvmtype="consoleproxy")
    parts = urlsplit(found["url"])
    assert found["success"] is True
    assert (parts.scheme, parts.hostname) == ("http", proxy["publicip"])
    socket = found["websocket"]
    assert parse_qs(parts.query)["token"] == [socket["token"]]
    assert (socket["host"], socket["port"], socket["path"], socket["extra"]) == (
        proxy["publicip"],
        "8080",
        "websockify",
        "more",
    )
    assert console(lab, vm)["websocket"]["token"] != socket["token"]


def test_a_console_over_tls(lab: VmLab) -> None:
    vm = lab.deploy()["id"]
    lab.do("updateConfiguration", name="consoleproxy.sslEnabled", value="true")
    lab.do("updateConfiguration", name="consoleproxy.url.domain", value="*.vm.example.org")
    proxy = lab.one("listSystemVms", systemvmtype="consoleproxy")["publicip"].replace(".", "-")
    assert console(lab, vm)["url"].startswith(f"https://{proxy}.vm.example.org/")
    assert console(lab, vm)["websocket"]["port"] == "8443"


def test_who_sees_no_console(lab: VmLab) -> None:
    vm = lab.deploy()["id"]
    lab.account("ann")
    refused = console(lab, vm, by="ann")
    assert refused == {"success": False, "details": "Permission denied"}
    router = lab.do("listRouters", listall=True)[0]["id"]
    assert console(lab, router)["success"] is True
    assert console(lab, router, by="joe")["success"] is False
    lab.do("stopVirtualMachine", id=vm)
    assert "must be running" in console(lab, vm)["details"]
    assert lab.cloud.refused("createConsoleEndpoint", virtualmachineid="nothing").code == 431


def test_no_console_without_a_proxy(lab: VmLab) -> None:
    vm = lab.deploy()["id"]
    lab.cloud.faults.set["systemvm_stuck"] = 1.0
    lab.do("destroySystemVm", id=lab.one("listSystemVms", systemvmtype="consoleproxy")["id"])
    assert "in a few minutes" in console(lab, vm)["details"]


def test_sessions(lab: VmLab) -> None:
    vm = lab.deploy()["id"]
    console(lab, vm, by="joe")
    lab.cloud.clock.time += 86_400
    console(lab, vm)
    own = lab.one("listConsoleSessions", by="joe")
    assert (own["account"], own["user"], own["virtualmachineid"]) == ("joe", "joe", vm)
    assert "hostid" not in own
    every = lab.do("listConsoleSessions")
    assert [item["account"] for item in every] == ["admin", "joe"]
    assert every[0]["hostid"] == lab.built.hosts[0]
    assert [item["account"] for item in lab.do("listConsoleSessions", startdate="2023-11-15")] == ["admin"]
    assert [item["account"] for item in lab.do("listConsoleSessions", enddate="2023-11-15")] == ["joe"]
    domain = lab.do("createDomain", name="d")["id"]
    lab.cloud.account("boss", kind=2, domain=domain)
    root = lab.one("listDomains", name="ROOT")["id"]
    assert lab.do("listConsoleSessions", by="boss", domainid=root, isrecursive=True) == []
    assert len(lab.do("listConsoleSessions", isrecursive=True)) == 2
    lab.do("destroyVirtualMachine", id=vm, expunge=True)
    assert lab.do("listConsoleSessions") == []
