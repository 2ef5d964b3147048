from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest

from pytest_qacloud.rack.cobbler import TOKEN_LIFETIME_S, Cobbler
from pytest_qacloud.rack.cobbler_http import reply, serve
from pytest_qacloud.rack.events import EventLog
from pytest_qacloud.rack.faults import Faults
from pytest_qacloud.rack.machine import ServiceDownError

MAC = "52:54:00:00:00:01"


class SetClock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time


class Bench:
    """A Cobbler, called as over the wire: marshalled, and faults raised."""

    def __init__(self) -> None:
        self.clock, self.faults, self.events = SetClock(), Faults(), EventLog()
        self.cobbler = Cobbler(
            user="cobbler",
            password="secret",
            profiles=["debian", "rocky"],
            clock=self.clock,
            faults=self.faults,
            events=self.events,
        )
        self.cobbler.url = "http://cobbler"
        self.token: str = self.call("login", "cobbler", "secret")

    def call(self, method: str, *params: Any) -> Any:
        body = xmlrpc.client.dumps(params, method, allow_none=True)
        arguments, name = xmlrpc.client.loads(body)
        (value,), _ = xmlrpc.client.loads(reply(self.cobbler, str(name), arguments))
        return value

    def refused(self, method: str, *params: Any) -> str:
        with pytest.raises(xmlrpc.client.Fault) as caught:
            self.call(method, *params)
        assert caught.value.faultCode == 1
        return str(caught.value.faultString)

    def system(self, name: str = "node1", mac: str = MAC, **fields: Any) -> str:
        handle: str = self.call("new_system", self.token)
        chosen = {"name": name, "profile": "debian", "netboot_enabled": True} | fields
        for field, value in chosen.items():
            assert self.call("modify_system", handle, field, value, self.token) is True
        self.call("modify_system", handle, "modify_interface", {"macaddress-eth0": mac}, self.token)
        assert self.call("save_system", handle, self.token) is True
        return handle


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_tokens(bench: Bench) -> None:
    assert len(bench.token) == 36
    assert bench.call("token_check", bench.token) is True
    assert bench.call("get_user_from_token", bench.token) == "cobbler"
    assert bench.call("logout", bench.token) is True
    assert bench.call("logout", bench.token) is False
    assert bench.call("token_check", bench.token) is False


@pytest.mark.parametrize(("user", "password"), [("cobbler", "wrong"), ("root", "secret"), ("cobbler", 5)])
def test_a_wrong_login(bench: Bench, user: str, password: Any) -> None:
    said = f"<class 'cobbler.cexceptions.CX'>:'login failed ({user})'"
    assert bench.refused("login", user, password) == said


def test_a_token_expires_unless_it_is_checked(bench: Bench) -> None:
    bench.clock.time += TOKEN_LIFETIME_S - 1
    assert bench.call("token_check", bench.token) is True
    bench.clock.time += TOKEN_LIFETIME_S - 1
    assert bench.call("new_system", bench.token)
    bench.clock.time += 2
    assert bench.refused("new_system", bench.token) == (
        f"<class 'cobbler.cexceptions.CX'>:'invalid token: {bench.token}'"
    )


@pytest.mark.parametrize("token", ["", "short", 7])
def test_what_is_no_token(bench: Bench, token: Any) -> None:
    said = "<class 'ValueError'>:\"token\" did not have the correct format or type!"
    assert bench.refused("new_system", token) == said
    assert bench.refused("remove_system", "node1", token) == said


def test_absent_records_are_a_tilde(bench: Bench) -> None:
    assert bench.call("get_system", "node1") == "~"
    assert bench.call("get_profile", "windows") == "~"
    assert bench.call("has_item", "system", "node1") is False
    assert bench.refused("get_system_handle", "node1", bench.token) == (
        "<class 'cobbler.cexceptions.CX'>:'internal error, unknown system name node1'"
    )


