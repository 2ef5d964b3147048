"""What lists show by their filters, and what they do with ids of nothing."""

from __future__ import annotations

import pytest
from vmlab import VmLab


@pytest.fixture
def lab() -> VmLab:
    return VmLab(hosts=1)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("listStoragePools", "id"),
        ("listStoragePools", "clusterid"),
        ("listStoragePools", "podid"),
        ("listHosts", "zoneid"),
        ("listVolumes", "id"),
        ("listVirtualMachines", "id"),
        ("listServiceOfferings", "domainid"),
        ("listRoles", "id"),
    ],
)
def test_lists_by_what_there_is_not_are_empty(lab: VmLab, command: str, name: str) -> None:
    assert lab.do(command, **{name: -1}) == []
    assert lab.do(command, **{name: 999}) == []
    assert lab.code(command, **{name: "something"}) == 431


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("listAccounts", "id"),
        ("listDomains", "id"),
        ("listVolumes", "domainid"),
        ("listVirtualMachines", "projectid"),
        ("listNics", "virtualmachineid"),
        ("updateHost", "id"),
    ],
)
def test_some_refuse_what_there_is_not(lab: VmLab, command: str, name: str) -> None:
    assert lab.code(command, **{name: 999}) == 431


def test_ids_are_numbers_of_the_database_as_well(lab: VmLab) -> None:
    assert lab.one("listZones", id=1)["id"] == lab.zone
    assert lab.one("listDomains", id=1)["name"] == "ROOT"
    volume = lab.do("createVolume", name="v", diskofferingid=lab.disk, zoneid=1, **lab.mine)
    assert volume["zoneid"] == lab.zone


def test_several_ids_show_no_more_of_others_things_than_none(lab: VmLab) -> None:
    mine, own = lab.volume()["id"], lab.do("createVolume", name="v", diskofferingid=lab.disk, zoneid=lab.zone)["id"]
    both = f"{mine},{own}"
    assert [item["id"] for item in lab.do("listVolumes", ids=both)] == [own]
    assert {item["id"] for item in lab.do("listVolumes", ids=both, listall=True)} == {mine, own}


def test_pools_by_a_scope_or_a_status_that_there_is_not(lab: VmLab) -> None:
    assert lab.one("listStoragePools", scope="CLUSTER", status="Up")["id"] == lab.built.pool
    assert lab.do("listStoragePools", scope="ZONE") == lab.do("listStoragePools", status="Maintenance") == []
    assert lab.code("listStoragePools", scope="galaxy") == 431
    assert lab.code("listStoragePools", status="tired") == 431


def test_a_hypervisor_that_there_is_not_filters_no_hosts(lab: VmLab) -> None:
    def found(name: str) -> int:
        return len(lab.do("listHosts", type="Routing", hypervisor=name))

    assert (found("kvm"), found("VMware"), found("Abacus")) == (1, 0, 1)


def test_domains_below_are_for_those_who_ask(lab: VmLab) -> None:
    top = lab.do("createDomain", name="top")["id"]
    low = lab.do("createDomain", name="low", parentdomainid=top)["id"]
    lab.cloud.account("boss", kind=2, domain=top)

    def names(by: str, **params: object) -> list[str]:
        return [item["name"] for item in lab.do("listDomains", by=by, **params)]

    assert names("admin") == ["ROOT", "top", "low"]
    assert names("admin", level=1) == ["top"]
    assert names("boss") == ["top"]
    assert names("boss", listall=True) == ["top", "low"]
    assert names("boss", id=low) == ["low"]
    lab.cloud.account("other", kind=2, domain=lab.do("createDomain", name="other")["id"])
    assert lab.code("listDomains", by="other", id=low) == 531


def test_an_account_keeps_a_name(lab: VmLab) -> None:
    account = lab.one("listAccounts", name="joe")["id"]
    assert lab.code("updateAccount", id=account, newname="") == 431
    assert lab.do("updateAccount", id=account, newname="joseph")["name"] == "joseph"
