"""The attribute filter: nose's `-a`, without nose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.errors import ConfigError
from pytest_qacloud.marvin.attributes import marks, parse_selection

NAMES = st.sampled_from(["tags", "required_hardware", "speed", "slow"])
TEXTS = st.sampled_from(["advanced", "Advanced", "true", "false", "False", "slow", "1", "none"])
VALUES = st.one_of(TEXTS, st.booleans(), st.none(), st.integers(0, 1), st.lists(TEXTS), st.lists(TEXTS).map(tuple))
ATTRIBUTES = st.dictionaries(NAMES, VALUES)
CONDITIONS = st.one_of(NAMES, NAMES.map(lambda name: f"!{name}"), st.tuples(NAMES, TEXTS).map("=".join))


def function(**attributes: Any) -> Any:
    def test() -> None: ...

    vars(test).update(attributes)
    return test


def accepts(text: str, test: Any, cls: type | None = None) -> bool:
    selection = parse_selection(text)
    assert selection is not None
    return selection.accepts(test, cls)


@pytest.mark.parametrize(
    ("text", "attributes", "accepted"),
    [
        ("tags=advanced", {"tags": ["advanced", "basic"]}, True),
        ("tags=ADVANCED", {"tags": ("Advanced",)}, True),
        ("tags=advanced", {"tags": ["advancedns"]}, False),
        ("tags=advanced", {"tags": "advanced"}, True),
        ("tags=advanced", {}, False),
        ("required_hardware=false", {"required_hardware": "false"}, True),
        ("required_hardware=false", {"required_hardware": False}, True),
        ("required_hardware=false", {}, True),
        ("required_hardware=false", {"required_hardware": "true"}, False),
        ("required_hardware=false", {"required_hardware": "simulator only"}, False),
        ("required_hardware=simulator only", {"required_hardware": "simulator only"}, True),
        ("priority=2", {"priority": 2}, True),
        ("slow", {"slow": True}, True),
        ("slow", {"slow": ""}, False),
        ("slow", {}, False),
        ("!slow", {}, True),
        ("!slow", {"slow": "false"}, False),
        ("tags=advanced,required_hardware=false", {"tags": ["advanced"]}, True),
        ("tags=advanced,required_hardware=false", {"tags": ["advanced"], "required_hardware": "true"}, False),
        ("tags=advanced,", {"tags": ["advanced"]}, True),
        ("tags=basic;slow", {"slow": True}, True),
        ("tags=basic;slow", {"tags": ["advanced"]}, False),
        ("name=a=b", {"name": "a=b"}, True),
    ],
)
def test_a_test_is_taken_by_its_attributes(text: str, attributes: dict[str, Any], accepted: bool) -> None:
    assert accepts(text, function(**attributes)) is accepted


def test_what_the_function_does_not_say_its_class_does() -> None:
    suite = type("Suite", (), {"tags": ["basic"], "slow": True})
    assert accepts("tags=basic", function(), suite)
    assert not accepts("tags=basic", function(tags=["advanced"]), suite)
    assert accepts("!slow", function(slow=False), suite)


@pytest.mark.parametrize("text", ["", " ", ";", " ; "])
def test_an_empty_filter_is_none(text: str) -> None:
    assert parse_selection(text) is None


@pytest.mark.parametrize("text", ["=advanced", "tags=advanced,!", "slow;=x"])
def test_a_condition_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="without an attribute's name"):
        parse_selection(text)


@given(CONDITIONS, CONDITIONS, ATTRIBUTES)
def test_a_comma_is_and_a_semicolon_is_or(one: str, other: str, attributes: dict[str, Any]) -> None:
    test = function(**attributes)
    alone = accepts(one, test), accepts(other, test)
    assert accepts(f"{one},{other}", test) is all(alone)
    assert accepts(f"{one};{other}", test) is any(alone)


@given(NAMES, ATTRIBUTES)
def test_an_exclamation_mark_negates(name: str, attributes: dict[str, Any]) -> None:
    test = function(**attributes)
    assert accepts(f"!{name}", test) is not accepts(name, test)


@given(CONDITIONS, ATTRIBUTES)
def test_it_is_the_same_on_the_function_as_on_the_class(text: str, attributes: dict[str, Any]) -> None:
    assert accepts(text, function(**attributes)) is accepts(text, function(), type("Suite", (), attributes))


@given(NAMES, TEXTS, ATTRIBUTES)
def test_case_does_not_count(name: str, value: str, attributes: dict[str, Any]) -> None:
    test = function(**attributes)
    assert accepts(f"{name}={value.upper()}", test) is accepts(f"{name}={value.lower()}", test)


def test_attributes_become_marks() -> None:
    suite = type("Suite", (), {"tags": ["ignored"], "services": {"a": 1}})
    test = function(
        tags=["advanced", "basic", "not a mark", "skip", 7],
        simulator_only=True,
        required_hardware="false",
        dangerous="True",
        slow=False,
        data=[1],
        _private=True,
        pytestmark="x",
    )
    assert sorted(marks(test, suite)) == ["advanced", "basic", "dangerous", "simulator_only"]
    assert list(marks(function(), suite)) == ["ignored"]
    assert list(marks(function(tags="one"), None)) == ["one"]
    assert list(marks(None, None)) == []