def test_profiles(bench: Bench) -> None:
    assert bench.call("get_profile", "debian")["name"] == "debian"
    assert [profile["name"] for profile in bench.call("get_profiles")] == ["debian", "rocky"]
    assert bench.call("get_item_names", "profile") == ["debian", "rocky"]
    assert bench.call("find_profile", {"name": "deb*"}) == ["debian"]
    assert bench.call("get_profile_handle", "rocky", bench.token) == "profile::rocky"
    assert bench.refused("get_item", "cow", "x").endswith('collection name is "cow"\'')


def test_versions(bench: Bench) -> None:
    assert bench.call("version") == pytest.approx(3.307)
    assert bench.call("extended_version")["version_tuple"] == [3, 3, 7]
    assert bench.call("ping") is True


def test_a_new_system_is_there_once_it_is_saved(bench: Bench) -> None:
    handle = bench.call("new_system", bench.token)
    assert handle.startswith("___NEW___system::")
    bench.call("modify_system", handle, "name", "node1", bench.token)
    bench.call("modify_system", handle, "profile", "debian", bench.token)
    assert bench.call("get_system", "node1") == "~"
    bench.call("save_system", handle, bench.token)
    record = bench.call("get_system", "node1")
    assert record["profile"] == "debian"
    assert record["netboot_enabled"] is False
    assert record["autoinstall_meta"] == "<<inherit>>"
    assert record["ctime"] == record["mtime"] == bench.clock.time
    assert len(record["uid"]) == 32


def test_a_saved_system_is_changed_through_its_handle(bench: Bench) -> None:
    bench.system()
    handle = bench.call("get_system_handle", "node1", bench.token)
    assert handle == "system::node1"
    for field, value, stored in [
        ("hostname", "node1.test", "node1.test"),
        ("gateway", "10.0.0.1", "10.0.0.1"),
        ("name_servers", "10.0.0.2 10.0.0.3", ["10.0.0.2", "10.0.0.3"]),
        ("name_servers", ["10.0.0.4"], ["10.0.0.4"]),
        ("netboot_enabled", "no", False),
        ("autoinstall_meta", {"a": "1"}, {"a": "1"}),
        ("autoinstall_meta", "a=2 b=3 c", {"a": "2", "b": "3", "c": "~"}),
        ("kernel_options", "<<inherit>>", "<<inherit>>"),
        ("serial_device", "1", 1),
        ("owners", "delete", []),
        ("boot_files", None, {}),
    ]:
        assert bench.call("modify_system", handle, field, value, bench.token) is True
        assert bench.call("get_system", "node1")[field] == stored


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("profile", "windows", "<class 'ValueError'>:Profile with the name \"windows\" is not existing"),
        ("profile", 3, "<class 'TypeError'>:The name of a profile needs to be of type str."),
        ("name", "no spaces", "<class 'ValueError'>:Invalid characters in name: 'no spaces'"),
        ("name", 3, "<class 'TypeError'>:name must of be type str"),
        ("hostname", 3, "<class 'TypeError'>:Field of object system needs to be of type str!"),
        ("gateway", "10.0.0.300", "<class 'ipaddress.AddressValueError'>:Invalid IPv4 address format (10.0.0.300)"),
        ("gateway", 3, "<class 'TypeError'>:Invalid input, addr must be a string"),
        ("name_servers", ["x"], "<class 'ipaddress.AddressValueError'>:Invalid IPv4 address format (x)"),
        ("name_servers", 3, "<class 'TypeError'>:The value must be of type str or list"),
        ("autoinstall_meta", ["a"], "<class 'TypeError'>:No idea what to do with list: ['a']"),
        ("autoinstall_meta", 3, "<class 'TypeError'>:invalid input type"),
        ("serial_device", "x", "<class 'TypeError'>:value 'x' needs to be of type int!"),
        ("modify_interface", "x", "<class 'AttributeError'>:'str' object has no attribute 'keys'"),
        ("modify_interface", {"macaddress": MAC}, "<class 'ValueError'>:not enough values to unpack"),
        ("modify_interface", {"macaddress-eth0": "zz"}, "<class 'ValueError'>:Invalid mac address format (zz)"),
        ("modify_interface", {"macaddress-eth0": 3}, "<class 'TypeError'>:Invalid input, mac must be a string"),
    ],
)
def test_values_that_are_refused(bench: Bench, field: str, value: Any, said: str) -> None:
    bench.system()
    assert bench.refused("modify_system", "system::node1", field, value, bench.token).startswith(said)


