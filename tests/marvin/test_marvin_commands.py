from __future__ import annotations

import copy
import sys
from inspect import signature
from typing import TYPE_CHECKING, Any

import pytest
from generated_text import module_of
from marvin_fakes import SHIPPED

if TYPE_CHECKING:
    from marvin_fakes import Importer, Python

BASES = {"baseCmd", "baseResponse"}


def classes(module: Any) -> dict[str, type]:
    return {name: value for name, value in vars(module).items() if isinstance(value, type)}


def shape(cls: type) -> tuple[Any, ...]:
    """All that can be seen of a class: before it has an instance, and of one."""
    before = dict(vars(cls).get("typeInfo", {}))
    made = cls()
    bases = [base.__name__ for base in cls.__mro__]
    inherited = {name for name in dir(made) if not name.startswith("__")}
    return bases, before, list(vars(made).items()), vars(cls).get("typeInfo"), inherited


def test_all_commands_are_as_a_generator_would_write_them(marvin: Importer) -> None:
    for entry in SHIPPED:
        written, made = classes(module_of(entry)), classes(marvin(f"marvin.cloudstackAPI.{entry['name']}"))
        assert written.keys() == made.keys(), entry["name"]
        for name in written.keys() - BASES:
            made[name].__dict__.get("typeInfo", {}).clear()
            assert shape(made[name]) == shape(written[name]), f"{entry['name']}.{name}"


def test_a_command_has_its_parameters_types_and_kind(marvin: Importer) -> None:
    module = marvin("marvin.cloudstackAPI.deployVirtualMachine")
    cmd = module.deployVirtualMachineCmd()
    assert isinstance(cmd, marvin("marvin.cloudstackAPI.baseCmd").baseCmd)
    assert cmd.isAsync == "true"
    assert marvin("marvin.cloudstackAPI.listZones").listZonesCmd().isAsync == "false"
    assert (cmd.name, cmd.networkids, cmd.details) == (None, [], [])
    assert cmd.required == ["serviceofferingid", "zoneid"]
    assert (cmd.typeInfo["networkids"], type(cmd).typeInfo["zoneid"]) == ("list", "uuid")
    assert type(cmd).__module__ == "marvin.cloudstackAPI.deployVirtualMachine"


def test_two_commands_share_no_list(marvin: Importer) -> None:
    cmd = marvin("marvin.cloudstackAPI.deployVirtualMachine").deployVirtualMachineCmd
    first, second = cmd(), cmd()
    first.networkids.append("one")
    first.required.append("two")
    assert (second.networkids, second.required) == ([], ["serviceofferingid", "zoneid"])


def test_a_response_has_nested_ones(marvin: Importer) -> None:
    module = marvin("marvin.cloudstackAPI.listVirtualMachines")
    response = module.listVirtualMachinesResponse()
    assert isinstance(response, marvin("marvin.cloudstackAPI.baseResponse").baseResponse)
    assert (response.nic, response.id) == ([], None)
    assert "nic" not in response.typeInfo
    assert module.nic().macaddress is None
    assert not hasattr(module.nic, "typeInfo")


def test_the_package_exports_every_command(marvin: Importer) -> None:
    package = marvin("marvin.cloudstackAPI")
    assert len(package.__all__) == 918
    assert package.__all__[-1] == "cloudstackAPIClient"
    assert package.listZones is marvin("marvin.cloudstackAPI.listZones")
    with pytest.raises(AttributeError, match="listZonez"):
        _ = package.listZonez


def test_a_mistyped_command_is_told_its_neighbours(marvin: Importer) -> None:
    with pytest.raises(ImportError, match=r"no API command listZonez \(of 917 known\); the nearest are listZones"):
        marvin("marvin.cloudstackAPI.listZonez")
    with pytest.raises(ImportError, match=r"no API command qqqqqq \(of 917 known\)$"):
        exec("from marvin.cloudstackAPI import qqqqqq")  # noqa: S102  the form that suites use


def test_the_client_has_a_method_for_each_command(marvin: Importer) -> None:
    module = marvin("marvin.cloudstackAPI.cloudstackAPIClient")
    client = module.CloudStackAPIClient
    methods = {name for name, member in vars(client).items() if callable(member) and not name.startswith("_")}
    assert methods == {entry["name"] for entry in SHIPPED}
    by_post = {name for name in methods if signature(vars(client)[name]).parameters["method"].default == "POST"}
    assert by_post == {"login", "logout"}
    assert module.listZonesResponse is marvin("marvin.cloudstackAPI.listZones").listZonesResponse
    with pytest.raises(AttributeError, match="listZonezResponse"):
        _ = module.listZonezResponse


