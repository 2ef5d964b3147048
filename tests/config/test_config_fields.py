from __future__ import annotations

import base64
import re
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.config import fields
from pytest_qacloud.model import AddressRange, Role, VlanRange

if TYPE_CHECKING:
    from collections.abc import Callable


def host_key(kind: str, length: int = 32) -> str:
    body = len(kind).to_bytes(4, "big") + kind.encode() + length.to_bytes(4, "big") + bytes(length)
    return f"{kind} {base64.b64encode(body).decode()}"


ED25519 = host_key("ssh-ed25519")
http = fields.url_parser("https", "http")
download = fields.url_parser("https", "http", "file")


@pytest.mark.parametrize(
    ("parse", "given", "meant"),
    [
        (fields.parse_pool_name, "rack1.a_b-2", "rack1.a_b-2"),
        (fields.parse_tags, ["kvm", "nightly"], frozenset({"kvm", "nightly"})),
        (fields.parse_label, "node-1", "node-1"),
        (fields.parse_domain, "rack1.example.org", "rack1.example.org"),
        (fields.parse_host, "BMC-7.example.org", "BMC-7.example.org"),
        (fields.parse_host, "10.0.0.7", "10.0.0.7"),
        (fields.parse_address, "127.5.0.1", IPv4Address("127.5.0.1")),
        (fields.parse_network, "10.1.0.0/24", IPv4Network("10.1.0.0/24")),
        (fields.parse_range, "10.1.0.9 - 10.1.0.9", AddressRange(IPv4Address("10.1.0.9"), IPv4Address("10.1.0.9"))),
        (fields.parse_vlans, "1-4094", VlanRange(1, 4094)),
        (fields.parse_mac, "52-54-00-AA-BB-CC", "52:54:00:aa:bb:cc"),
        (fields.parse_cipher_suite, 3, 3),
        (fields.parse_cipher_suite, 17, 17),
        (fields.parse_checksum, "SHA256:" + "AB" * 32, "sha256:" + "ab" * 32),
        (fields.parse_host_key, f"{ED25519} root@bastion", ED25519),
        (fields.parse_export_path, "/export//primary/", "/export/primary"),
        (http, "https://appliance:8443/cobbler_api", "https://appliance:8443/cobbler_api"),
        (download, "file:///srv/template.qcow2", "file:///srv/template.qcow2"),
        (fields.parse_store, "sqlite:////var/lib/leases.db", "sqlite:////var/lib/leases.db"),
        (fields.parse_store, "postgresql://me@db:5432/leases", "postgresql://me@db:5432/leases"),
        (fields.choice(Role), "spare", Role.SPARE),
    ],
)
def test_what_is_right_is_read(parse: Callable[[object], object], given: object, meant: object) -> None:
    assert parse(given) == meant