def test_a_boolean_of_a_wrong_type(bench: Bench) -> None:
    bench.system()
    said = bench.refused("modify_system", "system::node1", "netboot_enabled", [], bench.token)
    assert said.startswith("<class 'TypeError'>:The value handed to the input_boolean function")


def test_an_unknown_attribute_is_false_not_a_fault(bench: Bench) -> None:
    bench.system()
    assert bench.call("modify_system", "system::node1", "colour", "red", bench.token) is False
    assert bench.call("modify_system", "system::nobody", "hostname", "x", bench.token) is False


def test_handles_that_name_nothing(bench: Bench) -> None:
    assert bench.refused("save_system", "system::nobody", bench.token).endswith("Unable to add a None object")
    assert "KeyError" in bench.refused("save_system", "___NEW___system::x", bench.token)
    assert "AttributeError" in bench.refused("save_system", 3, bench.token)
    assert "not enough values" in bench.refused("save_system", "nobody", bench.token)


def test_a_system_needs_a_name_and_a_profile(bench: Bench) -> None:
    handle = bench.call("new_system", bench.token)
    assert "Name is required" in bench.refused("save_system", handle, bench.token)
    bench.call("modify_system", handle, "name", "node1", bench.token)
    assert "profile or image is required" in bench.refused("save_system", handle, bench.token)
    bench.call("modify_system", handle, "profile", "~", bench.token)
    assert "profile or image is required" in bench.refused("save_system", handle, bench.token)


def test_saving_as_new_refuses_a_name_that_exists(bench: Bench) -> None:
    handle = bench.system()
    assert bench.refused("save_system", handle, bench.token, "new").startswith("<class 'cobbler.cexceptions.CX'>")
    assert bench.call("save_system", handle, bench.token) is True


def test_interfaces(bench: Bench) -> None:
    bench.system()
    change = {"ipaddress-eth0": "10.0.0.9", "ip_address-eth1": "10.0.1.9", "static-eth0": True, "colour-eth0": "red"}
    bench.call("modify_system", "system::node1", "modify_interface", change, bench.token)
    interfaces = bench.call("get_system", "node1")["interfaces"]
    assert interfaces["eth0"]["mac_address"] == MAC
    assert interfaces["eth0"]["ip_address"] == "10.0.0.9"
    assert interfaces["eth0"]["static"] is True
    assert interfaces["eth1"]["ip_address"] == "10.0.1.9"
    bench.call("modify_system", "system::node1", "delete_interface", {"interface": "eth1"}, bench.token)
    assert list(bench.call("get_system", "node1")["interfaces"]) == ["eth0"]
    bench.call("modify_system", "system::node1", "delete_interface", "eth0", bench.token)
    assert bench.call("get_system", "node1")["interfaces"] == {}


def test_no_two_systems_share_a_mac(bench: Bench) -> None:
    bench.system()
    handle = bench.call("new_system", bench.token)
    said = bench.refused("modify_system", handle, "modify_interface", {"macaddress-eth0": MAC}, bench.token)
    assert said == (
        f'<class \'ValueError\'>:MAC address duplicate found "{MAC}". Object with the conflict has the name "node1"'
    )
    assert bench.call("modify_system", "system::node1", "modify_interface", {"macaddress-eth0": MAC}, bench.token)


