from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from netlab import ISOLATED, NetLab


@pytest.fixture
def lab() -> NetLab:
    return NetLab()


def test_a_network_is_brought_to_life_by_its_first_running_vm(lab: NetLab) -> None:
    before = lab.network_state()
    assert (before["state"], before["cidr"], before["gateway"]) == ("Allocated", "10.1.1.0/24", "10.1.1.1")
    assert "vlan" not in before
    assert lab.routers() == []
    stopped = lab.deploy(startvm=False)
    assert lab.network_state()["state"] == "Allocated"
    lab.do("startVirtualMachine", id=stopped["id"])
    after = lab.network_state()
    assert (after["state"], after["vlan"], after["broadcasturi"]) == ("Implemented", "200", "vlan://200")
    (router,) = lab.routers(networkid=lab.network)
    assert (router["state"], router["guestipaddress"]) == ("Running", "10.1.1.1")
    assert router["publicip"] == lab.source_nat()["ipaddress"]
    assert router["account"] == "joe"


def test_the_physical_network_is_the_only_one_or_the_one_with_the_offering_s_tag(lab: NetLab) -> None:
    isolated = lab.do("listNetworkOfferings", name=ISOLATED)[0]
    tagged = lab.do(
        "createNetworkOffering",
        name="t",
        displaytext="t",
        guestiptype="L2",
        traffictype="GUEST",
        tags="fast",
    )
    lab.do("updateNetworkOffering", id=tagged["id"], state="Enabled")
    assert lab.network_of(name="a", networkofferingid=tagged["id"])["physicalnetworkid"] == lab.built.physical
    second = lab.do("createPhysicalNetwork", name="second", zoneid=lab.zone, vlan="900-910")["id"]
    lab.do("addTrafficType", physicalnetworkid=second, traffictype="Guest")
    lab.do("updatePhysicalNetwork", id=second, state="Enabled")
    wish = {"name": "b", "zoneid": lab.zone, "networkofferingid": tagged["id"], **lab.mine}
    assert "match the tags fast" in lab.cloud.refused("createNetwork", **wish).text
    ambiguous = lab.cloud.refused("createNetwork", **{**wish, "networkofferingid": isolated["id"]})
    assert (ambiguous.code, "more than 1 physical network" in ambiguous.text) == (530, True)
    lab.do("updatePhysicalNetwork", id=second, tags="slow,fast")
    assert lab.network_of(name="b", networkofferingid=tagged["id"])["physicalnetworkid"] == second
    assert lab.network_of(name="c")["physicalnetworkid"] == lab.built.physical


def l2_offering(lab: NetLab, **params: object) -> str:
    """An enabled offering of L2 networks whose VLAN is given by hand."""
    wanted = {"name": "l2", "displaytext": "l2", "guestiptype": "L2", "traffictype": "GUEST", "specifyvlan": True}
    made = str(lab.do("createNetworkOffering", **{**wanted, **params})["id"])
    lab.do("updateNetworkOffering", id=made, state="Enabled")
    return made


def test_a_persistent_network_with_a_vlan_by_hand_lives_at_once(lab: NetLab) -> None:
    offering = l2_offering(lab, ispersistent=True)
    network = lab.do("createNetwork", name="p", zoneid=lab.zone, networkofferingid=offering, vlan=700)["id"]
    assert lab.network_state(network)["state"] == "Implemented"


def test_every_living_network_has_a_vlan_of_its_own(lab: NetLab) -> None:
    others = [lab.new_network() for _ in range(3)]
    for network in others:
        lab.deploy(networkids=network)
    vlans = [lab.network_state(network)["vlan"] for network in others]
    assert vlans == ["200", "201", "202"]


def test_a_network_stays_allocated_when_no_vlan_is_left(lab: NetLab) -> None:
    lab.do("updatePhysicalNetwork", id=lab.built.physical, vlan="200-200")
    lab.deploy()
    other = lab.new_network()
    assert lab.code("deployVirtualMachine", **lab.wanted(networkids=other)) == 533
    assert lab.network_state(other)["state"] == "Allocated"
    assert lab.routers(networkid=other) == []
    assert lab.do("listPublicIpAddresses", associatednetworkid=other, listall=True) == []


def test_a_network_stays_allocated_when_no_host_takes_its_router(lab: NetLab) -> None:
    for host in lab.built.hosts:
        lab.do("updateHost", id=host, allocationstate="Disable")
    assert lab.code("deployVirtualMachine", **lab.wanted()) == 533
    assert lab.network_state()["state"] == "Allocated"
    assert lab.used("ip") == 0


