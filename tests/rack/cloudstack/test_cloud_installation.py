"""What a fresh installation has: settings, offerings, guest systems, the server itself."""

from __future__ import annotations

import pytest
from cloudlab import Cloud, build_zone


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def setting(cloud: Cloud, name: str, **scope: str) -> str:
    (found,) = (item for item in cloud.do("listConfigurations", name=name, **scope) if item["name"] == name)
    return str(found["value"])


def test_settings_are_changed_and_reset(cloud: Cloud) -> None:
    assert setting(cloud, "expunge.delay") == "86400"
    changed = cloud.do("updateConfiguration", name="expunge.delay", value="60")
    assert (changed["name"], changed["value"], changed["defaultvalue"]) == ("expunge.delay", "60", "86400")
    assert setting(cloud, "expunge.delay") == "60"
    assert cloud.do("resetConfiguration", name="Expunge.Delay")["value"] == "86400", "names have no letter case"


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
        ("expunge.delay", "soon", "not a valid [Integer]"),
        ("cpu.overprovisioning.factor", "much", "not a valid [Float]"),
        ("expunge.delay", "", "not a valid [Integer]"),
        ("expunge.delay", "1_000", "not a valid [Integer]"),
        ("expunge.delay", str(2**31), "not a valid [Integer]"),
        ("expunge.interval", "0", "from 1"),
        ("vm.password.length", "5", "from 6"),
        ("cpu.overprovisioning.factor", "0", "greater than 0"),
        ("cpu.overprovisioning.factor", "Infinity", "not a valid [Float]"),
        ("cluster.cpu.allocated.capacity.disablethreshold", "1.5", "between 0 and 1"),
        ("commands.timeout", "StartCommand: 1", "does not contain '='"),
        ("commands.timeout", "A=1=2", "not properly formatted"),
        ("commands.timeout", "A=soon", "a positive integer"),
        ("allow.user.create.projects", "maybe", "not a valid [Boolean]"),
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
    assert cloud.refused("updateConfiguration", by="dadmin", name="expunge.delay", value="1").code == 431
    other = cloud.do("createDomain", name="other")["id"]
    assert cloud.refused("listConfigurations", by="dadmin", domainid=other).code == 531
    bob = cloud.account("bob")["id"]
    assert cloud.refused("listConfigurations", by="dadmin", accountid=bob).code == 531
    assert cloud.refused("updateConfiguration", by="dadmin", name="api.key.access", value="false").code == 530
    changed = cloud.do("updateConfiguration", by="dadmin", name="enable.user.2fa", value="TRUE")
    assert (changed["value"], changed["scope"], changed["id"]) == ("true", "domain", domain)
    assert setting(cloud, "enable.user.2fa") == "false"


def test_settings_by_category_group_parent_and_part_of_a_name(cloud: Cloud) -> None:
    def names(**params: object) -> set[str]:
        return {item["name"] for item in cloud.do("listConfigurations", by="admin", **params)}

    assert {"max.account.user.vms", "max.account.volumes"} <= names(category="account defaults")
    groups = cloud.do("listConfigurationGroups")
    assert (groups[0]["name"], groups[0]["subgroup"][0]["name"]) == ("Access", "Account")
    assert [item["name"] for item in cloud.do("listConfigurationGroups", group="Storage")] == ["Storage"]
    assert "max.account.volumes" in names(group="Access", subgroup="Account")
    assert cloud.refused("listConfigurations", group="Attic").code == 431
    assert cloud.refused("listConfigurations", subgroup="Attic").code == 431
    assert names(parent="storage.cleanup.enabled") >= {"storage.cleanup.interval", "storage.cleanup.delay"}
    assert names(name="expunge") > {"expunge.delay", "expunge.interval", "expunge.workers"}
    assert names(name="EXPUNGE.D") == {"expunge.delay"}
    assert "expunge.delay" not in names(keyword="account defaults")


@pytest.mark.parametrize(
    ("name", "group", "subgroup", "kind"),
    [
        ("agent.lb.enabled", "Management Server", "Agent", "Boolean"),
        ("agent.load.threshold", "Management Server", "Agent", "Range"),
        ("storage.cleanup.interval", "Infrastructure", "Primary Storage", "Number"),
        ("console.proxy.vm.userdata", "System VMs", "ConsoleProxyVM", "String"),
        ("cpu.overprovisioning.factor", "Compute", "Virtual Machine", "Decimal"),
        ("image.store.allocation.algorithm", "Infrastructure", "Secondary Storage", "Select"),
        ("endpoint.url", "Miscellaneous", "Others", "String"),
    ],
)
def test_what_is_told_of_a_setting(cloud: Cloud, name: str, group: str, subgroup: str, kind: str) -> None:
    (found,) = (item for item in cloud.do("listConfigurations", name=name) if item["name"] == name)
    assert (found["group"], found["subgroup"], found["type"]) == (group, subgroup, kind)


def test_accounts_take_settings_from_their_domains_where_that_is_enabled(cloud: Cloud) -> None:
    top = cloud.do("createDomain", name="top")["id"]
    low = cloud.do("createDomain", name="low", parentdomainid=top)["id"]
    account = cloud.account("bob", domain=low)["id"]
    name = "vmsnapshot.expire.interval"

    def change(value: int, **scope: str) -> None:
        cloud.do("updateConfiguration", name=name, value=value, **scope)

    assert cloud.do("listConfigurations", name=name, domainid=low) == [], "it is a setting of accounts"
    assert cloud.refused("updateConfiguration", name=name, value=1, domainid=low).code == 431
    assert cloud.refused("listConfigurations", name=name, domainid=low, accountid=account).code == 431
    cloud.do("updateConfiguration", name="enable.account.settings.for.domain", value="true")
    change(5, domainid=top)
    assert [setting(cloud, name, domainid=item) for item in (top, low)] == ["5", "-1"]
    assert setting(cloud, name, accountid=account) == "-1"
    cloud.do("updateConfiguration", name="enable.domain.settings.for.child.domain", value="true")
    assert [setting(cloud, name, **{kind: item}) for kind, item in (("domainid", low), ("accountid", account))] == [
        "5",
        "5",
    ]
    change(7, accountid=account)
    assert setting(cloud, name, accountid=account) == "7"
    cloud.do("resetConfiguration", name=name, accountid=account)
    assert setting(cloud, name, accountid=account) == "5"
    assert cloud.do("updateConfiguration", name=name, accountid=account)["value"] == "5", "no value, no change"


def test_pools_follow_the_factor_of_theirs_of_their_zone_or_of_all(cloud: Cloud) -> None:
    built = build_zone(cloud, hosts=1)
    name = "storage.overprovisioning.factor"

    def factor() -> float:
        return float(cloud.do("listStoragePools", id=built.pool)[0]["overprovisionfactor"])

    cloud.do("updateConfiguration", name=name, value="3")
    assert factor() == 3
    cloud.do("updateConfiguration", name=name, value="4", storageid=built.pool)
    cloud.do("updateConfiguration", name=name, value="5")
    assert factor() == 4
    cloud.do("resetConfiguration", name=name, storageid=built.pool)
    assert factor() == 5
    share = "pool.storage.allocated.capacity.disablethreshold"
    cloud.do("updateConfiguration", name=share, value="0.5", zoneid=built.zone)
    assert setting(cloud, share, storageid=built.pool) == "0.5"
    cloud.do("updateConfiguration", name="cpu.overprovisioning.factor", value="2.5", clusterid=built.cluster)
    assert cloud.do("listClusters", id=built.cluster)[0]["cpuovercommitratio"] == "2.5"


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
