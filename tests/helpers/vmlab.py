"""A small zone with an account, its network, and short ways to VMs and volumes."""

from __future__ import annotations

from typing import Any

from cloudlab import Cloud, JobFailedError, build_zone

from pytest_qacloud.rack.cloudstack.errors import ApiError

ISOLATED = "DefaultIsolatedNetworkOfferingWithSourceNatService"


class VmLab:
    """One account, `joe`, with one isolated network in a zone of `hosts` hypervisors."""

    def __init__(self, hosts: int = 2) -> None:
        self.cloud = Cloud()
        self.built = build_zone(self.cloud, hosts=hosts)
        self.cloud.advance(5)
        self.zone = self.built.zone
        self.mine = self.account("joe")
        self.small = self.one("listServiceOfferings", name="Small Instance")["id"]
        self.medium = self.one("listServiceOfferings", name="Medium Instance")["id"]
        self.disk = self.one("listDiskOfferings", name="Small")["id"]
        self.custom = self.one("listDiskOfferings", name="Custom")["id"]
        found = self.do("listTemplates", templatefilter="featured", zoneid=self.zone)
        self.template = next(item["id"] for item in found if item["isready"])
        self.network = self.new_network()
        self.os = self.do("listOsTypes", description="CentOS 7")[0]["id"]

    def do(self, command: str, **params: Any) -> Any:
        return self.cloud.do(command, **params)

    def one(self, command: str, **params: object) -> dict[str, Any]:
        (found,) = self.do(command, **params)
        assert isinstance(found, dict)
        return found

    def account(self, name: str) -> dict[str, str]:
        """A new account, as `account` and `domainid` name it."""
        made = self.cloud.account(name)
        return {"account": name, "domainid": made["domainid"]}

    def new_network(self, owner: dict[str, str] | None = None) -> str:
        offering = self.one("listNetworkOfferings", name=ISOLATED)["id"]
        made = self.do(
            "createNetwork",
            name="net",
            displaytext="net",
            zoneid=self.zone,
            networkofferingid=offering,
            **(owner or self.mine),
        )
        return str(made["id"])

    def wanted(self, **params: object) -> dict[str, Any]:
        """What a deployment for joe takes."""
        return {
            "serviceofferingid": self.small,
            "templateid": self.template,
            "zoneid": self.zone,
            "networkids": self.network,
            **self.mine,
            **params,
        }

    def deploy(self, **params: object) -> dict[str, Any]:
        made = self.do("deployVirtualMachine", **self.wanted(**params))
        assert isinstance(made, dict)
        return made

    def vm(self, vm_id: str) -> dict[str, Any]:
        return self.one("listVirtualMachines", id=vm_id, listall=True)

    def root(self, vm_id: str) -> dict[str, Any]:
        return self.one("listVolumes", virtualmachineid=vm_id, type="ROOT", listall=True)

    def volume(self, **params: object) -> dict[str, Any]:
        defaults = {"name": "data", "diskofferingid": self.disk, "zoneid": self.zone}
        made = self.do("createVolume", **{**defaults, **self.mine, **params})
        assert isinstance(made, dict)
        return made

    def attached(self, vm_id: str, **params: object) -> dict[str, Any]:
        volume = self.do("attachVolume", id=self.volume(**params)["id"], virtualmachineid=vm_id)
        assert isinstance(volume, dict)
        return volume

    def code(self, command: str, **params: object) -> int:
        """The error code with which a call, or its job, ends."""
        try:
            self.do(command, **params)
        except ApiError as error:
            return int(error.code)
        except JobFailedError as error:
            return int(error.code)
        raise AssertionError(f"{command} was not refused")

    def count(self, kind: int) -> int:
        """How much of a resource joe has, by `resourcetype`."""
        return int(self.one("updateResourceCount", resourcetype=kind, **self.mine)["resourcecount"])
