"""The store, jobs, lists, events and the API's description of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from cloudlab import Cloud, JobFailedError, build_zone

from pytest_qacloud.rack.cloudstack import registry, schema
from pytest_qacloud.rack.cloudstack.errors import NOT_SIMULATED, ApiError
from pytest_qacloud.rack.cloudstack.store import Entity, OnRemove, Store, relation


@dataclass(eq=False, kw_only=True)
class Shelf(Entity):
    LABEL: ClassVar[str] = "Shelf"
    name: str


@dataclass(eq=False, kw_only=True)
class Book(Entity):
    LABEL: ClassVar[str] = "Book"
    name: str
    shelf: Shelf | None = relation(OnRemove.CASCADE, optional=True)
    lender: Shelf | None = relation(OnRemove.CLEAR, optional=True)


@dataclass(eq=False, kw_only=True)
class Loan(Entity):
    book: Book = relation()
    gone: ClassVar[list[str]] = []

    def on_removed(self) -> None:
        self.gone.append(self.id)


@pytest.fixture
def store() -> Store:
    return Store()


def test_a_relation_gives_id_and_name(store: Store) -> None:
    shelf = store.add(Shelf(name="s"), 1.0)
    book = store.add(Book(name="b", shelf=shelf), 2.0)
    assert [getattr(book, name) for name in ("shelfid", "shelfname", "lenderid")] == [shelf.id, "s", None]


def test_what_is_in_use_stays_with_all_that_would_cascade(store: Store) -> None:
    shelf = store.add(Shelf(name="s"), 1.0)
    book = store.add(Book(name="b", shelf=shelf), 1.0)
    loan = store.add(Loan(book=book), 1.0)
    with pytest.raises(ApiError, match=r"Book b cannot be removed: Loan .* still uses it") as caught:
        store.remove(shelf)
    assert caught.value.code == 536
    assert all(entity in store for entity in (shelf, book, loan))
    store.remove(loan)
    store.remove(shelf)
    assert not any(entity in store for entity in (shelf, book, loan))
    assert loan.id in Loan.gone


def test_a_cleared_relation_is_forgotten(store: Store) -> None:
    shelf = store.add(Shelf(name="s"), 1.0)
    book = store.add(Book(name="b", lender=shelf), 1.0)
    store.remove(shelf)
    assert book in store
    assert book.lender is None


def test_guards_among_the_doomed_do_not_count(store: Store) -> None:
    shelf = store.add(Shelf(name="s"), 1.0)
    first = store.add(Book(name="b", shelf=shelf), 1.0)

    @dataclass(eq=False, kw_only=True)
    class Label(Entity):
        shelf: Shelf = relation(OnRemove.CASCADE)
        book: Book = relation()

    label = store.add(Label(shelf=shelf, book=first), 1.0)
    store.remove(shelf)
    assert label not in store


def test_only_the_newest_lines_are_kept(store: Store) -> None:
    shelves = [store.add(Shelf(name=str(number)), 1.0) for number in range(5)]
    store.trim(Shelf, 2)
    assert store.all(Shelf) == shelves[3:]


def test_every_implemented_command_is_cloudstacks_and_no_two_areas_claim_one() -> None:
    assert registry.implemented() <= set(schema.load().commands)
    with pytest.raises(ValueError, match="has an implementation already"):
        registry.command("listZones")(lambda ctx, params: True)
    with pytest.raises(ValueError, match="CloudStack has no command makeCoffee"):
        registry.command("makeCoffee")


def test_a_command_that_is_not_simulated_says_so() -> None:
    cloud = Cloud()
    missing = sorted(set(schema.load().commands) - registry.implemented() - {"login", "logout"})
    error = cloud.refused(missing[0])
    assert error.code == 530
    assert error.text.startswith(NOT_SIMULATED)


def test_list_apis_describes_everything() -> None:
    reply = Cloud().ask("listApis")
    assert reply["count"] == len(reply["api"]) == len(schema.load().commands)
    named = {item["name"]: item for item in reply["api"]}
    deploy = named["deployVirtualMachine"]
    assert deploy["isasync"] is True
    required = {item["name"] for item in deploy["params"] if item["required"]}
    assert {"serviceofferingid", "zoneid"} <= required
    zone = next(item for item in deploy["params"] if item["name"] == "zoneid")
    assert zone["type"] == "uuid"
    assert "listZones" in zone["related"].split(",")
    nested = next(item for item in deploy["response"] if item["name"] == "nic")
    assert "ipaddress" in {item["name"] for item in nested["response"]}
    assert {"jobid", "jobstatus"} <= {item["name"] for item in deploy["response"]}


def test_list_apis_of_one_command_and_of_what_a_role_may() -> None:
    cloud = Cloud()
    cloud.account("bob")
    assert [item["name"] for item in cloud.do("listApis", name="createZone")] == ["createZone"]
    names = {item["name"] for item in cloud.do("listApis", by="bob")}
    assert "deployVirtualMachine" in names
    assert not names & {"createZone", "addHost", "createAccount"}
    assert cloud.refused("listApis", name="makeCoffee").code == 530


def test_a_job_is_done_when_its_time_has_come() -> None:
    cloud = Cloud()
    zone = cloud.do("createZone", name="z", dns1="1.1.1.1", internaldns1="1.1.1.1", networktype="Advanced")
    reply = cloud.ask("createPhysicalNetwork", name="p", zoneid=zone["id"])
    assert set(reply) == {"jobid", "id"}
    job = cloud.ask("queryAsyncJobResult", jobid=reply["jobid"])
    assert (job["jobstatus"], job["jobinstanceid"], job["jobinstancetype"]) == (0, reply["id"], "PhysicalNetwork")
    assert "jobresult" not in job
    cloud.clock.time += 1
    job = cloud.ask("queryAsyncJobResult", jobid=reply["jobid"])
    assert (job["jobstatus"], job["jobresultcode"], job["jobresulttype"]) == (1, 0, "object")
    assert job["jobresult"]["physicalnetwork"]["id"] == reply["id"]
    assert [item["jobinstanceid"] for item in cloud.do("listAsyncJobs")] == [reply["id"]]


def test_a_job_that_fails_tells_why() -> None:
    cloud = Cloud()
    built = build_zone(cloud, hosts=1, enable=False)
    with pytest.raises(JobFailedError) as caught:
        cloud.do("cancelHostMaintenance", id=built.hosts[0])
    assert caught.value.code == 530
    assert "Cannot perform cancelMaintenance when resource state is Enabled" in caught.value.text
    events = cloud.do("listEvents", type="MAINT.CANCEL")
    assert [(item["state"], item["level"]) for item in events] == [
        ("Completed", "ERROR"),
        ("Started", "INFO"),
        ("Scheduled", "INFO"),
    ]


def test_who_names_what_is_gone_gets_an_empty_list_or_is_refused() -> None:
    cloud = Cloud()
    bob = cloud.account("bob")
    gone = cloud.do("createDomain", name="d")["id"]
    cloud.do("deleteDomain", id=gone)
    zone = cloud.do("createZone", name="z", dns1="1.1.1.1", internaldns1="1.1.1.1", networktype="Advanced")["id"]
    pod = cloud.do("createPod", name="p", zoneid=zone, gateway="10.9.0.1", netmask="255.255.255.0", startip="10.9.0.9")[
        "id"
    ]
    cloud.do("deletePod", id=pod)
    for value in (pod, "-1"):
        assert cloud.ask("listPods", id=value) == {}
        assert cloud.ask("listClusters", podid=value) == {}
        assert cloud.refused("updatePod", id=value, name="q").code == 431
    assert cloud.ask("listVolumes", ids="-1", listall=True) == {}
    assert cloud.refused("listDomains", id=gone).code == 431
    assert cloud.refused("listVolumes", domainid=gone).code == 431
    assert cloud.refused("listPods", id=bob["id"]).code == 431, "never was a pod"


def test_a_job_s_result_names_the_job_that_it_is_of() -> None:
    cloud = Cloud()
    built = build_zone(cloud, hosts=1, enable=False)
    reply = cloud.ask("prepareHostForMaintenance", id=built.hosts[0])
    assert cloud.do("listHosts", id=built.hosts[0])[0]["jobid"] == reply["jobid"]
    cloud.clock.time += 1
    host = cloud.ask("queryAsyncJobResult", jobid=reply["jobid"])["jobresult"]["host"]
    assert (host["jobid"], host["jobstatus"]) == (reply["jobid"], 0)
    assert "jobid" not in cloud.do("listHosts", id=built.hosts[0])[0]


def test_pages() -> None:
    cloud = Cloud()
    for number in range(5):
        cloud.do("createDomain", name=f"d{number}")
    reply = cloud.ask("listDomains", page=2, pagesize=4)
    assert (reply["count"], len(reply["domain"])) == (6, 2)
    assert cloud.ask("listDomains", page=9, pagesize=4) == {"count": 6}
    assert len(cloud.do("listDomains", pagesize=-1)) == 6
    assert "parameter is required" in cloud.refused("listDomains", pagesize=3).text
    assert "Can't specify page parameter" in cloud.refused("listDomains", pagesize=-1, page=1).text
    assert "can't exceed max allowed page size value: 500" in cloud.refused("listDomains", pagesize=501, page=1).text


def test_filters() -> None:
    cloud = Cloud()
    built = build_zone(cloud, hosts=2)
    ids = {host["id"] for host in cloud.do("listHosts", clusterid=built.cluster, type="routing", state="Up")}
    assert ids == set(built.hosts)
    assert [item["id"] for item in cloud.do("listHosts", id=built.hosts[1])] == [built.hosts[1]]
    assert [item["name"] for item in cloud.do("listHosts", keyword="OST2")] == ["host2"]
    assert cloud.ask("listHosts", name="nobody") == {}
    assert len(cloud.do("listZones", ids=built.zone)) == 1


def test_events_name_what_was_done_to_what() -> None:
    cloud = Cloud()
    built = build_zone(cloud, hosts=1)
    edits = cloud.do("listEvents", type="ZONE.EDIT")
    assert [(item["resourceid"], item["state"], item["username"]) for item in edits] == [
        (built.zone, "Completed", "admin")
    ]
    states = [item["state"] for item in cloud.do("listEvents", type="PHYSICAL.NETWORK.CREATE")]
    assert states == ["Completed", "Started", "Created"]
    cloud.do("archiveEvents", type="ZONE.EDIT")
    assert cloud.do("listEvents", type="ZONE.EDIT") == []
    assert len(cloud.do("listEvents", type="ZONE.EDIT", archived="true")) == 1
    one = cloud.do("listEvents", type="ZONE.CREATE")[0]["id"]
    cloud.do("deleteEvents", ids=one)
    assert cloud.do("listEvents", type="ZONE.CREATE") == []
    assert cloud.refused("deleteEvents").code == 431
    assert "VM.CREATE" in {item["name"] for item in cloud.do("listEventTypes")}