class Connection:
    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def marvinRequest(self, command: Any, response_type: Any = None, method: str = "") -> str:  # noqa: N802  Marvin's
        self.seen.append((command, response_type, method))
        return "answer"


def test_a_method_sends_its_command_and_says_what_comes_back(marvin: Importer) -> None:
    connection = Connection()
    client = marvin("marvin.cloudstackAPI.cloudstackAPIClient").CloudStackAPIClient(connection)
    client.id = "TestSuite-test"
    assert client.listZones("command", method="POST") == "answer"
    ((command, response, method),) = connection.seen
    assert (command, type(response).__name__, method) == ("command", "listZonesResponse", "POST")
    other = copy.copy(client)
    assert (type(other), other.connection is connection, other.id) == (type(client), False, None)
    with pytest.raises(AttributeError, match="no API command listZonez"):
        client.listZonez(None)


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "isasync": False, "params": [], "response": [{}], **fields}


def param(name: str, kind: str = "string", required: bool = False) -> dict[str, Any]:
    return {"name": name, "type": kind, "required": required}


def test_an_endpoint_s_commands_replace_the_shipped_ones_in_place(marvin: Importer) -> None:
    catalogue = marvin("pytest_qacloud.marvin.commands").catalogue
    package, module = marvin("marvin.cloudstackAPI"), marvin("marvin.cloudstackAPI.listVolumes")
    client = marvin("marvin.cloudstackAPI.cloudstackAPIClient").CloudStackAPIClient
    exported, cmd, response, old = package.__all__, module.listVolumesCmd, module.listVolumesResponse, module.tags
    assert cmd().typeInfo["zoneid"] == "uuid"

    tags = {"name": "tags", "type": "list", "response": [{"name": "colour", "type": "string"}]}
    volumes = entry("listVolumes", isasync=True, description="All of them", params=[param("size", "list", True)])
    volumes["response"] = [{}, tags, {"name": "odd"}]
    catalogue.refresh([volumes, entry("paintVolume")])

    assert package.__all__ == ["listVolumes", "paintVolume", "cloudstackAPIClient"]
    assert package.__all__ is exported
    assert module.__doc__ == "All of them"
    assert (vars(cmd()), cmd.typeInfo) == ({"isAsync": "true", "size": [], "required": ["size"]}, {"size": "list"})
    assert (vars(response()), response.typeInfo) == ({"tags": [], "odd": None}, {"odd": ""})
    assert (vars(old()), module.tags is old) == ({"colour": None}, True)
    assert set(classes(module)) == {*BASES, "listVolumesCmd", "listVolumesResponse", "tags"}
    assert hasattr(client, "paintVolume")
    assert not hasattr(client, "listZones")
    assert vars(marvin("marvin.cloudstackAPI.paintVolume").paintVolumeCmd()) == {"isAsync": "false", "required": []}


def test_a_module_of_a_command_that_is_no_more_stays_as_it_was(marvin: Importer) -> None:
    module = marvin("marvin.cloudstackAPI.listZones")
    marvin("pytest_qacloud.marvin.commands").catalogue.refresh([entry("listVolumes")])
    assert "networktype" in vars(module.listZonesCmd())
    assert sys.modules["marvin.cloudstackAPI.listZones"] is module


def test_nothing_is_made_before_it_is_asked_for(python: Python) -> None:
    printed = python("""
        import sys
        from pytest_qacloud.marvin import provide
        provide()
        print("pytest_qacloud.marvin.schema" in sys.modules)
        from marvin.cloudstackAPI import listZones, deployVirtualMachine
        print(sorted(n.rpartition(".")[2] for n in sys.modules if n.startswith("marvin.cloudstackAPI.")))
        from marvin.cloudstackAPI import *
        print(len([n for n in sys.modules if n.startswith("marvin.cloudstackAPI.")]))
        print(deleteVolume.deleteVolumeCmd().required, cloudstackAPIClient.CloudStackAPIClient.__name__)
    """)
    assert printed.splitlines() == [
        "False",
        "['baseCmd', 'baseResponse', 'deployVirtualMachine', 'listZones']",
        "920",
        "['id'] CloudStackAPIClient",
    ]