def test_vms_get_the_network_s_addresses_and_only_free_ones(lab: NetLab) -> None:
    first, second = lab.deploy()["nic"][0], lab.deploy(ipaddress="10.1.1.77")["nic"][0]
    assert ip_address(first["ipaddress"]) in ip_network("10.1.1.0/24")
    assert (second["ipaddress"], second["netmask"]) == ("10.1.1.77", "255.255.255.0")
    assert first["macaddress"] != second["macaddress"]
    for wanted in ("10.1.1.77", "10.1.1.1", "10.9.9.9", "10.1.1.999"):
        assert lab.code("deployVirtualMachine", **lab.wanted(ipaddress=wanted)) == 431


def test_a_network_with_a_vm_is_not_deleted(lab: NetLab) -> None:
    vm = lab.deploy()
    assert lab.code("deleteNetwork", id=lab.network) == 530
    assert lab.network_state()["state"] == "Implemented"
    assert len(lab.routers()) == 1
    lab.do("destroyVirtualMachine", id=vm["id"], expunge=True)
    lab.do("deleteNetwork", id=lab.network)
    assert lab.do("listNetworks", listall=True) == []
    assert lab.routers() == []
    assert lab.used("ip") == 0


def test_restarting_with_cleanup_makes_a_new_router(lab: NetLab) -> None:
    assert lab.code("restartNetwork", id=lab.network) == 431
    lab.deploy()
    (old,) = lab.routers()
    lab.do("restartNetwork", id=lab.network, cleanup=False)
    assert lab.routers()[0]["id"] == old["id"]
    lab.do("restartNetwork", id=lab.network, cleanup=True)
    (new,) = lab.routers()
    assert (new["id"] != old["id"], new["state"], new["publicip"]) == (True, "Running", old["publicip"])


def test_a_network_may_be_made_redundant(lab: NetLab) -> None:
    lab.deploy()
    lab.do("restartNetwork", id=lab.network, makeredundant=True)
    routers = lab.routers()
    assert sorted(router["redundantstate"] for router in routers) == ["BACKUP", "PRIMARY"]
    assert len({router["hostid"] for router in routers}) == 2
    assert lab.network_state()["redundantrouter"] is True


def test_an_unused_network_goes_back_to_sleep_and_keeps_its_address(lab: NetLab) -> None:
    vm = lab.deploy()
    address = lab.source_nat()["ipaddress"]
    lab.cloud.advance(3000)
    assert lab.network_state()["state"] == "Implemented"
    lab.do("stopVirtualMachine", id=vm["id"])
    lab.cloud.advance(5000)
    asleep = lab.network_state()
    assert (asleep["state"], "vlan" in asleep) == ("Allocated", False)
    assert lab.routers() == []
    lab.do("startVirtualMachine", id=vm["id"])
    assert lab.network_state()["state"] == "Implemented"
    assert lab.routers()[0]["publicip"] == address


def test_a_persistent_network_lives_without_vms(lab: NetLab) -> None:
    offering = lab.do(
        "createNetworkOffering",
        name="persistent",
        guestiptype="Isolated",
        traffictype="GUEST",
        supportedservices="Dhcp,Dns,SourceNat",
        ispersistent=True,
        enable=True,
    )
    network = lab.network_of(networkofferingid=offering["id"])
    lab.cloud.advance(5000)
    assert lab.network_state(network["id"])["state"] == "Implemented"
    assert len(lab.routers(networkid=network["id"])) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"gateway": "10.1.2.0", "netmask": "255.255.255.0"}, 431),
        ({"gateway": "10.1.2.256", "netmask": "255.255.255.0"}, 431),
        ({"gateway": "10.1.2.1", "netmask": "255.0.255.0"}, 431),
        ({"gateway": "8.8.8.1", "netmask": "255.255.255.0"}, 431),
        ({"vlan": "700"}, 431),
        ({"networkdomain": "-bad-.example"}, 431),
        ({"acltype": "Domain"}, 431),
        ({"acltype": "Nobody"}, 431),
        ({"subdomainaccess": True}, 431),
        ({"routerip": "10.1.1.5"}, 431),
        ({"startip": "10.1.1.5"}, 431),
        ({"zoneid": "nowhere"}, 431),
    ],
)
def test_wrong_wishes_make_no_network(lab: NetLab, wrong: dict[str, object], code: int) -> None:
    wanted = {"name": "net2", "zoneid": lab.zone, "networkofferingid": lab.offering(ISOLATED), **lab.mine, **wrong}
    assert lab.code("createNetwork", **wanted) == code
    assert len(lab.do("listNetworks", listall=True)) == 1