def test_finding(bench: Bench) -> None:
    bench.system("node1", hostname="node1.test")
    bench.system("node2", "52:54:00:00:00:02", hostname="node2.test")
    assert bench.call("find_system", {"hostname": "*.test"}) == ["node1", "node2"]
    assert bench.call("find_system", {"mac_address": MAC}) == ["node1"]
    assert bench.call("find_system", {"netboot_enabled": True}) == ["node1", "node2"]
    assert [item["name"] for item in bench.call("find_system", {"name": "node2"}, True)] == ["node2"]
    assert [item["name"] for item in bench.call("get_systems")] == ["node1", "node2"]
    assert bench.call("find_system", {"colour": "red"}) == []


def test_removing(bench: Bench) -> None:
    bench.system()
    assert bench.call("remove_system", "node1", bench.token) is True
    assert bench.call("get_system", "node1") == "~"
    assert bench.call("remove_system", "node1", bench.token) is True


def test_calls_that_do_not_exist(bench: Bench) -> None:
    assert bench.refused("cook", 1) == "<class 'cobbler.cexceptions.CX'>:\"unknown remote method 'cook'\""
    assert "unknown remote method" in bench.refused("offer", MAC)
    assert "forbidden method" in bench.refused("_require_token", bench.token)
    assert bench.refused("login", "cobbler").startswith("<class 'TypeError'>:CobblerXMLRPCInterface.login()")


def test_arguments_of_a_wrong_type_are_pythons_own_faults(bench: Bench) -> None:
    bench.system()
    assert bench.refused("get_system", []) == "<class 'TypeError'>:unhashable type: 'list'"
    assert bench.refused("find_system", "node1").startswith("<class 'AttributeError'>:")


def test_a_sync_is_recorded(bench: Bench) -> None:
    assert bench.call("sync", bench.token) is True
    assert [event["event"] for event in bench.events.listing()] == ["sync"]


def test_a_machine_is_offered_its_autoinstall_until_it_is_installed(bench: Bench) -> None:
    bench.system(autoinstall_meta={"qacloud_epoch": "9"})
    assert bench.cobbler.offer("52:54:00:00:00:99") is None
    offer = bench.cobbler.offer(MAC)
    assert offer is not None
    assert offer.system == "node1"
    assert "qacloud/epoch string 9" in offer.autoinstall
    bench.cobbler.finished("node1")
    assert bench.cobbler.offer(MAC) is None
    assert bench.call("get_system", "node1")["netboot_enabled"] is False
    assert [event["event"] for event in bench.events.listing()] == ["system_saved", "trigger", "trigger", "nopxe"]


def test_machines_get_nothing_while_it_is_down(bench: Bench) -> None:
    bench.system()
    bench.faults.set("cobbler_down")
    with pytest.raises(ServiceDownError):
        bench.cobbler.offer(MAC)
    with pytest.raises(ServiceDownError):
        bench.cobbler.finished("node1")


def test_the_calls_of_installers(bench: Bench) -> None:
    bench.system()
    assert serve(bench.cobbler, {}, "") == ("no mode specified", 200)
    text, status = serve(bench.cobbler, {"op": "autoinstall", "system": "node1"}, "")
    assert status == 200
    assert "netcfg/get_hostname string node1" in text
    assert serve(bench.cobbler, {"op": "autoinstall", "profile": "debian"}, "")[1] == 200
    assert serve(bench.cobbler, {"op": "autoinstall", "system": "node7"}, "") == ("# system not found", 404)
    assert serve(bench.cobbler, {"op": "ks", "profile": "windows"}, "") == ("# profile not found", 404)
    assert serve(bench.cobbler, {"op": "trig", "mode": "post", "system": "node1"}, "10.0.0.1") == ("True", 200)
    assert serve(bench.cobbler, {"op": "trig", "mode": "never", "profile": "debian"}, "") == ("False", 200)
    assert serve(bench.cobbler, {"op": "nopxe", "system": "node1"}, "") == ("True", 200)
    assert serve(bench.cobbler, {"op": "nopxe", "system": "node7"}, "") == ("False", 200)
    assert serve(bench.cobbler, {"op": "cook"}, "")[1] == 500
    assert bench.call("get_system", "node1")["netboot_enabled"] is False
