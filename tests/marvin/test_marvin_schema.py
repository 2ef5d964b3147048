from __future__ import annotations

from typing import Any

import pytest

from pytest_qacloud.marvin.schema import Entry, list_apis, shipped_facts


@pytest.fixture(scope="module")
def apis() -> dict[str, Entry]:
    return {entry["name"]: entry for entry in list_apis(shipped_facts())}


def names(entries: list[Entry]) -> list[str]:
    return [entry["name"] for entry in entries]


def test_every_shipped_command_is_told(apis: dict[str, Entry]) -> None:
    facts = shipped_facts()
    assert len(apis) == facts["meta"]["commands"] == 917
    assert sum(len(entry["params"]) for entry in apis.values()) == facts["meta"]["params"]


def test_a_parameter_has_what_list_apis_says_of_it(apis: dict[str, Entry]) -> None:
    params = {param["name"]: param for param in apis["deployVirtualMachine"]["params"]}
    assert params["zoneid"] == {
        "name": "zoneid",
        "type": "uuid",
        "length": 255,
        "required": True,
        "related": params["zoneid"]["related"],
    }
    assert "listZones" in params["zoneid"]["related"].split(",")
    assert (params["userdata"]["length"], params["userdata"]["required"]) == (1048576, False)
    assert params["details"]["since"] == "4.3"


def test_related_commands_answer_the_same_and_are_not_the_command_itself(apis: dict[str, Entry]) -> None:
    related = apis["deployVirtualMachine"]["related"].split(",")
    assert "startVirtualMachine" in related
    assert "deployVirtualMachine" not in related
    assert apis["deleteVolume"]["related"] == ""


def test_a_response_has_its_job_and_nested_ones_have_not(apis: dict[str, Entry]) -> None:
    fields = {field["name"]: field for field in apis["listVirtualMachines"]["response"]}
    assert names(apis["listVirtualMachines"]["response"])[-2:] == ["jobid", "jobstatus"]
    assert "macaddress" in names(fields["nic"]["response"])
    assert "jobid" not in names(fields["nic"]["response"])


FACTS: dict[str, Any] = {
    "commands": [{"name": "growTree", "isasync": False, "response": "Tree", "params": [], "since": "1.0"}],
    "responses": {
        "Tree": [
            {"name": "branch", "type": "set", "class": "Tree"},
            {"name": "leaf", "type": "list", "class": "Leaf"},
            {"name": "secret", "type": "string", "undoc": True},
            {"name": "bark", "type": "list", "class": "Unknown"},
        ],
        "Leaf": [{"name": "tree", "type": "list", "class": "Tree"}, {"name": "colour", "type": "string"}],
    },
}


def test_what_contains_itself_is_told_once() -> None:
    (entry,) = list_apis(FACTS)
    branch, leaf, bark, *_ = entry["response"]
    assert "response" not in branch
    assert names(leaf["response"]) == ["tree", "colour"]
    assert "response" not in leaf["response"][0]
    assert "response" not in bark


def test_undocumented_fields_are_not_told() -> None:
    (entry,) = list_apis(FACTS)
    assert names(entry["response"]) == ["branch", "leaf", "bark", "jobid", "jobstatus"]
    assert entry["since"] == "1.0"


def test_one_command_s_entry_may_be_changed_without_harm_to_others() -> None:
    (first,), (second,) = list_apis(FACTS), list_apis(FACTS)
    first["response"][-1]["name"] = "changed"
    assert second["response"][-1]["name"] == "jobstatus"
