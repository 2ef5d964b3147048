"""Certificates for direct downloads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cloudlab import BuiltZone, Cloud, build_zone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

UPLOAD, REVOKE = "uploadTemplateDirectDownloadCertificate", "revokeTemplateDirectDownloadCertificate"
LIST = "listTemplateDirectDownloadCertificates"


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def built(cloud: Cloud) -> BuiltZone:
    return build_zone(cloud)


def pem(cloud: Cloud, *, days: int = 10) -> str:
    """A certificate that ends that many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mirror.example.org")])
    end = datetime.fromtimestamp(cloud.clock.time, UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0xABC)
        .not_valid_before(end - timedelta(days=100))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def bare(text: str) -> str:
    return "".join(line for line in text.splitlines() if "CERTIFICATE" not in line)


def test_a_certificate_goes_to_all_hosts_and_away_again(cloud: Cloud, built: BuiltZone) -> None:
    made = cloud.do(UPLOAD, zoneid=built.zone, name="mirror", hypervisor="KVM", certificate=bare(pem(cloud)))
    assert (made["serialnum"], made["subject"], made["version"]) == ("abc", "CN=mirror.example.org", "3")
    assert [item["status"] for item in made["hostsmap"]] == ["UPLOADED", "UPLOADED"]
    (listed,) = cloud.do(LIST, zoneid=built.zone)
    assert (listed["id"], listed["alias"], "hostsmap" in listed) == (made["id"], "mirror", False)
    first, second = built.hosts
    gone = cloud.do(REVOKE, zoneid=built.zone, name="mirror", hostid=first)
    assert [(item["hostid"], item["status"]) for item in gone] == [(first, "REVOKED")]
    assert [item["hostid"] for item in cloud.do(LIST, listhosts=True)[0]["hostsmap"]] == [second]
    back = cloud.do("provisionTemplateDirectDownloadCertificate", id=made["id"], hostid=first)
    assert back["status"] == "UPLOADED"
    again = cloud.do(UPLOAD, zoneid=built.zone, name="mirror", hypervisor="KVM", certificate="-", hostid=second)
    assert [item["hostid"] for item in again["hostsmap"]] == [second]
    cloud.machines.running["127.1.0.1"] = False
    statuses = {item["hostid"]: item["status"] for item in cloud.do(REVOKE, zoneid=built.zone, id=made["id"])}
    assert statuses == {first: "FAILED", second: "REVOKED"}
    assert cloud.do("provisionTemplateDirectDownloadCertificate", id=made["id"], hostid=first)["status"] == "FAILED"


def test_wrong_certificates(cloud: Cloud, built: BuiltZone) -> None:
    right = {"zoneid": built.zone, "name": "mirror", "hypervisor": "KVM", "certificate": pem(cloud)}
    for wrong in (
        {"certificate": "XXXX"},
        {"certificate": pem(cloud, days=-1)},
        {"certificate": pem(cloud, days=200)},
        {"name": "cloud"},
        {"name": "cloudca1"},
        {"name": "a.b"},
        {"hypervisor": "VMware"},
        {"hostid": built.hosts[0]},
    ):
        assert cloud.refused(UPLOAD, **{**right, **wrong}).code == 530, wrong
    cloud.do(UPLOAD, **right)
    assert "already created" in cloud.refused(UPLOAD, **right).text
    cloud.account("joe")
    assert cloud.refused(UPLOAD, by="joe", **right).code == 432
    assert cloud.refused(REVOKE, zoneid=built.zone, name="other").code == 530
    other = cloud.do("createZone", name="z2", dns1="10.9.0.1", internaldns1="10.9.0.2", networktype="Advanced")["id"]
    made = cloud.do(LIST)[0]["id"]
    assert cloud.refused(REVOKE, zoneid=other, id=made).code == 530