def test_a_network_needs_its_providers(lab: NetLab) -> None:
    provider = lab.one("listNetworkServiceProviders", name="VirtualRouter", physicalnetworkid=lab.built.physical)
    lab.do("updateNetworkServiceProvider", id=provider["id"], state="Disabled")
    wanted = {"name": "net2", "zoneid": lab.zone, "networkofferingid": lab.offering(ISOLATED), **lab.mine}
    assert lab.code("createNetwork", **wanted) == 431


def test_a_disabled_physical_network_takes_no_networks(lab: NetLab) -> None:
    lab.do("updatePhysicalNetwork", id=lab.built.physical, state="Disabled")
    wanted = {"name": "net2", "zoneid": lab.zone, "networkofferingid": lab.offering(ISOLATED), **lab.mine}
    assert lab.code("createNetwork", **wanted) == 431


def test_lists_are_filtered(lab: NetLab) -> None:
    lab.shared()
    lab.deploy()

    def names(**params: object) -> list[str]:
        return sorted(item["name"] for item in lab.do("listNetworks", listall=True, **params))

    assert names() == ["net", "shared300"]
    assert names(type="Isolated") == ["net"]
    assert names(networkfilter="Domain") == ["shared300"]
    assert names(networkfilter="Account", **lab.mine) == ["net"]
    assert names(vlan="200") == ["net"]
    assert names(acltype="domain") == ["shared300"]
    assert names(supportedservices="SourceNat") == ["net"]
    assert names(keyword="shar") == ["shared300"]
    assert names(zoneid=lab.zone, forvpc=False, issystem=False) == ["net", "shared300"]
    assert names(forvpc=True) == []
    assert lab.code("listNetworks", networkfilter="mine") == 431


def test_a_network_is_changed(lab: NetLab) -> None:
    changed = lab.do("updateNetwork", id=lab.network, name="new", displaytext="text", networkdomain="lab.example")
    assert (changed["name"], changed["displaytext"], changed["networkdomain"]) == ("new", "text", "lab.example")
    assert lab.code("updateNetwork", id=lab.network, networkdomain="a..b") == 431


def test_addresses_may_be_reserved_outside_of_the_vms_block(lab: NetLab) -> None:
    assert lab.code("updateNetwork", id=lab.network, guestvmcidr="10.1.1.0/28") == 431
    lab.deploy()
    for wrong in ("10.1.0.0/16", "10.1.1.0", "10.1.1.16/28"):
        assert lab.code("updateNetwork", id=lab.network, guestvmcidr=wrong) == 431
    lab.do("updateNetwork", id=lab.network, guestvmcidr="10.1.1.0/28")
    network = lab.network_state()
    assert (network["cidr"], network["networkcidr"]) == ("10.1.1.0/28", "10.1.1.0/24")
    assert "10.1.1.128-10.1.1.255" in network["reservediprange"]
    for _ in range(12):
        lab.deploy(startvm=False)
    assert lab.code("deployVirtualMachine", **lab.wanted()) == 533


def test_another_offering_is_taken_over_with_a_new_router(lab: NetLab) -> None:
    lab.deploy()
    (old,) = lab.routers()
    offering = lab.do(
        "createNetworkOffering",
        name="smaller",
        guestiptype="Isolated",
        traffictype="GUEST",
        supportedservices="Dhcp,Dns,UserData,SourceNat,Firewall,PortForwarding",
    )
    assert lab.code("updateNetwork", id=lab.network, networkofferingid=offering["id"]) == 431
    lab.do("updateNetworkOffering", id=offering["id"], state="Enabled")
    balancer = lab.do("createLoadBalancerRule", **lab.balancing(lab.address()["id"]))
    assert lab.code("updateNetwork", id=lab.network, networkofferingid=offering["id"]) == 431
    lab.do("deleteLoadBalancerRule", id=balancer["id"])
    changed = lab.do("updateNetwork", id=lab.network, networkofferingid=offering["id"])
    assert changed["networkofferingname"] == "smaller"
    assert [router["id"] for router in lab.routers()] != [old["id"]]
    l2 = lab.offering("DefaultL2NetworkOffering")
    assert lab.code("updateNetwork", id=lab.network, networkofferingid=l2) == 431


