"""What a fresh installation has: settings, offerings, guest systems, the server itself."""

from __future__ import annotations

import pytest
from cloudlab import Cloud, build_zone


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def setting(cloud: Cloud, name: str, **scope: str) -> str:
    found = cloud.do("listConfigurations", name=name, **scope)
    assert len(found) == 1
    return str(found[0]["value"])


def test_settings_are_changed_and_reset(cloud: Cloud) -> None:
    assert setting(cloud, "expunge.delay") == "86400"
    changed = cloud.do("updateConfiguration", name="expunge.delay", value="60")
    assert (changed["name"], changed["value"], changed["defaultvalue"]) == ("expunge.delay", "60", "86400")
    assert setting(cloud, "expunge.delay") == "60"
    assert cloud.do("resetConfiguration", name="expunge.delay")["value"] == "86400"


def test_settings_have_scopes(cloud: Cloud) -> None:
    zone = build_zone(cloud, hosts=1, enable=False).zone
    cloud.do("updateConfiguration", name="network.throttling.rate", value="10", zoneid=zone)
    assert setting(cloud, "network.throttling.rate", zoneid=zone) == "10"
    assert setting(cloud, "network.throttling.rate") == "200"
    assert "scope" in cloud.refused("updateConfiguration", name="expunge.delay", value="1", zoneid=zone).text
    cloud.do("resetConfiguration", name="network.throttling.rate", zoneid=zone)
    assert setting(cloud, "network.throttling.rate", zoneid=zone) == "200"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("no.such.setting", "1", "doesn't exist"),
        ("expunge.delay", "soon", "of type Integer"),
        ("cpu.overprovisioning.factor", "much", "of type Float"),
        ("allow.user.create.projects", "maybe", "of type Boolean"),
    ],
)
def test_wrong_settings_are_refused(cloud: Cloud, name: str, value: str, text: str) -> None:
    error = cloud.refused("updateConfiguration", name=name, value=value)
    assert (error.code, text in error.text) == (431, True)


def test_a_domain_admin_sees_and_changes_its_domains_settings(cloud: Cloud) -> None:
    domain = cloud.do("createDomain", name="d")["id"]
    cloud.account("dadmin", kind=2, domain=domain)
    rows = cloud.do("listConfigurations", by="dadmin", keyword="api.key.access")
    assert all(item["scope"] == "domain" for item in rows)
    assert cloud.refused("updateConfiguration", by="dadmin", name="expunge.delay", value="1").code == 531


def test_settings_by_category(cloud: Cloud) -> None:
    rows = cloud.do("listConfigurations", category="account defaults")
    assert {"max.account.user.vms", "max.account.volumes"} <= {item["name"] for item in rows}
    assert "Account Defaults" in {item["name"] for item in cloud.do("listConfigurationGroups")}


def test_capabilities_follow_the_settings(cloud: Cloud) -> None:
    assert cloud.do("listCapabilities")["cloudstackversion"] == "4.22.0.0"
    before = cloud.do("listCapabilities")["allowusercreateprojects"]
    cloud.do("updateConfiguration", name="allow.user.create.projects", value=str(not before).lower())
    assert cloud.do("listCapabilities")["allowusercreateprojects"] is not before


def test_default_offerings(cloud: Cloud) -> None:
    assert [item["name"] for item in cloud.do("listServiceOfferings")] == ["Small Instance", "Medium Instance"]
    systems = cloud.do("listServiceOfferings", issystem="true", systemvmtype="domainrouter")
    assert [item["systemvmtype"] for item in systems] == ["domainrouter"]
    assert [item["disksize"] for item in cloud.do("listDiskOfferings")] == [5, 20, 100, 0]
    isolated = cloud.do("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService")[0]
    assert (isolated["state"], isolated["guestiptype"], isolated["availability"]) == ("Enabled", "Isolated", "Required")
    assert {"SourceNat", "StaticNat", "Lb"} <= {item["name"] for item in isolated["service"]}


def test_network_offerings_are_found_by_what_they_offer(cloud: Cloud) -> None:
    def names(**params: str) -> set[str]:
        return {item["name"] for item in cloud.do("listNetworkOfferings", **params)}

    assert len(names(forvpc="true")) == 3
    assert names(supportedservices="SourceNat,Firewall") == {"DefaultIsolatedNetworkOfferingWithSourceNatService"}
    assert all("L2" in name for name in names(guestiptype="L2"))
    assert names(sourcenatsupported="true", forvpc="false") == {"DefaultIsolatedNetworkOfferingWithSourceNatService"}
    assert names(istagged="true") == set()


def test_guest_systems(cloud: Cloud) -> None:
    category = cloud.do("listOsCategories", name="Ubuntu")[0]["id"]
    found = cloud.do("listOsTypes", oscategoryid=category)
    assert all(item["oscategoryname"] == "Ubuntu" for item in found)
    added = cloud.do("addGuestOs", oscategoryid=category, osdisplayname="Ubuntu 30.04")
    assert cloud.do("listOsTypes", description="Ubuntu 30.04")[0]["isuserdefined"] is True
    cloud.do("removeGuestOs", id=added["id"])
    assert cloud.do("listOsTypes", description="Ubuntu 30.04") == []


def test_the_server_itself(cloud: Cloud) -> None:
    assert cloud.do("listManagementServers")[0]["version"] == "4.22.0.0"
    assert [item["name"] for item in cloud.do("listRegions")] == ["Local"]
    assert "KVM" in {item["name"] for item in cloud.do("listHypervisors")}
    kvm = cloud.do("listHypervisorCapabilities", hypervisor="kvm")[0]
    changed = cloud.do("updateHypervisorCapabilities", id=kvm["id"], maxguestslimit=99)
    assert changed["maxguestslimit"] == 99


def test_alerts(cloud: Cloud) -> None:
    cloud.do("generateAlert", type=7, name="x", description="a host is hot")
    found = cloud.do("listAlerts")
    assert [(item["type"], item["description"]) for item in found] == [(7, "a host is hot")]
    cloud.do("archiveAlerts", ids=found[0]["id"])
    assert cloud.do("listAlerts") == []
    cloud.do("generateAlert", type=1, name="x", description="cpu")
    cloud.do("deleteAlerts", type="1")
    assert cloud.do("listAlerts") == []
    assert cloud.refused("deleteAlerts").code == 431
    assert {"type": 7, "name": "ALERT.COMPUTE.HOST"} in cloud.do("listAlertTypes")


def test_template_filters(cloud: Cloud) -> None:
    built = build_zone(cloud)
    cloud.account("bob")
    assert len(cloud.do("listTemplates", by="bob", templatefilter="featured")) == 1
    assert cloud.do("listTemplates", by="bob", templatefilter="self") == []
    assert len(cloud.do("listTemplates", by="bob", templatefilter="executable", zoneid=built.zone)) == 1
    assert cloud.do("listTemplates", templatefilter="community") == []
    assert len(cloud.do("listTemplates", templatefilter="all", isready="true")) == 1
    assert cloud.refused("listTemplates", by="bob", templatefilter="all").code == 431
    assert "possible values" in cloud.refused("listTemplates", templatefilter="nice").text
