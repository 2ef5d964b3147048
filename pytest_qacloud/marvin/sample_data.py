"""Test data of our own, under the keys by which suites ask Marvin's test client for it.

A zone whose configuration names a file as `TestData.Path` gets that file's content instead.
"""

from typing import Any

SAMPLE_DATA: dict[str, Any] = {
    "domain": {"name": "qacloud-domain"},
    "account": {
        "email": "suite@example.org",
        "firstname": "Suite",
        "lastname": "Account",
        "username": "suite",
        "password": "a-password-of-test-accounts",
    },
    "service_offering": {"name": "Tiny", "displaytext": "Tiny", "cpunumber": 1, "cpuspeed": 100, "memory": 128},
    "disk_offering": {"name": "Disk", "displaytext": "1 GiB", "disksize": 1},
    "isolated_network": {"name": "Isolated", "displaytext": "Isolated network"},
    "shared_network": {
        "name": "Shared",
        "displaytext": "Shared network",
        "gateway": "172.31.7.1",
        "netmask": "255.255.255.0",
        "startip": "172.31.7.10",
        "endip": "172.31.7.50",
    },
    "vpc": {"name": "VPC", "displaytext": "VPC", "cidr": "10.20.0.0/16"},
    "virtual_machine": {
        "displayname": "Test VM",
        "username": "root",
        "ssh_port": 22,
        "privateport": 22,
        "publicport": 22,
    },
    "natrule": {"privateport": 22, "publicport": 22, "protocol": "TCP"},
    "lbrule": {"name": "SSH", "alg": "leastconn", "privateport": 22, "publicport": 2222, "protocol": "TCP"},
    "volume": {"diskname": "Test volume"},
    "iso": {
        "name": "ISO",
        "displaytext": "Test ISO",
        "url": "http://people.apache.org/~tsp/dummy.iso",
        "bootable": False,
        "ispublic": False,
        "ostype": "Other (64-bit)",
    },
}
