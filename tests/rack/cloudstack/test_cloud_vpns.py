from __future__ import annotations

import pytest
from netlab import NetLab

POLICIES = {"ikepolicy": "aes128-sha1;modp2048", "esppolicy": "aes128-sha1"}


@pytest.fixture
def lab() -> NetLab:
    return NetLab()


def test_users_come_in_by_an_address(lab: NetLab) -> None:
    vm = lab.deploy()["id"]
    address = lab.source_nat()["id"]
    vpn = lab.do("createRemoteAccessVpn", publicipid=address)
    assert (vpn["state"], vpn["iprange"], vpn["publicipid"]) == ("Running", "10.1.2.1-10.1.2.8", address)
    assert len(vpn["presharedkey"]) == 24
    assert lab.code("createRemoteAccessVpn", publicipid=address) == 431
    assert {rule["startport"] for rule in lab.do("listFirewallRules", listall=True)} == {500, 1701, 4500}
    udp = lab.forwarding(address, vm, 500, protocol="udp", openfirewall=False)
    assert lab.code("createPortForwardingRule", **udp) == 537
    lab.do("createPortForwardingRule", **{**udp, "protocol": "tcp"})
    assert lab.do("listRemoteAccessVpns", networkid=lab.network, listall=True) == [vpn]
    assert lab.do("updateRemoteAccessVpn", id=vpn["id"], fordisplay=False)["fordisplay"] is False
    lab.do("deleteRemoteAccessVpn", publicipid=address)
    assert lab.code("deleteRemoteAccessVpn", publicipid=address) == 431
    assert lab.do("listFirewallRules", listall=True) == []
    lab.do("createPortForwardingRule", **udp)


@pytest.mark.parametrize("wrong", ["10.1.1.1-10.1.1.8", "10.1.2.8-10.1.2.1", "everybody"])
def test_vpn_users_addresses_are_none_of_the_network_s(lab: NetLab, wrong: str) -> None:
    address = lab.address()["id"]
    assert lab.code("createRemoteAccessVpn", publicipid=address, iprange=wrong) == 431


def test_a_vpn_takes_free_ports_of_a_fit_address(lab: NetLab) -> None:
    vm = lab.deploy()["id"]
    taken, single = lab.address()["id"], lab.address()["id"]
    lab.do("createPortForwardingRule", **lab.forwarding(taken, vm, 4500, protocol="udp"))
    assert lab.code("createRemoteAccessVpn", publicipid=taken) == 537
    lab.do("enableStaticNat", ipaddressid=single, virtualmachineid=vm)
    assert lab.code("createRemoteAccessVpn", publicipid=single) == 431
    vpc = lab.vpc()["id"]
    assert lab.code("createRemoteAccessVpn", publicipid=lab.do("associateIpAddress", vpcid=vpc)["id"]) == 431
    source = lab.one("listPublicIpAddresses", vpcid=vpc, issourcenat=True, listall=True)["id"]
    assert lab.do("createRemoteAccessVpn", publicipid=source)["state"] == "Running"
    assert lab.do("listRemoteAccessVpns", listall=True)[0]["publicipid"] == source


def test_vpn_users(lab: NetLab) -> None:
    user = lab.do("addVpnUser", username="road", password="secret1", **lab.mine)
    assert (user["username"], user["state"], user["account"]) == ("road", "Active", "joe")
    wrong = ({"username": "road"}, {"username": "-x"}, {"username": "other", "password": "no spaces"})
    for params in wrong:
        assert lab.code("addVpnUser", **{"password": "secret1", **params, **lab.mine}) == 431
    assert lab.do("listVpnUsers", username="road", listall=True) == [user]
    for number in range(7):
        lab.do("addVpnUser", username=f"more{number}", password="secret1", **lab.mine)
    assert lab.code("addVpnUser", username="last", password="secret1", **lab.mine) == 535
    lab.do("removeVpnUser", username="road", **lab.mine)
    assert lab.code("removeVpnUser", username="road", **lab.mine) == 431