@pytest.mark.parametrize(
    ("parse", "given", "said"),
    [
        (fields.parse_text, 7, "text in quotes"),
        (fields.parse_text, " x", "without spaces"),
        (fields.parse_text, "two\nlines", "one line"),
        (fields.parse_text, "", "not empty"),
        (fields.parse_pool_name, "any", "whichever pool is free"),
        (fields.parse_pool_name, "../rack", "such as rack1"),
        (fields.parse_pool_name, "a,b", "such as rack1"),
        (fields.parse_tags, "kvm", "must be a list"),
        (fields.parse_tags, ["a b"], "such as nightly"),
        (fields.parse_label, "Node1", "lower case"),
        (fields.parse_label, "node1.example.org", "without dots"),
        (fields.parse_label, "-node", "short host name"),
        (fields.parse_domain, "rack1..org", "no domain"),
        (fields.parse_domain, ".".join(["a" * 60] * 4), "no domain"),
        (fields.parse_host, "http://bmc", "leave out any scheme"),
        (fields.parse_host, "10.0.0.256", "from 0 to 255"),
        (fields.parse_host, "10.0.7", "no IPv4 address"),
        (fields.parse_address, "fe80::1", "no IPv4 address"),
        (fields.parse_network, "10.1.0.0", "prefix of 8 to 30"),
        (fields.parse_network, "10.1.0.0/31", "prefix of 8 to 30"),
        (fields.parse_network, "10.1.0.7/24", 'write "10.1.0.0/24"'),
        (fields.parse_network, "10.1.x.0/24", "no IPv4 address"),
        (fields.parse_range, "10.1.0.7", "first and the last"),
        (fields.parse_range, "10.1.0.9-10.1.0.7", 'write "10.1.0.7-10.1.0.9"'),
        (fields.parse_vlans, "300-200", "no range of VLANs"),
        (fields.parse_vlans, "200-4095", "from 1 to 4094"),
        (fields.parse_vlans, "0-9", "from 1 to 4094"),
        (fields.parse_mac, "52:54:00:aa:bb", "six pairs"),
        (fields.parse_mac, "01:00:5e:00:00:01", "multicast"),
        (fields.parse_mac, "00:00:00:00:00:00", "all zeros"),
        (fields.parse_cipher_suite, 0, "without a password"),
        (fields.parse_cipher_suite, 1, "neither encrypts"),
        (fields.parse_cipher_suite, 2, "does not encrypt"),
        (fields.parse_cipher_suite, 8, "MD5"),
        (fields.parse_cipher_suite, 15, "neither encrypts"),
        (fields.parse_cipher_suite, 16, "does not encrypt"),
        (fields.parse_cipher_suite, 18, "RC4"),
        (fields.parse_cipher_suite, 20, "not one of the IPMI"),
        (fields.parse_cipher_suite, True, "must be a number"),
        (fields.parse_cipher_suite, "3", "must be a number"),
        (fields.parse_checksum, "md5:" + "ab" * 16, "sha256sum FILE"),
        (fields.parse_checksum, "sha512:" + "ab" * 32, "sha256sum FILE"),
        (fields.parse_host_key, "ssh-dss AAAA", "ssh-keyscan"),
        (fields.parse_host_key, "ssh-ed25519", "ssh-keyscan"),
        (fields.parse_host_key, "ssh-ed25519 AAA", "ssh-keyscan"),
        (fields.parse_host_key, ED25519[:40], "ssh-keyscan"),
        (fields.parse_host_key, host_key("ssh-ed25519", 4), "cut short"),
        (fields.parse_host_key, ED25519.replace("ssh-ed25519", "ssh-rsa"), "no ssh-rsa key"),
        (fields.parse_export_path, "export/primary", "absolute path"),
        (fields.parse_export_path, "/export/../etc", "absolute path"),
        (fields.parse_export_path, "//server/share", "absolute path"),
        (fields.parse_export_path, "/", "every run does"),
        (fields.parse_export_path, "/export", "every run does"),
        (fields.parse_export_path, "/etc/cloudstack", "every run does"),
        (http, "ftp://host/x", "https://… or http://…"),
        (http, "appliance/cobbler_api", "https://… or http://…"),
        (http, "http://", "no URL"),
        (http, "http://host:99999/", "no URL"),
        (http, "http://ho st/", "no URL"),
        (http, "file:///x", "no URL"),
        (http, "http://under_score/", "neither a host name"),
        (download, "file://host/x", "no URL"),
        (fields.parse_store, "leases.db", "no SQLAlchemy URL"),
        (fields.choice(Role), "hipervisor", 'did you mean "hypervisor"?'),
        (fields.choice(Role), ["spare"], "none of management"),
    ],
)
def test_what_is_wrong_is_refused_with_what_to_write(
    parse: Callable[[object], object], given: object, said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse(given)


@pytest.mark.parametrize(
    ("parse", "given"),
    [
        (http, "http://me:hunter2@proxy:3128"),
        (fields.parse_store, "postgresql://me:hunter2@db/leases"),
        (fields.parse_store, "postgresql://db/leases?user=me&password=hunter2"),
        (fields.parse_host_key, "hunter2"),
    ],
)
def test_no_message_repeats_a_password(parse: Callable[[object], object], given: str) -> None:
    with pytest.raises(ValueError, match=r"password|login|public key") as caught:
        parse(given)
    assert "hunter2" not in str(caught.value)


@given(st.integers(0, 2**48 - 1))
def test_a_mac_is_read_unless_it_is_multicast_or_zero(number: int) -> None:
    text = ":".join(f"{byte:02x}" for byte in number.to_bytes(6, "big"))
    if number == 0 or number >> 40 & 1:
        with pytest.raises(ValueError, match=r"multicast|zeros"):
            fields.parse_mac(text)
    else:
        assert fields.parse_mac(text.upper()) == text


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_a_range_is_read_as_it_is_written(one: IPv4Address, other: IPv4Address) -> None:
    found = AddressRange(min(one, other), max(one, other))
    assert fields.parse_range(str(found)) == found
