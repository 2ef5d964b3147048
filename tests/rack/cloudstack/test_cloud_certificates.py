"""The certificate authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cloudlab import Cloud, JobFailedError, build_zone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@pytest.fixture
def cloud() -> Cloud:
    """With keys of half the usual size, which are made sooner."""
    made = Cloud()
    made.do("updateConfiguration", name="ca.framework.cert.keysize", value="1024")
    return made


def root_of(cloud: Cloud, *, by: str = "admin") -> x509.Certificate:
    return x509.load_pem_x509_certificate(cloud.do("listCaCertificate", by=by)["certificate"].encode())


def issued(cloud: Cloud, **params: Any) -> tuple[x509.Certificate, dict[str, Any]]:
    reply = cloud.do("issueCertificate", **params)
    return x509.load_pem_x509_certificate(reply["certificate"].encode()), reply


def name_of(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def why(cloud: Cloud, command: str, **params: Any) -> int:
    with pytest.raises(JobFailedError) as failed:
        cloud.do(command, **params)
    return int(failed.value.code)


def test_the_authority_is_one_for_all(cloud: Cloud) -> None:
    cloud.account("joe")
    root = root_of(cloud)
    assert root.subject == root.issuer
    assert name_of(root) == "ca.cloudstack.apache.org"
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is True
    assert root == root_of(cloud, by="joe")
    root.verify_directly_issued_by(root)
    assert [item["name"] for item in cloud.do("listCAProviders")] == ["root"]
    assert cloud.do("listCAProviders", name="acme") == []
    assert cloud.refused("listCAProviders", by="joe").code == 432
    assert cloud.refused("listCaCertificate", provider="acme").code == 530


def test_a_certificate_with_a_new_key(cloud: Cloud) -> None:
    made, reply = issued(cloud, domain="a.example.org, b.example.org", ipaddress="10.1.1.1", duration=7)
    made.verify_directly_issued_by(root_of(cloud))
    assert name_of(made) == "a.example.org"
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example.org", "b.example.org"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("10.1.1.1")]
    key = serialization.load_pem_private_key(reply["privatekey"].encode(), None)
    assert key.public_key() == made.public_key()
    assert made.not_valid_after_utc - datetime.fromtimestamp(cloud.clock.time, UTC) <= timedelta(days=7)
    assert x509.load_pem_x509_certificate(reply["cacertificates"].encode()) == root_of(cloud)


def test_a_certificate_for_a_signing_request(cloud: Cloud) -> None:
    key = rsa.generate_private_key(65537, 2048)
    names = [x509.DNSName("c.example.org"), x509.IPAddress(ip_address("10.1.1.3"))]
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "v-1-VM")]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = csr.public_bytes(serialization.Encoding.PEM).decode()
    made, reply = issued(cloud, csr=text, domain="d.example.org")
    made.verify_directly_issued_by(root_of(cloud))
    assert (name_of(made), made.public_key()) == ("v-1-VM", key.public_key())
    assert "privatekey" not in reply
    others = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert others.get_values_for_type(x509.DNSName) == ["d.example.org", "c.example.org"]
    assert others.get_values_for_type(x509.IPAddress) == [ip_address("10.1.1.3")]


def test_what_is_not_issued(cloud: Cloud) -> None:
    for wrong, code in (
        ({}, 431),
        ({"csr": "nothing"}, 530),
        ({"domain": "x.example.org", "provider": "acme"}, 530),
        ({"domain": "x.example.org", "ipaddress": "10.1.1"}, 530),
        ({"domain": "x" * 80}, 530),
        ({"domain": "x.example.org", "duration": -5}, 530),
        ({"domain": "x.example.org", "duration": 9_999_999}, 530),
    ):
        assert why(cloud, "issueCertificate", **wrong) == code, wrong
    cloud.account("joe")
    assert cloud.refused("issueCertificate", by="joe", domain="x.example.org").code == 432
    cloud.do("updateConfiguration", name="ca.framework.cert.signature.algorithm", value="MD2withRSA")
    assert why(cloud, "issueCertificate", domain="x.example.org") == 530


def test_an_authority_that_cannot_be_made(cloud: Cloud) -> None:
    cloud.do("updateConfiguration", name="ca.plugin.root.issuer.dn", value="nobody")
    assert cloud.refused("listCaCertificate").code == 530


def test_revocations(cloud: Cloud) -> None:
    assert cloud.do("revokeCertificate", serial="0ABC123", cn="example.org") is True
    assert cloud.do("revokeCertificate", serial="abc123") is True
    assert why(cloud, "revokeCertificate", serial="xyz") == 431
    assert why(cloud, "revokeCertificate", serial="abc", provider="acme") == 530


def test_certificates_on_hosts(cloud: Cloud) -> None:
    built = build_zone(cloud, hosts=1)
    cloud.advance(5)
    host = built.hosts[0]
    assert cloud.do("provisionCertificate", hostid=host, reconnect=True) is True
    assert cloud.do("listHosts", id=host)[0]["details"]["secured"] == "true"
    agent = cloud.do("listHosts", type="SecondaryStorageVM")[0]["id"]
    cloud.do("provisionCertificate", hostid=agent, reconnect=True)
    assert cloud.do("listHosts", id=agent)[0]["state"] == "Up", "a real agent comes back by itself"
    cloud.machines.running["127.1.0.1"] = False
    assert why(cloud, "provisionCertificate", hostid=host) == 530
