"""What stands in braces in the commands of a pool file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.placeholders import expand, names_in


def test_names_are_replaced_and_doubled_braces_are_braces() -> None:
    text = "--port={port.api}/{work}{work} {{port.api}} $HOME ${{x}} }}"

    assert names_in(text) == ["port.api", "work", "work"]
    assert expand(text, {"port.api": "81", "work": "/w"}) == "--port=81//w/w {port.api} $HOME ${x} }"


@pytest.mark.parametrize("text", ["{", "a}", "{a{b}", "{{a}", "${x}}"])
def test_a_brace_that_stands_alone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="stands alone; write"):
        names_in(text)


def test_what_is_unknown_is_never_left_as_it_is() -> None:
    with pytest.raises(KeyError):
        expand("{port.mysql}", {"port.api": "81"})


@given(st.text())
def test_a_text_whose_braces_are_doubled_comes_back(text: str) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")

    assert names_in(doubled) == []
    assert expand(doubled, {}) == text


@given(st.text())
def test_a_value_is_not_read_again(value: str) -> None:
    assert expand("<{work}>", {"work": value}) == f"<{value}>"