def ends(lab: NetLab, psks: tuple[str, str] = ("psk", "psk")) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Two VPCs' gateways, and each other's customer gateway."""
    cidrs = ("10.20.0.0/16", "10.30.0.0/16")
    gateways = [lab.do("createVpnGateway", vpcid=lab.vpc(cidr=cidr)["id"]) for cidr in cidrs]
    customers = [
        lab.do(
            "createVpnCustomerGateway",
            name=f"to {gateway['publicip']}",
            gateway=gateway["publicip"],
            cidrlist=cidr,
            ipsecpsk=psk,
            **POLICIES,
            **lab.mine,
        )
        for gateway, cidr, psk in zip(gateways, cidrs, psks, strict=True)
    ]
    return gateways, customers


def connect(lab: NetLab, gateway: dict[str, str], customer: dict[str, str], **params: object) -> dict[str, str]:
    ids = {"s2svpngatewayid": gateway["id"], "s2scustomergatewayid": customer["id"]}
    made = lab.do("createVpnConnection", **ids, **params)
    assert isinstance(made, dict)
    return made


def test_two_vpcs_are_connected(lab: NetLab) -> None:
    gateways, customers = ends(lab)
    waiting = connect(lab, gateways[0], customers[1], passive=True)
    assert waiting["state"] == "Disconnected"
    active = connect(lab, gateways[1], customers[0])
    assert active["state"] == "Connected"
    assert {item["state"] for item in lab.do("listVpnConnections", listall=True)} == {"Connected"}
    for command, named in (("deleteVpnGateway", gateways[0]), ("deleteVpnCustomerGateway", customers[0])):
        assert lab.code(command, id=named["id"]) == 431
    lab.do("deleteVpnConnection", id=active["id"])
    assert lab.do("listVpnConnections", vpcid=gateways[0]["vpcid"], listall=True)[0]["state"] == "Disconnected"
    connect(lab, gateways[1], customers[0])
    assert lab.do("resetVpnConnection", id=waiting["id"])["state"] == "Connected"
    lab.do("updateVpnConnection", id=waiting["id"], fordisplay=False)
    lab.do("deleteVPC", id=gateways[0]["vpcid"])
    assert len(lab.do("listVpnConnections", listall=True)) == 1
    assert len(lab.do("listVpnGateways", listall=True)) == 1
    lab.do("deleteVPC", id=gateways[1]["vpcid"])
    for customer in customers:
        lab.do("deleteVpnCustomerGateway", id=customer["id"])
    assert lab.do("listVpnCustomerGateways", listall=True) == []


def test_ends_with_different_keys_do_not_connect(lab: NetLab) -> None:
    gateways, customers = ends(lab, ("one", "two"))
    connect(lab, gateways[0], customers[1], passive=True)
    assert connect(lab, gateways[1], customers[0])["state"] == "Disconnected"


def test_wrong_connections_are_refused(lab: NetLab) -> None:
    gateways, customers = ends(lab)
    assert lab.code("createVpnGateway", vpcid=gateways[0]["vpcid"]) == 431
    connect(lab, gateways[0], customers[1])
    for gateway, customer in ((gateways[0], customers[1]), (gateways[0], customers[0])):
        ids = {"s2svpngatewayid": gateway["id"], "s2scustomergatewayid": customer["id"]}
        assert lab.code("createVpnConnection", **ids) == 431
    assert lab.do("updateVpnGateway", id=gateways[0]["id"], fordisplay=False)["fordisplay"] is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"gateway": "nowhere"},
        {"cidrlist": "10.0.0.0"},
        {"ikepolicy": "aes128-sha1"},
        {"ikepolicy": "rot13-sha1;modp2048"},
        {"esppolicy": "aes128-crc"},
        {"esppolicy": "aes128-sha1;modp1"},
        {"ikelifetime": 100000},
        {"ikeversion": "ikev9"},
    ],
)
def test_wrong_customer_gateways_are_refused(lab: NetLab, wrong: dict[str, object]) -> None:
    wanted = {"name": "c", "gateway": "9.9.9.9", "cidrlist": "11.0.0.0/8", "ipsecpsk": "k", **POLICIES, **lab.mine}
    assert lab.code("createVpnCustomerGateway", **{**wanted, **wrong}) == 431
    made = lab.do("createVpnCustomerGateway", **wanted)
    assert lab.code("createVpnCustomerGateway", **wanted) == 431
    assert lab.code("createVpnCustomerGateway", **{**wanted, "name": "d"}) == 431
    changed = {name: value for name, value in {**wanted, **wrong}.items() if name not in lab.mine}
    assert lab.code("updateVpnCustomerGateway", id=made["id"], **changed) == 431
    assert lab.one("listVpnCustomerGateways", listall=True)["gateway"] == "9.9.9.9"
