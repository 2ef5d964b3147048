from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.rack.cloudstack import schema
from pytest_qacloud.rack.cloudstack.errors import ApiError
from pytest_qacloud.rack.cloudstack.identity import Domain, Role
from pytest_qacloud.rack.cloudstack.models.topology import Zone
from pytest_qacloud.rack.cloudstack.params import Params, parse, parse_date
from pytest_qacloud.rack.cloudstack.store import Store


def typed(command: str, raw: dict[str, str], store: Store | None = None) -> Params:
    return parse(schema.load().commands[command], raw, store or Store())


def refused(command: str, raw: dict[str, str]) -> str:
    with pytest.raises(ApiError) as caught:
        typed(command, raw)
    assert caught.value.code == 431
    return caught.value.text


ZONE = {"name": "z", "dns1": "1.1.1.1", "internaldns1": "1.1.1.1", "networktype": "Advanced"}


def test_a_missing_required_parameter_is_named() -> None:
    del (raw := dict(ZONE))["dns1"]
    assert refused("createZone", raw) == "Unable to execute API command createzone due to missing parameter dns1"


def test_an_empty_required_parameter_is_refused() -> None:
    assert refused("createZone", {**ZONE, "name": ""}).endswith("Invalid value provided for API arg: name")


def test_an_id_of_nothing_is_refused_in_cloudstacks_words() -> None:
    assert refused("createZone", {**ZONE, "domainid": "r77"}) == (
        "Unable to execute API command createzone due to invalid value. Invalid parameter domainid value=r77 due to "
        "incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field "
        "in api cmd class."
    )


@pytest.mark.parametrize(
    ("command", "raw", "text"),
    [
        ("listZones", {"page": "x"}, "due to invalid value x for parameter page"),
        ("listZones", {"page": str(2**31)}, f"due to invalid value {2**31} for parameter page"),
        ("listEvents", {"startdate": "soon"}, "Unable to parse date soon for command listevents"),
        ("createZone", {**ZONE, "name": "n" * 256}, "Value greater than max allowed length 255 for param: name"),
        ("createZone", {**ZONE, "name": "a\x07"}, "illegal ASCII non-printable characters for parameter name"),
    ],
)
def test_values_of_the_wrong_form_are_refused(command: str, raw: dict[str, str], text: str) -> None:
    assert text in refused(command, raw)


def test_an_id_becomes_its_entity_and_only_of_its_class() -> None:
    store = Store()
    domain = store.add(Domain(name="ROOT"), 0.0)
    params = typed("createZone", {**ZONE, "domainid": domain.id}, store)
    assert params.need("domainid", Domain) is domain
    with pytest.raises(ApiError, match="Invalid parameter domainid"):
        params.entity("domainid", Role)
    with pytest.raises(ApiError, match="has to be specified"):
        params.need("ip6dns1", Domain)


def test_an_id_may_be_a_number_in_the_database_where_the_parameter_is_old_enough() -> None:
    store = Store()
    domains = [store.add(Domain(name=name), 0.0) for name in ("ROOT", "d")]
    assert typed("listAccounts", {"domainid": "2"}, store).entity("domainid", Domain) is domains[1]
    for value in ("3", "-1"):
        params = typed("listAccounts", {"domainid": value}, store)
        assert ("domainid" in params, params.unknown) == (False, {"domainid": value})
    role = store.add(Role(name="r", type="User"), 0.0)
    newer = {"type": "domain", "account": "a", "ldapdomain": "l", "accounttype": "0", "domainid": domains[0].id}
    params = typed("linkAccountToLdap", {**newer, "roleid": "1"}, store)
    assert ("roleid" in params, params.unknown) == (False, {}), "not given, as parameters since version 3 take uuids"
    assert typed("linkAccountToLdap", {**newer, "roleid": role.id}, store).need("roleid", Role) is role


def test_what_was_removed_is_still_known_by_its_id() -> None:
    store = Store()
    domain, zone = (
        store.add(Domain(name="d"), 0.0),
        store.add(Zone(name="z", dns1="", internaldns1="", networktype="Advanced"), 0.0),
    )
    store.remove(domain)
    assert typed("listZones", {"domainid": domain.id}, store).unknown == {"domainid": domain.id}
    rest = typed("listZones", {"ids": f"{zone.id},-1"}, store)
    assert (rest.entities("ids", Zone), rest.unknown) == ([zone], {})
    store.remove(zone)
    assert typed("listZones", {"ids": f"{zone.id},-1"}, store).unknown == {"ids": f"{zone.id},-1"}


def test_lists_and_maps_are_gathered() -> None:
    store = Store()
    zone = store.add(Zone(name="z", dns1="", internaldns1="", networktype="Advanced"), 0.0)
    raw = {
        "id": zone.id,
        "dnssearchorder": "a,b,,c",
        "details[10].key": "k10",
        "details[10].value": "v10",
        "details[2].key": "k2",
        "details[2].value": "v2",
        "details[3].plain": "p",
    }
    params = typed("updateZone", raw, store)
    assert params.strings("dnssearchorder") == ["a", "b", "c"]
    assert [row.get("key") for row in params.rows("details")] == ["k2", None, "k10"]
    assert params.pairs("details") == {"k2": "v2", "k10": "v10", "plain": "p"}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("TRUE", True), ("false", False), ("yes", False)])
def test_booleans_are_javas(text: str, value: bool) -> None:
    assert typed("createZone", {**ZONE, "isedge": text}).flag("isedge") is value


def test_names_are_found_in_lower_case_and_the_unknown_is_dropped() -> None:
    params = typed("listZones", {"pageSize": "5", "page": "1", "colour": "red"})
    assert params.number("pagesize") == 5
    assert set(params) == {"page", "pagesize"}


@given(st.integers(min_value=-(2**31), max_value=2**31 - 1))
def test_integers_survive(number: int) -> None:
    assert typed("listZones", {"page": str(number)}).optional_number("page") == number


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=6))
def test_no_input_gets_past_as_anything_but_an_api_error(raw: dict[str, str]) -> None:
    for command in ("listZones", "createZone", "addImageStore", "listEvents"):
        with suppress(ApiError):
            assert isinstance(typed(command, raw), Params)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86400.0),
        ("1970-01-01 00:01:00", 60.0),
        ("1970-01-01T01:00:00+0100", 0.0),
        ("1970-01-01T00:00:01Z", 1.0),
    ],
)
def test_dates_in_every_form(text: str, seconds: float) -> None:
    assert parse_date(text) == seconds


def test_defaults_where_nothing_was_given() -> None:
    empty = Params({})
    found: list[Any] = [
        empty.text("x", "d"),
        empty.optional("x"),
        empty.flag("x", default=True),
        empty.number("x", 3),
        empty.optional_number("x"),
        empty.strings("x"),
        empty.entity("x", Domain),
        empty.entities("x", Domain),
        empty.rows("x"),
        empty.pairs("x"),
    ]
    assert found == ["d", None, True, 3, None, [], None, [], [], {}]
