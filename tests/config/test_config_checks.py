from __future__ import annotations

import pytest
from pool_texts import edited, read, refusal

PRIMARY1 = '{ name = "primary1", path = "/export/rack1/primary1" }'
VCENTER = '[vmware]\nvcenter = "v.org"\ndatacenter = "d"\ncluster = "c"\nuser = "u"\npassword = { env = "V" }\n'


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('name = "node3"', 'name = "node2"', "machines[2].name", "node2 is already that of another machine"),
        ('"52:54:00:aa:01:03"', '"52-54-00-AA-01-02"', "machines[2].mac", "already that of node2"),
        ('ip = "10.1.0.12"', 'ip = "10.1.0.11"', "machines[2].ip", "already that of node2"),
        ('"10.1.9.12"', '"10.1.9.11"', "machines[2].bmc.address", "10.1.9.11:623 is already that of node2"),
        ('ip = "10.1.0.12"', 'ip = "10.1.0.60"', "machines[2].ip", "outside network.management.machines"),
        ('machines = "10.1.0.10-10.1.0.49"', 'machines = "10.1.0.10-10.1.0.100"', "network.management.system_vms",
         "would give a machine's address to a system VM"),
        ('machines = "10.1.0.10-10.1.0.49"', 'machines = "10.1.0.1-10.1.0.49"', "network.management.machines",
         "holds the gateway 10.1.0.1"),
        ('system_vms = "10.1.0.100-10.1.0.149"', 'system_vms = "10.1.0.100-10.1.0.255"',
         "network.management.system_vms", "stay between 10.1.0.1 and 10.1.0.254"),
        ('addresses = "10.1.1.50-10.1.1.199"', 'addresses = "10.1.1.50-10.1.2.1"', "network.public.addresses",
         "does not fit into 10.1.1.0/24"),
        ('gateway = "10.1.2.1"', 'gateway = "10.1.1.1"', "network.storage.gateway", "no host address of 10.1.2.0/24"),
        ('gateway = "10.1.1.1"', 'gateway = "10.1.1.0"', "network.public.gateway", "between 10.1.1.1 and 10.1.1.254"),
        ('cidr = "10.101.0.0/16"', 'cidr = "10.0.0.0/8"', "network.guest.cidr", "overlaps network.management.cidr"),
        ('cidr = "10.101.0.0/16"', 'cidr = "10.1.2.128/25"', "network.guest.cidr", "overlaps network.storage.cidr"),
        ("vlan = 102", "vlan = 101", "network.storage.vlan", "network.public's already"),
        ("# vlan = 100 ", "vlan = 250 ", "network.management.vlan", "lies in network.guest.vlans (200-299)"),
        ('role = "management"', 'role = "hypervisor"', "machines", 'no machine has role = "management"'),
        ('role = "spare"', 'role = "management"', "machines[5].role", "node1 is the management machine already"),
        ('role = "hypervisor"', 'role = "spare"', "machines", 'no machine has role = "hypervisor"'),
        ('role = "spare"', 'role = "storage"', "cobbler.profiles.storage", "node6 may be a storage"),
        ('hypervisor = "debian12-kvm"', "", "cobbler.profiles.hypervisor", "node2, node3, node4, node5, node6 may be"),
        ('dns = ["10.1.0.2"]', 'dns = ["10.1.0.2", "10.1.0.149"]', "network.dns[1]", "network.management.system_vms"),
        ('server = "10.1.0.3"', 'server = "10.1.2.100"', "storage.server", "network.storage.addresses"),
        ('address = "10.1.9.12"', 'address = "10.1.1.60"', "machines[2].bmc.address", "network.public.addresses"),
        ("/export/rack1/secondary1", "/export/rack1/primary1", "storage.secondary.path", "primary1's path too"),
        ("/export/rack1/secondary1", "/export/rack1/primary1/s", "storage.secondary.path", "put them side by side"),
        ("/export/rack1/secondary1", "/export/rack1", "storage.secondary.path", "lie one in the other"),
        ('name = "primary2"', 'name = "primary1"', "storage.primary[1].name", "names another export too"),
        ('hypervisor = "kvm" ', 'hypervisor = "vmware" ', "vmware", "add the table [vmware]"),
        ("[hosts]", f"{VCENTER}[hosts]", "vmware", "take the table out"),
        ('# ca_file = "rack1/ca.pem"        # with', 'ca_file = "ca.pem" #', "management.ca_file", "add tls = true"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(old: str, new: str, key: str, said: str) -> None:
    message = str(refusal(edited((old, new))))
    assert f" {key}: " in message
    assert said in message


def test_the_line_is_that_of_the_wrong_key() -> None:
    text = edited(('ip = "10.1.0.12"', 'ip = "10.1.0.60"'))
    error = refusal(text)
    assert error.line is not None
    assert text.splitlines()[error.line - 1] == 'ip = "10.1.0.60"'


@pytest.mark.parametrize(
    "pairs",
    [
        [('hypervisor = "kvm" ', 'hypervisor = "simulator" '), ('role = "hypervisor"', 'role = "spare"'),
         ('hypervisor = "debian12-kvm"', "")],
        [('hypervisor = "kvm" ', 'hypervisor = "vmware" '), ("[hosts]", f"{VCENTER}[hosts]")],
        [('role = "spare"', 'role = "storage"\nprofile = "debian12-nfs"')],
        [('server = "10.1.0.3"', 'server = "nfs.example.org"')],
        [("/export/rack1/secondary1", "/export/rack1/primary10")],
        [('address = "10.1.9.12"', 'address = "10.1.9.11", port = 624')],
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_read(pairs: list[tuple[str, str]]) -> None:
    assert read(edited(*pairs)).name == "rack1"
