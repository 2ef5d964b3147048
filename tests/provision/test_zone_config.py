"""Configurations in Marvin's format: read as Marvin reads them, and refused with file, line and key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import zone_configs
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.errors import ConfigError
from pytest_qacloud.provision.zone_config import (
    is_enabled,
    parse_zone_config,
    read_zone_config,
    secrets_in,
    without_secrets,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = """\
# The licence stands here.
{
    "zones": [
        # one
        {
            "name": "z", "networktype": "Advanced", "dns1": "10.9.0.1",
            "internaldns1": "10.9.0.2",
            "physical_networks": [
                {"name": "n", "traffictypes": [{"typ": "Guest"}]}
            ],
            "pods": [
                {
                    "name": "p", "gateway": "10.1.0.1", "netmask": "255.255.255.0",
                    "startip": "10.1.0.10",
                    "endip": "10.1.0.20",
                    "clusters": [
                        {"clustername": "c", "hypervisor": "simulator", "clustertype": "CloudManaged",
                         "hosts": [{"url": "http://sim/c0/h0"}]}
                    ]
                }
            ],
            "secondaryStorages": [
                {"provider": "NFS", "url": "nfs://s/p"}
            ]
        }
    ]
}
"""


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        parse_zone_config(text, "zone.cfg")
    assert raised.value.file == "zone.cfg"
    return raised.value


def test_lines_that_begin_with_a_hash_are_none() -> None:
    assert parse_zone_config(SMALL, "zone.cfg").content["zones"][0]["name"] == "z"


@pytest.mark.parametrize("make", zone_configs.KINDS.values(), ids=list(zone_configs.KINDS))
def test_every_kind_is_taken_as_it_is(make: Callable[[], dict[str, Any]]) -> None:
    config = make()

    assert parse_zone_config(json.dumps(config), "zone.cfg").content == config


@pytest.mark.parametrize(
    ("part", "instead", "line", "key", "words"),
    [
        ('"10.1.0.1",', '"10.1.0.1"', 13, None, "is not JSON: Expecting ',' delimiter"),
        ('"name": "z",', "", 5, "zones[0].name", "must be there, as a text"),
        ('"startip": "10.1.0.10",', "", 12, "zones[0].pods[0].startip", "must be there"),
        ('"startip": "10.1.0.10",', '"startip": 10,', 14, "zones[0].pods[0].startip", "must be there, as a text"),
        ('"Advanced"', '"Fancy"', 6, "zones[0].networktype", "must be Advanced or Basic, not Fancy"),
        ('"Guest"', '"Secret"', 9, "zones[0].physical_networks[0].traffictypes[0].typ", "must be one of Guest"),
        ('[{"typ": "Guest"}]', "[]", 9, "zones[0].physical_networks[0].traffictypes", "something in it"),
        ('[{"typ": "Guest"}]', '{"typ": "Guest"}', 9, "zones[0].physical_networks[0].traffictypes", "a list"),
        ('{"typ": "Guest"}', '"Guest"', 9, "zones[0].physical_networks[0].traffictypes[0]", "must be an object"),
        ('"http://sim/c0/h0"', '"sim"', 18, "zones[0].pods[0].clusters[0].hosts[0].url", "sim is no URL"),
        (', "url": "nfs://s/p"', "", 23, "zones[0].secondaryStorages[0].url", "a NFS store needs it"),
        ('"name": "z",', '"name": "z", "enabled": "False",', 6, "zones[0].enabled", "the first zone"),
        ('"name": "n",', '"name": "n", "isolationmethods": ["TF"],', 9,
         "zones[0].physical_networks[0].isolationmethods", "needs zones[0].tungstenprovider"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_line_and_key(
    part: str, instead: str, line: int, key: str | None, words: str
) -> None:
    assert part in SMALL

    error = refused(SMALL.replace(part, instead, 1))

    assert (error.line, error.key) == (line, key)
    assert words in str(error)
    assert str(error).startswith(f"zone.cfg:{line}: ")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("zones",), "zones[1].name"),
        (("zones", 0, "pods"), "zones[0].pods[1].name"),
        (("zones", 0, "physical_networks"), "zones[0].physical_networks[1].name"),
        (("zones", 0, "pods", 0, "clusters"), "zones[0].pods[0].clusters[2].clustername"),
    ],
)
def test_names_are_taken_once(path: tuple[Any, ...], key: str) -> None:
    config: Any = zone_configs.advanced()
    members = config
    for step in path:
        members = members[step]
    members.append(members[0])

    assert refused(json.dumps(config, indent=1)).key == key


@pytest.mark.parametrize("text", ["[]", "{}", '{"zones": []}', '{"zones": null}', "[" * 100_000])
def test_a_file_without_zones_is_refused(text: str) -> None:
    refused(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary.cfg"
    binary.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match=r"missing\.cfg: cannot be read: No such file"):
        read_zone_config(tmp_path / "missing.cfg")
    with pytest.raises(ConfigError, match=r"binary\.cfg: is not UTF-8 text"):
        read_zone_config(binary)


def test_test_data_are_looked_for_beside_the_configuration_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "zone.cfg"
    file.write_text(json.dumps({**zone_configs.advanced(), "TestData": {"Path": "data.cfg"}}), encoding="utf-8")

    assert "TestData" not in read_zone_config(file).content
    assert "no file data.cfg" in caplog.text
    (tmp_path / "data.cfg").write_text("{}", encoding="utf-8")
    assert read_zone_config(file).content["TestData"] == {"Path": str(tmp_path / "data.cfg")}
    file.write_text(json.dumps({**zone_configs.advanced(), "TestData": None}), encoding="utf-8")
    assert read_zone_config(file).content["TestData"] is None


def test_the_hypervisor_is_called_as_the_api_calls_it() -> None:
    config = zone_configs.advanced()

    assert parse_zone_config(json.dumps(config), "f").hypervisor == "Simulator"
    config["zones"][0]["pods"][0]["clusters"][0]["hypervisor"] = "LXC"
    assert parse_zone_config(json.dumps(config), "f").hypervisor == "LXC"


def test_hosts_that_are_machines_of_the_pool_are_refused() -> None:
    config = parse_zone_config(SMALL.replace("http://sim/c0/h0", "http://10.1.0.11/"), "zone.cfg")

    config.refuse_hosts(["10.1.0.12"])
    with pytest.raises(ConfigError, match=r"zone\.cfg: host 10\.1\.0\.11 is a machine of the pool"):
        config.refuse_hosts(["10.1.0.12", "10.1.0.11"])


@pytest.mark.parametrize(
    ("value", "enabled"), [(None, True), ("True", True), (True, True), ("False", False), (False, False)]
)
def test_a_zone_is_enabled_unless_it_says_otherwise(value: object, enabled: bool) -> None:
    assert is_enabled({"enabled": value}) is enabled


def secret_config() -> dict[str, Any]:
    config = zone_configs.advanced()
    cluster = config["zones"][0]["pods"][0]["clusters"][0]
    cluster["hosts"][0]["password"] = "host-secret"
    config["zones"][0]["secondaryStorages"][0]["details"] = {"secretkey": "s3-secret", "bucket": "b"}
    config["dbSvr"] = {"user": "cloud", "passwd": "cloud", "port": 3306}
    config["mgtSvr"] = [{"apiKey": "the-key", "passwd": ""}]
    return config


def test_secrets_are_known_and_words_that_hide_nothing_are_not() -> None:
    assert secrets_in(secret_config()) == ["host-secret", "s3-secret", "the-key"]


def test_a_copy_without_secrets_says_where_they_are() -> None:
    config = secret_config()

    shown = without_secrets(config, "zone.cfg")

    text = json.dumps(shown)
    assert not any(secret in text for secret in ("host-secret", "s3-secret", "the-key", '"passwd": "cloud"'))
    assert shown["dbSvr"] == {"user": "cloud", "passwd": "(in zone.cfg: dbSvr.passwd)", "port": 3306}
    assert shown["mgtSvr"] == [{"apiKey": "(the administrator's; --qacloud-config-out=FILE writes it)", "passwd": ""}]
    host = shown["zones"][0]["pods"][0]["clusters"][0]["hosts"][0]
    assert host["password"] == "(in zone.cfg: zones[0].pods[0].clusters[0].hosts[0].password)"
    assert config == secret_config()


@given(
    junk=st.recursive(
        st.none() | st.booleans() | st.text('":{}[],\\\n#', max_size=6) | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('k":{[,', max_size=4), inner, max_size=3),
        max_leaves=12,
    ),
    indent=st.sampled_from([None, 1]),
)
def test_lines_are_right_whatever_stands_around(junk: object, indent: int | None) -> None:
    config: dict[str, Any] = {"junk": junk, **zone_configs.advanced()}
    config["zones"][0]["networktype"] = "Wrong"
    text = json.dumps(config, indent=indent)

    error = refused(text)

    assert error.line == next(n for n, line in enumerate(text.splitlines(), 1) if '"networktype": "Wrong"' in line)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["zones", "name", "pods", "clusters", "hosts", "url", "networktype", "physical_networks"]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_no_content_breaks_the_check(content: object) -> None:
    try:
        parse_zone_config(json.dumps({"zones": content}), "zone.cfg")
    except ConfigError as error:
        assert error.file == "zone.cfg"  # noqa: PT017  # an accepted content is fine too