def test_a_vm_that_names_no_network_gets_its_owner_s(lab: NetLab) -> None:
    wanted = {name: value for name, value in lab.wanted().items() if name != "networkids"}
    vm = lab.do("deployVirtualMachine", **wanted)
    assert vm["nic"][0]["networkid"] == lab.network
    lab.new_network()
    assert lab.code("deployVirtualMachine", **wanted) == 431
    ann = lab.account("ann")
    vm = lab.do("deployVirtualMachine", **{**wanted, **ann})
    assert vm["nic"][0]["networkname"] == "ann-network"


def test_an_l2_network_gives_no_addresses_and_has_no_router(lab: NetLab) -> None:
    network = lab.network_of(name="l2", networkofferingid=lab.offering("DefaultL2NetworkOffering"))
    assert "gateway" not in network
    vm = lab.deploy(networkids=network["id"])
    assert "ipaddress" not in vm["nic"][0]
    listed = lab.network_state(network["id"])
    assert (listed["type"], listed["state"], listed["vlan"]) == ("L2", "Implemented", "200")
    assert lab.routers() == []
    wanted = {"name": "l2", "zoneid": lab.zone, "networkofferingid": lab.offering("DefaultL2NetworkOffering")}
    assert lab.code("createNetwork", **wanted, gateway="10.1.1.1", netmask="255.255.255.0") == 431


def test_a_network_may_be_on_a_vlan_chosen_by_hand(lab: NetLab) -> None:
    offering = lab.offering("DefaultL2NetworkOfferingVlan")
    network = lab.network_of(name="l2", networkofferingid=offering, vlan="777")
    assert (network["state"], network["vlan"]) == ("Setup", "777")
    wanted = {"name": "l2", "zoneid": lab.zone, "networkofferingid": offering, **lab.mine}
    for wrong in ({}, {"vlan": "777"}, {"vlan": "250"}, {"vlan": "9999"}, {"vlan": "x"}):
        assert lab.code("createNetwork", **wanted, **wrong) == 431
    lab.network_of(name="twin", networkofferingid=offering, vlan="777", bypassvlanoverlapcheck=True)
    assert lab.code("createNetwork", by="joe", **wanted, vlan="778") == 431


def test_as_many_networks_as_the_limit_says(lab: NetLab) -> None:
    lab.limit(6, 1)
    wanted = {"name": "net2", "zoneid": lab.zone, "networkofferingid": lab.offering(ISOLATED), **lab.mine}
    assert lab.code("createNetwork", **wanted) == 535
    assert lab.used("network") == 1


def test_private_vlans_are_within_a_vlan_of_their_network(lab: NetLab) -> None:
    offering = lab.do("listNetworkOfferings", name="DefaultSharedNetworkOffering")[0]
    addresses = {"gateway": "10.9.9.1", "netmask": "255.255.255.0", "startip": "10.9.9.10", "endip": "10.9.9.20"}
    wanted = {"name": "p", "displaytext": "p", "zoneid": lab.zone, "networkofferingid": offering["id"], **addresses}
    right = {"vlan": "1001", "isolatedpvlan": "1002"}
    for wrong in (
        {"isolatedpvlan": "1002"},
        {**right, "ip6gateway": "fc00::1", "ip6cidr": "fc00::/64"},
        {**right, "isolatedpvlantype": "promiscuous"},
        {**right, "isolatedpvlantype": "odd"},
        {"vlan": "1001", "isolatedpvlan": "1001", "isolatedpvlantype": "i"},
        {"vlan": "1001", "isolatedpvlantype": "community"},
        {"vlan": "untagged", "isolatedpvlan": "1002"},
    ):
        assert lab.code("createNetwork", **{**wanted, **wrong}) == 431
    assert lab.code("createNetwork", **wanted, vlan="1001", isolatedpvlan="blue") == 530
    made = lab.do("createNetwork", **wanted, **right)
    assert (made["broadcastdomaintype"], made["broadcasturi"]) == ("Pvlan", "pvlan://1001-i1002")
    lab.do("deleteNetwork", id=made["id"])
    reached = lab.do("createNetwork", **wanted, vlan="1001", isolatedpvlantype="p")
    assert reached["broadcasturi"] == "pvlan://1001-p1001"
    isolated = lab.do("listNetworkOfferings", name=ISOLATED)[0]["id"]
    assert lab.code("createNetwork", **{**wanted, "networkofferingid": isolated}, **right) == 431
