from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.errors import ConfigError
from pytest_qacloud.model import Build
from pytest_qacloud.provision import resolve_build


def test_a_name_is_for_the_reports_and_a_url_is_installed() -> None:
    assert resolve_build("my-branch") == Build("my-branch")
    url = "https://repo.example/el9/4.22/"
    assert resolve_build(url) == Build(url, repository=url)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one word"),
        ("two words", "one word"),
        ("a\nb", "one word"),
        ("ftp://repo.example/", "http or https"),
        ("http://", "http or https"),
        ("http://[::1", "no URL"),
        ("https://me:sesame@repo.example/", "end up in every log"),
        ("https://token@repo.example/", "end up in every log"),
    ],
)
def test_what_cannot_be_a_build_is_refused_without_showing_a_password(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        resolve_build(text)

    assert "sesame" not in str(raised.value)


@given(st.text())
def test_any_text_is_a_build_or_a_usage_error(text: str) -> None:
    named = None
    with suppress(ConfigError):
        named = resolve_build(text).name

    assert named in {text, None}
