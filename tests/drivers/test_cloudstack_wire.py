from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.drivers.cloudstack_wire import flatten, sign, signed

KEYS = (
    "plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg",
    "VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ",
)
"""The example of CloudStack's developer guide."""


@pytest.mark.parametrize(
    ("params", "flat"),
    [
        ({"a": 1, "b": "x", "c": None}, {"a": "1", "b": "x"}),
        ({"a": True, "b": False}, {"a": "true", "b": "false"}),
        ({"ids": ["1", "2"], "more": (3, 4)}, {"ids": "1,2", "more": "3,4"}),
        ({"flags": [True, False]}, {"flags": "true,false"}),
        ({"empty": []}, {}),
        ({"details": {"cpu": 2, "none": None}}, {"details[0].cpu": "2"}),
        (
            {"tags": [{"key": "k", "value": "v"}, {"key": "l", "value": "w"}]},
            {"tags[0].key": "k", "tags[0].value": "v", "tags[1].key": "l", "tags[1].value": "w"},
        ),
        ({"name": ""}, {"name": ""}),
    ],
)
def test_parameters_are_sent_as_cloudstack_reads_them(params: dict[str, Any], flat: dict[str, str]) -> None:
    assert flatten(params) == flat


def test_the_developer_guides_example_has_the_developer_guides_signature() -> None:
    params = {"apikey": KEYS[0], "command": "listUsers", "response": "json"}
    assert sign(params, KEYS[1]) == "TTpdDq/7j/J58XCRHomKoQXEQds="


def java_encoded(text: str) -> str:
    """`URLEncoder.encode(text, UTF_8)` with its `+` made `%20`, after Java's own documentation of the class."""
    plain = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*_")
    return "".join(c if c in plain else "".join(f"%{byte:02X}" for byte in c.encode()) for c in text)


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_values_are_encoded_as_the_server_encodes_them(text: str) -> None:
    wanted = hmac.new(b"secret", f"a={java_encoded(text)}&b=1".lower().encode(), hashlib.sha1).digest()
    assert sign({"b": "1", "a": text}, "secret") == base64.b64encode(wanted).decode()


def test_a_signed_request_expires_and_signs_that_too() -> None:
    request = signed({"command": "listUsers"}, "key", "secret")
    signature = request.pop("signature")
    assert request["signatureVersion"] == "3"
    assert request["expires"].endswith("+0000")
    assert signature == sign(request, "secret")
    assert signature != sign(request | {"expires": "2099-01-01T00:00:00+0000"}, "secret")
