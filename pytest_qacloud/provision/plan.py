"""From a pool, a build and a lease to a `ZonePlan`: pure, so that all of it can be seen before anything is touched."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import ProvisionError
from ..model import Hypervisor, MachinePlan, Role, ZonePlan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..model import Build, Lease, Machine, Pool

MARKER_PATH = "/etc/qacloud-epoch"
"""Written by the autoinstall, read back over SSH."""

CLUSTER_SIZE = 16
"""Hosts in a cluster at most; CloudStack's limit for XenServer, and what it recommends for KVM."""

HYPERVISOR_CLASS = {
    Hypervisor.KVM: "qacloud::kvm",
    Hypervisor.XENSERVER: "qacloud::xenserver",
    Hypervisor.VMWARE: "qacloud::vmware",
    Hypervisor.SIMULATOR: "qacloud::simulator",
}

NETWORK_PROVIDERS = ("VirtualRouter", "VpcVirtualRouter", "InternalLbVm")


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which machine plays which role, and which could step in.

    Args:
        slots: (role, machine), management first, then the hypervisors in the file's order.
        spares: machines that may replace one in a slot, best first.
    """

    slots: tuple[tuple[Role, Machine], ...]
    spares: tuple[Machine, ...]


def assign(pool: Pool, suspects: Collection[str] = ()) -> Assignment:
    """Give each role a machine.

    Args:
        suspects: names of machines that failed last time: a spare that did not fail is preferred to them.
    """
    wanted = [*pool.with_role(Role.MANAGEMENT), *pool.with_role(Role.HYPERVISOR)]
    spares = sorted(pool.with_role(Role.SPARE), key=lambda machine: machine.name in suspects)
    slots = []
    for machine in wanted:
        chosen = machine
        if machine.name in suspects and spares and spares[0].name not in suspects:
            chosen = spares.pop(0)
            spares.append(machine)
        slots.append((machine.role, chosen))
    return Assignment(tuple(slots), tuple(spares))


def substitute(assignment: Assignment, failed: Machine) -> Assignment | None:
    """Put the best spare in the place of a machine that failed; `None` where no spare is left.

    The failed one is not kept as a spare: one failure in a run is enough.
    """
    if not assignment.spares:
        return None
    spare, *rest = assignment.spares
    slots = tuple((role, spare if machine == failed else machine) for role, machine in assignment.slots)
    return Assignment(slots, tuple(rest))


def management_only(assignment: Assignment) -> Assignment:
    """The machines for zones whose hypervisors are others than the pool's: the management server's alone."""
    slots = tuple(slot for slot in assignment.slots if slot[0] is Role.MANAGEMENT)
    return Assignment(slots, assignment.spares)


def plan_machine(pool: Pool, build: Build, lease: Lease, machine: Machine, role: Role) -> MachinePlan:
    """What one machine becomes in one role.

    Raises:
        ProvisionError: no Cobbler profile is known for the role.
    """
    profile = machine.profile if machine.role is role else None
    profile = profile or pool.cobbler.profiles.get(role)
    if profile is None:
        raise ProvisionError(
            machine.name,
            "plan",
            f"no Cobbler profile is set for the role {role}",
            0.0,
            f"Set [cobbler.profiles] {role} in {pool.path or pool.name}.",
        )
    marker = f"epoch={lease.epoch} nonce={_derive(lease, 'marker', machine).hex()[:32]}"
    meta = {
        "qacloud_epoch": str(lease.epoch),
        "qacloud_marker": marker.replace(" ", ","),
        "qacloud_marker_path": MARKER_PATH,
        "qacloud_puppet_server": pool.puppet.server,
    }
    if build.repository:
        meta["qacloud_repository"] = build.repository
    if pool.network.proxy:
        meta["qacloud_proxy"] = pool.network.proxy
    return MachinePlan(
        machine=machine,
        role=role,
        hostname=f"{machine.name}.{pool.network.domain}",
        profile=profile,
        autoinstall_meta=meta,
        marker_path=MARKER_PATH,
        marker=meta["qacloud_marker"],
        classes=_classes(pool, build, role),
        environment=pool.puppet.environment,
        host_key_seed=_derive(lease, "ssh-host-key", machine),
    )


def make_plan(pool: Pool, build: Build, lease: Lease, assignment: Assignment | None = None) -> ZonePlan:
    """Every host name, address, profile and file of the zone.

    Args:
        assignment: which machine plays what; `None` takes the pool's own roles.

    Raises:
        ProvisionError: the pool cannot carry such a zone.
    """
    assignment = assignment or assign(pool)
    machines = tuple(plan_machine(pool, build, lease, machine, role) for role, machine in assignment.slots)
    used = {plan.name for plan in machines}
    idle = tuple(machine for machine in pool.machines if machine.name not in used and machine.role is not Role.STORAGE)
    zone_name = f"{pool.name}-e{lease.epoch}"
    return ZonePlan(
        pool=pool,
        build=build,
        epoch=lease.epoch,
        zone_name=zone_name,
        machines=machines,
        idle=idle,
        system_vm_template=build.system_vm_template or pool.storage.system_vm_template,
        marvin_config=marvin_config(pool, zone_name, machines),
    )


def replan(plan: ZonePlan, machines: Sequence[MachinePlan]) -> ZonePlan:
    """The same zone on other machines, in the slots' order."""
    used = {machine.name for machine in machines}
    return replace(
        plan,
        machines=tuple(machines),
        idle=tuple(m for m in plan.pool.machines if m.name not in used and m.role is not Role.STORAGE),
        marvin_config=marvin_config(plan.pool, plan.zone_name, machines),
    )


