"""Who may not do what, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from cloudlab import BuiltZone, Cloud, JobFailedError, build_zone

from pytest_qacloud.rack.cloudstack import registry
from pytest_qacloud.rack.cloudstack.access import check_entities, owner_of
from pytest_qacloud.rack.cloudstack.context import Context
from pytest_qacloud.rack.cloudstack.errors import ApiError
from pytest_qacloud.rack.cloudstack.identity import Account, Owned
from pytest_qacloud.rack.cloudstack.limits import Limit, check_limit, counts, resource_of
from pytest_qacloud.rack.cloudstack.params import Params
from pytest_qacloud.rack.cloudstack.store import Entity

PERSON = {"password": "p", "email": "e", "firstname": "f", "lastname": "l"}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def divided(cloud: Cloud) -> Cloud:
    """Domain `d` with its admin `dadmin` and the user `dora`; `bob` and `bea` in ROOT."""
    domain = cloud.do("createDomain", name="d")["id"]
    cloud.account("dadmin", kind=2, domain=domain)
    cloud.account("dora", domain=domain)
    cloud.account("bob")
    cloud.account("bea")
    return cloud


def ident(cloud: Cloud, account: str) -> str:
    found = cloud.server.store.first(Account, name=account)
    assert found is not None
    return found.id


@dataclass(eq=False, kw_only=True)
class Note(Owned):
    """Something owned, for the rules of ownership alone."""

    RESPONSE: ClassVar[str] = "UserDataResponse"
    name: str


def context(cloud: Cloud, command: str, by: str) -> Context:
    return Context(cloud.server, cloud.server.schema.commands[command], cloud.user(by))


def note(cloud: Cloud, owner: str) -> Note:
    return cloud.server.store.add(Note(owner=cloud.user(owner).account, name=f"of {owner}"), cloud.clock.time)


@pytest.mark.parametrize(
    ("by", "owner", "allowed"),
    [
        ("admin", "dora", True),
        ("dadmin", "dora", True),
        ("dora", "dora", True),
        ("dadmin", "bob", False),
        ("bob", "bea", False),
        ("dora", "dadmin", False),
    ],
)
def test_only_those_in_charge_may_name_a_thing(divided: Cloud, by: str, owner: str, allowed: bool) -> None:
    ctx = context(divided, "deleteUserData", by)
    params = Params({"id": note(divided, owner)})
    if allowed:
        check_entities(ctx, ctx.command, params)
    else:
        with pytest.raises(ApiError, match="does not have permission to operate with resource") as caught:
            check_entities(ctx, ctx.command, params)
        assert caught.value.code == 531


@pytest.mark.parametrize(
    ("by", "params", "seen"),
    [
        ("admin", {}, set()),
        ("admin", {"listall": True}, {"of dora", "of bob", "of dadmin"}),
        ("admin", {"isrecursive": True}, {"of dora", "of bob", "of dadmin"}),
        ("dadmin", {}, {"of dadmin"}),
        ("dadmin", {"listall": True}, {"of dora", "of dadmin"}),
        ("bob", {"listall": True}, {"of bob"}),
        ("admin", {"account": "bob"}, {"of bob"}),
    ],
)
def test_who_sees_whose_things(divided: Cloud, by: str, params: dict[str, object], seen: set[str]) -> None:
    for owner in ("dora", "bob", "dadmin"):
        note(divided, owner)
    page = context(divided, "listUserData", by).list(Note, Params(params))
    assert {getattr(item, "name", None) for item in page.items} == seen


def test_a_domain_is_looked_into_alone_or_with_those_below(divided: Cloud) -> None:
    domain = divided.user("dora").account.domain
    below = divided.do("createDomain", name="below", parentdomainid=domain.id)["id"]
    divided.account("dave", domain=below)
    for owner in ("dora", "dave"):
        note(divided, owner)
    ctx = context(divided, "listUserData", "admin")
    assert ctx.list(Note, Params({"domainid": domain})).count == 1
    assert ctx.list(Note, Params({"domainid": domain, "isrecursive": True})).count == 2
    with pytest.raises(ApiError, match="does not have permission to access domain"):
        context(divided, "listUserData", "bob").list(Note, Params({"domainid": domain}))
    with pytest.raises(ApiError, match="could not find account nobody"):
        ctx.list(Note, Params({"account": "nobody"}))
    with pytest.raises(ApiError, match="does not have permission to operate with account"):
        context(divided, "listUserData", "bob").list(Note, Params({"account": "bea"}))


def test_for_whom_things_are_made(divided: Cloud) -> None:
    domain = divided.user("dora").account.domain
    ctx = context(divided, "registerUserData", "dadmin")
    assert owner_of(ctx, Params({})).name == "dadmin"
    assert owner_of(ctx, Params({"account": "DORA", "domainid": domain})).name == "dora"
    with pytest.raises(ApiError, match="Unable to find account nobody"):
        owner_of(ctx, Params({"account": "nobody"}))
    with pytest.raises(ApiError, match="permission denied"):
        owner_of(context(divided, "registerUserData", "bob"), Params({"account": "bea"}))


def test_limits_of_accounts_and_of_domains_above_hold(divided: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_qacloud.rack.cloudstack import limits

    monkeypatch.setitem(limits._COUNTERS, "bucket", lambda store, account: len(store.all(Note, owner=account)))
    ctx = context(divided, "createBucket", "dora")
    dora = divided.user("dora").account
    note(divided, "dora")
    divided.server.store.add(Limit(holder=dora, resource=resource_of(14), max=2), 0.0)
    check_limit(ctx, dora, "bucket")
    with pytest.raises(ApiError, match="Type = 'bucket' for Account Name = 'dora'") as caught:
        check_limit(ctx, dora, "bucket", 2)
    assert caught.value.code == 535
    note(divided, "dadmin")
    divided.server.store.add(Limit(holder=dora.domain, resource=resource_of(14), max=2), 0.0)
    with pytest.raises(ApiError, match="Type = 'bucket' for Domain Id"):
        check_limit(ctx, dora, "bucket")
    with pytest.raises(ValueError, match="there is no resource gold"):
        counts("gold")


def test_what_a_domain_admin_may_not_reach(divided: Cloud) -> None:
    by, root = "dadmin", divided.user().account.domain.id
    bob, admin_role = ident(divided, "bob"), divided.do("listRoles", name="Root Admin")[0]["id"]
    assert divided.refused("createUser", by=by, username="x", account="bob", domainid=root, **PERSON).code == 531
    assert divided.refused("createAccount", by=by, username="x", roleid=admin_role, **PERSON).code == 531
    assert divided.refused("enableAccount", by=by, id=bob).code == 531
    assert divided.refused("listAccounts", by=by, domainid=root).code == 531
    assert divided.refused("updateDomain", by="admin", id=root, name="x").code == 431
    assert divided.refused("listDomainChildren", by=by, id=root).code == 531
    assert divided.refused("listResourceLimits", by=by, domainid=root).code == 531
    own = divided.user(by).account
    limit = {"resourcetype": 0, "max": 1}
    assert divided.refused("updateResourceLimit", by=by, account="dadmin", domainid=own.domain.id, **limit).code == 531
    with pytest.raises(JobFailedError) as caught:
        divided.do("deleteAccount", by=by, id=bob)
    assert caught.value.code == 531
    with pytest.raises(JobFailedError) as caught:
        divided.do("deleteDomain", by=by, id=own.domain.id)
    assert caught.value.code == 531


def test_what_even_a_root_admin_may_not(divided: Cloud) -> None:
    root, admin = divided.user().account.domain.id, divided.user()
    assert divided.refused("updateResourceLimit", resourcetype=0, max=1, domainid=root).code == 531
    assert "Only -1" in divided.refused("updateResourceLimit", resourcetype=0, max=1, account="admin").text
    assert divided.refused("enableAccount", id=admin.account.id).code == 531
    assert divided.refused("enableAccount", account="nobody").code == 431
    with pytest.raises(JobFailedError, match="system user"):
        divided.do("disableUser", id=admin.id)
    with pytest.raises(JobFailedError, match="ROOT"):
        divided.do("deleteDomain", id=root)


def test_user_keys_are_given_in_pairs_and_once(divided: Cloud) -> None:
    bob, bea = (divided.user(name).id for name in ("bob", "bea"))
    assert "pair" in divided.refused("updateUser", id=bob, userapikey="k").text
    divided.do("updateUser", id=bob, userapikey="k", usersecretkey="s", apikeyaccess="disabled")
    assert "unique key" in divided.refused("updateUser", id=bea, userapikey="k", usersecretkey="s").text
    assert divided.refused("updateUser", id=bea, username="bob").code == 431
    other = divided.user("dora").account
    assert divided.refused("moveUser", id=bea, accountid=other.id).code == 431
    assert divided.refused("moveUser", id=bea, account="nobody").code == 530


def test_basic_zones_have_one_plain_network(cloud: Cloud) -> None:
    zone = cloud.do("createZone", name="b", dns1="1.1.1.1", internaldns1="1.1.1.1", networktype="basic")["id"]
    assert "Cannot add VLAN range" in cloud.refused("createPhysicalNetwork", name="p", zoneid=zone, vlan="1-2").text
    network = cloud.do("createPhysicalNetwork", name="p", zoneid=zone, tags="a,b")
    assert network["tags"] == "a,b"
    assert "SecurityGroupProvider" in {item["name"] for item in cloud.do("listNetworkServiceProviders")}
    assert cloud.refused("createPhysicalNetwork", name="q", zoneid=zone).code == 530
    for wrong in ({"vlan": "1-2"}, {"state": "Odd"}):
        with pytest.raises(JobFailedError) as caught:
            cloud.do("updatePhysicalNetwork", id=network["id"], **wrong)
        assert caught.value.code == 431
    assert cloud.do("updatePhysicalNetwork", id=network["id"], tags="c")["tags"] == "c"
    assert [item["id"] for item in cloud.do("listPhysicalNetworks", zoneid=zone)] == [network["id"]]


def test_hosts_name_their_cluster_in_one_way(cloud: Cloud) -> None:
    built: BuiltZone = build_zone(cloud, hosts=1, enable=False)
    where = {"zoneid": built.zone, "podid": built.pod, "hypervisor": "KVM", "url": "http://127.1.0.7"}
    login = {"username": "root", "password": "secret"}
    both = cloud.refused("addHost", **where, **login, clusterid=built.cluster, clustername="c1")
    assert "by both id and name" in both.text
    assert "Can't find cluster" in cloud.refused("addHost", **where, **login).text
    cloud.machines.running["127.1.0.7"] = True
    assert cloud.do("addHost", **where, **login, clustername="c9")[0]["clustername"] == "c9"
    assert {item["name"] for item in cloud.do("listClusters")} == {"c1", "c9"}


def test_lists_tell_of_jobs_that_are_under_way(cloud: Cloud) -> None:
    built = build_zone(cloud, hosts=2)
    job = cloud.ask("prepareHostForMaintenance", id=built.hosts[0])["jobid"]
    found = cloud.do("listHosts", id=built.hosts[0])[0]
    assert (found["jobid"], found["jobstatus"], found["resourcestate"]) == (job, 0, "PrepareForMaintenance")
    cloud.advance()
    assert "jobid" not in cloud.do("listHosts", id=built.hosts[0])[0]


def test_settlers_and_installers_are_registered_once() -> None:
    registry.load_areas()
    assert len(set(registry.settlers())) == len(registry.settlers())
    assert len(set(registry.installers())) == len(registry.installers())


def test_entities_of_nobody_are_named_by_all(cloud: Cloud) -> None:
    assert Entity(id="x").usable_by(cloud.user().account)
