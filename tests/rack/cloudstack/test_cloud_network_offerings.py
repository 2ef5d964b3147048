from __future__ import annotations

import pytest
from netlab import NetLab

SERVICES = "Dhcp,Dns,SourceNat,PortForwarding,Firewall,Lb,StaticNat"


@pytest.fixture
def lab() -> NetLab:
    return NetLab()


def wish(**params: object) -> dict[str, object]:
    return {"name": "o", "guestiptype": "isolated", "traffictype": "GUEST", "supportedservices": SERVICES, **params}


def provider(service: str, name: str) -> dict[str, object]:
    return {"serviceproviderlist[0].service": service, "serviceproviderlist[0].provider": name}


def test_an_offering_is_made_enabled_and_deleted(lab: NetLab) -> None:
    made = lab.do("createNetworkOffering", **wish(**provider("Lb", "virtualrouter")))
    assert (made["state"], made["guestiptype"], made["egressdefaultpolicy"]) == ("Disabled", "Isolated", True)
    assert {item["name"] for item in made["service"]} == set(SERVICES.split(","))
    wanted = {"name": "n", "zoneid": lab.zone, "networkofferingid": made["id"], **lab.mine}
    assert lab.code("createNetwork", **wanted) == 431
    changed = lab.do("updateNetworkOffering", id=made["id"], state="enabled", name="p", availability="optional")
    assert (changed["state"], changed["name"], changed["availability"]) == ("Enabled", "p", "Optional")
    network = lab.do("createNetwork", **wanted)
    assert lab.code("deleteNetworkOffering", id=made["id"]) == 431
    assert lab.code("updateNetworkOffering", id=made["id"], tags="t") == 431
    lab.do("deleteNetwork", id=network["id"])
    lab.do("updateNetworkOffering", id=made["id"], tags="t")
    lab.do("deleteNetworkOffering", id=made["id"])
    assert lab.do("listNetworkOfferings", name="p") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"traffictype": "Public"},
        {"guestiptype": "Round"},
        {"supportedservices": "Dhcp,Teleport"},
        {"guestiptype": "Shared"},
        {"guestiptype": "Shared", "specifyipranges": True},
        {"guestiptype": "L2"},
        {"specifyipranges": True},
        {"availability": "Seldom"},
        provider("Vpn", "VirtualRouter"),
        provider("Lb", "Nobody"),
        provider("Lb", "ConfigDrive"),
        {"forvpc": True},
        {"forvpc": True, "supportedservices": "Dhcp"},
        {"forvpc": True, "guestiptype": "L2", "supportedservices": "UserData"},
        {"servicecapabilitylist[0].service": "Vpn", "servicecapabilitylist[0].capabilitytype": "x"},
        {"servicecapabilitylist[0].service": "Lb", "servicecapabilitylist[0].capabilitytype": "x"},
        {"guestiptype": "Shared", "specifyipranges": True, "supportedservices": "Dhcp", "ispersistent": True},
    ],
)
def test_wrong_offerings_are_refused(lab: NetLab, wrong: dict[str, object]) -> None:
    assert lab.code("createNetworkOffering", **wish(**wrong)) == 431
    assert lab.do("listNetworkOfferings", name="o") == []


def test_a_router_s_offering_is_a_system_one(lab: NetLab) -> None:
    assert lab.code("createNetworkOffering", **wish(serviceofferingid=lab.small)) == 431
    system = lab.do("listServiceOfferings", issystem=True, systemvmtype="domainrouter")[0]["id"]
    assert lab.do("createNetworkOffering", **wish(serviceofferingid=system))["serviceofferingid"] == system


def test_default_offerings_stay(lab: NetLab) -> None:
    for offering in lab.do("listNetworkOfferings", isdefault=True):
        assert lab.code("deleteNetworkOffering", id=offering["id"]) == 431
    assert lab.code("updateNetworkOffering", id=offering["id"], state="Tired") == 431


def test_an_offering_may_be_for_some_domains_and_zones_only(lab: NetLab) -> None:
    north = lab.do("createDomain", name="north")["id"]
    made = lab.do("createNetworkOffering", **wish(domainid=north, zoneid=lab.zone, enable=True))
    assert (made["domainid"], made["zoneid"]) == (north, lab.zone)
    wanted = {"name": "n", "zoneid": lab.zone, "networkofferingid": made["id"], **lab.mine}
    assert lab.code("createNetwork", **wanted) == 531
    lab.do("updateNetworkOffering", id=made["id"], domainid="public", zoneid="all")
    lab.do("createNetwork", **wanted)
    below = lab.do("createDomain", name="below", parentdomainid=north)["id"]
    changed = lab.do("updateNetworkOffering", id=made["id"], domainid=f"{below},{north}")
    assert changed["domainid"] == north
    assert lab.code("updateNetworkOffering", id=made["id"], domainid="nowhere") == 431


def test_a_redundant_offering_makes_two_routers(lab: NetLab) -> None:
    redundant = {
        "servicecapabilitylist[0].service": "SourceNat",
        "servicecapabilitylist[0].capabilitytype": "RedundantRouter",
        "servicecapabilitylist[0].capabilityvalue": "true",
    }
    made = lab.do("createNetworkOffering", **wish(enable=True, **redundant))
    network = lab.network_of(networkofferingid=made["id"])
    assert network["redundantrouter"] is True
    lab.deploy(networkids=network["id"])
    assert len(lab.routers()) == 2
