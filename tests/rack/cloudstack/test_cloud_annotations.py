"""Comments on things, and who may write and read them."""

from __future__ import annotations

import pytest
from cloudlab import Cloud, build_zone

ZONE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def cloud() -> Cloud:
    made = Cloud()
    made.account("joe")
    made.account("ann")
    return made


def key_of(cloud: Cloud, name: str) -> str:
    cloud.do("registerSSHKeyPair", by=name, name="k", publickey=f"ssh-rsa {name}")
    return str(cloud.do("listSSHKeyPairs", by=name)[0]["id"])


def test_the_newest_comment_is_shown_on_a_host(cloud: Cloud) -> None:
    host = build_zone(cloud, hosts=1).hosts[0]
    assert cloud.do("listHosts", id=host)[0]["hasannotations"] is False
    first = cloud.do("addAnnotation", entitytype="HOST", entityid=host, annotation="old")
    cloud.clock.time += 1
    cloud.do("updateHost", id=host, annotation="new")
    shown = cloud.do("listHosts", id=host)[0]
    assert (shown["annotation"], shown["hasannotations"]) == ("new", True)
    assert shown["lastannotated"] > first["created"]
    listed = cloud.do("listAnnotations", entitytype="HOST", entityid=host)
    assert [item["annotation"] for item in listed] == ["new", "old"]
    assert listed[0]["username"] == "admin"
    removed = cloud.do("removeAnnotation", id=listed[0]["id"])
    assert removed["removed"]
    assert cloud.do("listHosts", id=host)[0]["annotation"] == "old"


def test_a_user_comments_on_its_own_things_only(cloud: Cloud) -> None:
    mine, other = key_of(cloud, "joe"), key_of(cloud, "ann")
    made = cloud.do("addAnnotation", by="joe", entitytype="SSH_KEYPAIR", entityid=mine, annotation="mine")
    cloud.do("addAnnotation", by="ann", entitytype="SSH_KEYPAIR", entityid=other, annotation="hers")
    for kind, entity in (("SSH_KEYPAIR", other), ("SSH_KEYPAIR", "none"), ("ZONE", ZONE), ("DOMAIN", ZONE)):
        assert cloud.refused("addAnnotation", by="joe", entitytype=kind, entityid=entity, annotation="x").code == 530
    assert [item["annotation"] for item in cloud.do("listAnnotations", by="joe")] == ["mine"]
    assert cloud.do("listAnnotations", by="ann", entityid=mine) == []
    assert len(cloud.do("listAnnotations")) == 2
    assert [item["annotation"] for item in cloud.do("listAnnotations", keyword="HER")] == ["hers"]
    assert cloud.do("listAnnotations", annotationfilter="self") == []
    assert len(cloud.do("listAnnotations", userid=cloud.user("joe").id)) == 1
    assert cloud.refused("removeAnnotation", by="ann", id=made["id"]).code == 530
    assert cloud.do("removeAnnotation", by="joe", id=made["id"])["id"] == made["id"]


def test_a_comment_for_administrators(cloud: Cloud) -> None:
    key = key_of(cloud, "joe")
    made = cloud.do("addAnnotation", entitytype="SSH_KEYPAIR", entityid=key, annotation="secret", adminsonly=True)
    assert cloud.do("listAnnotations", by="joe", entityid=key, entitytype="SSH_KEYPAIR") == []
    assert cloud.refused("updateAnnotationVisibility", by="joe", id=made["id"], adminsonly=False).code == 432
    cloud.do("updateAnnotationVisibility", id=made["id"], adminsonly=False)
    assert len(cloud.do("listAnnotations", by="joe", entityid=key)) == 1
    assert cloud.refused("updateAnnotationVisibility", id="nothing", adminsonly=True).code == 530


def test_comments_go_with_what_they_are_on(cloud: Cloud) -> None:
    cloud.do("addAnnotation", entitytype="SSH_KEYPAIR", entityid=key_of(cloud, "joe"), annotation="x")
    cloud.do("addAnnotation", entitytype="VM", entityid="not-there", annotation="administrators may")
    cloud.do("deleteSSHKeyPair", by="joe", name="k")
    assert [item["entityid"] for item in cloud.do("listAnnotations")] == ["not-there"]


def test_a_domain_admin_comments_on_its_domain(cloud: Cloud) -> None:
    domain = cloud.do("createDomain", name="d")["id"]
    cloud.account("boss", kind=2, domain=domain)
    root = cloud.do("listDomains", name="ROOT")[0]["id"]
    cloud.do("addAnnotation", by="boss", entitytype="DOMAIN", entityid=domain, annotation="x")
    assert cloud.refused("addAnnotation", by="boss", entitytype="DOMAIN", entityid=root, annotation="x").code == 530


def test_what_nobody_can_comment_on(cloud: Cloud) -> None:
    assert cloud.refused("addAnnotation", entitytype="WEATHER", entityid="x").code == 530
    assert cloud.refused("addAnnotation", entitytype="HOST").code == 530
    assert cloud.refused("listAnnotations", id="x", entityid="y").code == 530
    assert cloud.refused("listAnnotations", by="joe", entitytype="WEATHER").code == 530
    assert cloud.refused("removeAnnotation", id="nothing").code == 530
