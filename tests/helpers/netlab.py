"""A zone with an account and its network, and short ways to addresses, rules and VPCs."""

from __future__ import annotations

from typing import Any

from vmlab import VmLab

ISOLATED = "DefaultIsolatedNetworkOfferingWithSourceNatService"
VPC_TIER = "DefaultIsolatedNetworkOfferingForVpcNetworks"
TIER_NO_LB = "DefaultIsolatedNetworkOfferingForVpcNetworksNoLB"
SHARED = "DefaultSharedNetworkOffering"


class NetLab(VmLab):
    """`VmLab` with what tests of networks ask for."""

    def offering(self, name: str) -> str:
        return str(self.one("listNetworkOfferings", name=name)["id"])

    def network_of(self, **params: object) -> dict[str, Any]:
        """A network of joe's; isolated unless `networkofferingid` says otherwise."""
        wanted = {"name": "net", "zoneid": self.zone, "networkofferingid": self.offering(ISOLATED), **self.mine}
        made = self.do("createNetwork", **{**wanted, **params})
        assert isinstance(made, dict)
        return made

    def shared_wish(self, **params: object) -> dict[str, object]:
        """Parameters of a shared network with addresses .10 to .13, made by the administrator for ROOT."""
        vlan, subnet = params.get("vlan", 300), params.pop("subnet", 7)
        return {
            "name": f"shared{vlan}",
            "zoneid": self.zone,
            "networkofferingid": self.offering(SHARED),
            "vlan": 300,
            "gateway": f"172.31.{subnet}.1",
            "netmask": "255.255.255.0",
            "startip": f"172.31.{subnet}.10",
            "endip": f"172.31.{subnet}.13",
            **params,
        }

    def shared(self, **params: object) -> dict[str, Any]:
        made = self.do("createNetwork", **self.shared_wish(**params))
        assert isinstance(made, dict)
        return made

    def network_state(self, network_id: str | None = None) -> dict[str, Any]:
        return self.one("listNetworks", id=network_id or self.network, listall=True)

    def address(self, network_id: str | None = None, **params: object) -> dict[str, Any]:
        made = self.do("associateIpAddress", **({"networkid": network_id or self.network} | params))
        assert isinstance(made, dict)
        return made

    def ip(self, address_id: str) -> dict[str, Any]:
        return self.one("listPublicIpAddresses", id=address_id, listall=True)

    def source_nat(self, network_id: str | None = None) -> dict[str, Any]:
        network = network_id or self.network
        return self.one("listPublicIpAddresses", associatednetworkid=network, issourcenat=True, listall=True)

    def forwarding(self, address: str, vm: str, port: int = 22, **params: object) -> dict[str, object]:
        """Parameters of a port forwarding rule."""
        ports = {"publicport": port, "privateport": port, "protocol": "tcp"}
        return {"ipaddressid": address, "virtualmachineid": vm, **ports, **params}

    def balancing(self, address: str, port: int = 80, **params: object) -> dict[str, object]:
        """Parameters of a load balancer rule."""
        ports = {"publicport": port, "privateport": 8080, "algorithm": "roundrobin", "name": "lb"}
        return {"publicipid": address, **ports, **params}

    def vpc(self, **params: object) -> dict[str, Any]:
        offering = next(item["id"] for item in self.do("listVPCOfferings") if item["name"] == "Default VPC offering")
        wanted = {"name": "vpc", "cidr": "10.20.0.0/16", "zoneid": self.zone, "vpcofferingid": offering}
        made = self.do("createVPC", **{**wanted, **self.mine, **params})
        assert isinstance(made, dict)
        return made

    def tier(
        self, vpc: str, gateway: str = "10.20.1.1", offering: str = TIER_NO_LB, **params: object
    ) -> dict[str, Any]:
        return self.network_of(
            **{
                "vpcid": vpc,
                "gateway": gateway,
                "netmask": "255.255.255.0",
                "networkofferingid": self.offering(offering),
                **params,
            }
        )

    def routers(self, **params: object) -> list[dict[str, Any]]:
        found = self.do("listRouters", listall=True, **params)
        assert isinstance(found, list)
        return found

    def limit(self, kind: int, most: int) -> None:
        self.do("updateResourceLimit", resourcetype=kind, max=most, **self.mine)

    def used(self, kind: str) -> int:
        """joe's total of a resource, by its prefix in listAccounts."""
        return int(self.one("listAccounts", name="joe", listall=True)[f"{kind}total"])