def classification(plan: MachinePlan) -> dict[str, Any]:
    """What the external node classifier says about a machine.

    The shape is Puppet's: https://www.puppet.com/docs/puppet/8/nodes_external.html
    """
    return {
        "classes": {name: dict(parameters) for name, parameters in plan.classes.items()},
        "environment": plan.environment,
    }


def marvin_config(
    pool: Pool, zone_name: str, machines: Sequence[MachinePlan], secrets: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Marvin's configuration of the zone, as its deployDataCenter reads it.

    Args:
        machines: management first.
        secrets: values for the pool's secret references by their text (`str(ref)`); without them the texts stand in
            their places.
    """
    values = secrets or {}

    def secret(ref: object) -> str:
        return values.get(str(ref), str(ref))

    network = pool.network
    primary = [
        {"name": export.name, "url": f"nfs://{pool.storage.server}{export.path}"} for export in pool.storage.primary
    ]
    clusters = _clusters(pool, machines, secret(pool.hosts.password))
    zone: dict[str, Any] = {
        "name": zone_name,
        "networktype": "Advanced",
        "securitygroupenabled": "false",
        "localstorageenabled": "false",
        "guestcidraddress": str(network.guest.cidr),
        "dns1": str(network.dns[0]),
        "internaldns1": str(network.dns[0]),
        "domain": network.domain,
        "physical_networks": [_physical_network(pool)],
        "ipranges": [
            {
                "startip": str(network.public.addresses.first),
                "endip": str(network.public.addresses.last),
                "netmask": str(network.public.cidr.netmask),
                "gateway": str(network.public.gateway),
                "vlan": _vlan(network.public.vlan),
            }
        ],
        "pods": [
            {
                "name": f"{zone_name}-pod",
                "startip": str(network.management.system_vms.first),
                "endip": str(network.management.system_vms.last),
                "netmask": str(network.management.cidr.netmask),
                "gateway": str(network.management.gateway),
                "clusters": clusters,
            }
        ],
        "secondaryStorages": [{"url": f"nfs://{pool.storage.server}{pool.storage.secondary.path}", "provider": "NFS"}],
    }
    if len(network.dns) > 1:
        zone["dns2"] = zone["internaldns2"] = str(network.dns[1])
    _place_primary(pool, zone, clusters, primary)
    if pool.vmware is not None:
        zone["pods"][0]["vmwaredc"] = {  # where Marvin looks for it
            "name": pool.vmware.datacenter,
            "vcenter": pool.vmware.vcenter,
            "username": pool.vmware.user,
            "password": secret(pool.vmware.password),
        }
    management = machines[0]
    return {
        "zones": [zone],
        "mgtSvr": [
            {
                "mgtSvrIp": str(management.machine.ip),
                "port": pool.management.port,
                "user": pool.management.user,
                "passwd": secret(pool.management.password),
                "hypervisor": pool.hypervisor.api_name,
                "useHttps": str(pool.management.tls),
                "certCAPath": pool.management.ca_file or "NA",
                "certPath": "NA",
            }
        ],
        "globalConfig": [],
    }


def _derive(lease: Lease, purpose: str, machine: Machine) -> bytes:
    """32 bytes that only this lease's owner knows, the same at every call."""
    text = f"qacloud {purpose} {lease.pool} {lease.epoch} {machine.name}"
    return hmac.new(lease.token.encode(), text.encode(), hashlib.sha256).digest()


def _classes(pool: Pool, build: Build, role: Role) -> dict[str, dict[str, Any]]:
    base: dict[str, Any] = {"domain": pool.network.domain, "name_servers": [str(server) for server in pool.network.dns]}
    if pool.network.proxy:
        base["proxy"] = pool.network.proxy
    packages = {"repository": build.repository} if build.repository else {}
    if role is Role.MANAGEMENT:
        return {"qacloud::base": base, "qacloud::management": {"port": pool.management.port, **packages}}
    return {"qacloud::base": base, HYPERVISOR_CLASS[pool.hypervisor]: dict(packages)}


def _vlan(vlan: int | None) -> str:
    return "untagged" if vlan is None else str(vlan)


def _physical_network(pool: Pool) -> dict[str, Any]:
    network = pool.network
    traffic = ["Guest", "Management", "Public", *(["Storage"] if network.storage else [])]
    physical: dict[str, Any] = {
        "name": "physical-network",
        "broadcastdomainrange": "Zone",
        "isolationmethods": ["VLAN"],
        "vlan": str(network.guest.vlans),
        "traffictypes": [{"typ": kind} for kind in traffic],
        "providers": [{"broadcastdomainrange": "ZONE", "name": name} for name in NETWORK_PROVIDERS],
    }
    if network.storage:
        physical["storageranges"] = [
            {
                "startip": str(network.storage.addresses.first),
                "endip": str(network.storage.addresses.last),
                "netmask": str(network.storage.cidr.netmask),
                "gateway": str(network.storage.gateway),
                **({} if network.storage.vlan is None else {"vlan": str(network.storage.vlan)}),
            }
        ]
    return physical


def _clusters(pool: Pool, machines: Sequence[MachinePlan], password: str) -> list[dict[str, Any]]:
    if pool.vmware is not None:
        vmware = pool.vmware
        url = f"http://{vmware.vcenter}/{vmware.datacenter}/{vmware.cluster}"
        return [
            {
                "clustername": url.removeprefix("http://"),
                "hypervisor": "VMware",
                "clustertype": "ExternalManaged",
                "url": url,
                "hosts": [],
            }
        ]
    hosts = [
        {"url": f"http://{plan.machine.ip}", "username": pool.hosts.user, "password": password}
        for plan in machines
        if plan.role is Role.HYPERVISOR
    ]
    if pool.hypervisor is Hypervisor.SIMULATOR:
        hosts = [{"url": f"http://sim/c0/h{number}", "username": "root", "password": "password"} for number in range(2)]
    return [
        {
            "clustername": f"{pool.name}-cluster{start // CLUSTER_SIZE}",
            "hypervisor": pool.hypervisor.api_name,
            "clustertype": "CloudManaged",
            "hosts": hosts[start : start + CLUSTER_SIZE],
        }
        for start in range(0, len(hosts), CLUSTER_SIZE)
    ]


def _place_primary(
    pool: Pool, zone: dict[str, Any], clusters: list[dict[str, Any]], primary: list[dict[str, str]]
) -> None:
    """One cluster owns every export; several share them zone-wide, or have some each where the hypervisor cannot."""
    if len(clusters) == 1:
        clusters[0]["primaryStorages"] = primary
    elif pool.hypervisor is not Hypervisor.XENSERVER:
        zone["primaryStorages"] = [
            {**storage, "scope": "ZONE", "hypervisor": pool.hypervisor.api_name} for storage in primary
        ]
    elif len(primary) >= len(clusters):
        for number, cluster in enumerate(clusters):
            cluster["primaryStorages"] = primary[number :: len(clusters)]
    else:
        raise ProvisionError(
            pool.name,
            "plan",
            f"{len(clusters)} XenServer clusters need an export each, and there are {len(primary)}",
            0.0,
            f"Add exports to [storage] primary in {pool.path or pool.name}.",
            of_pool=True,
        )
