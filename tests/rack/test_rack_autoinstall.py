from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qacloud.rack.autoinstall import AutoinstallError, parse, render

WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="-_.:/"), min_size=1)


@settings(deadline=None)
@given(epoch=st.integers(0, 10**9), marker=WORDS, key=st.text(), line=st.text())
def test_what_is_rendered_is_read_back(epoch: int, marker: str, key: str, line: str) -> None:
    meta = {
        "qacloud_epoch": str(epoch),
        "qacloud_marker": marker,
        "qacloud_marker_path": "/etc/mark",
        "qacloud_host_key": base64.b64encode(key.encode()).decode(),
        "qacloud_authorized_key": base64.b64encode(line.encode()).decode(),
        "somebody_elses": "value",
    }
    image = parse(render("node1", "node1.test", "debian", meta, "http://cobbler"))
    assert image.epoch == epoch
    assert image.files["/etc/mark"] == marker + "\n"
    assert image.host_key == key
    assert image.authorized_keys == (line,)
    assert image.hostname == "node1.test"


def test_without_variables_it_is_a_system_that_nobody_may_enter() -> None:
    image = parse(render("node1", "", "debian", {}, "http://cobbler"))
    assert image.hostname == "node1"
    assert image.epoch is None
    assert image.host_key is None
    assert image.authorized_keys == ()
    assert image.files == {"/etc/hostname": "node1\n"}


def test_the_repository_proxy_and_puppet_server_are_written() -> None:
    meta = {"qacloud_repository": "http://repo/4.22", "qacloud_proxy": "http://p:3128", "qacloud_puppet_server": "pup"}
    files = parse(render("node1", "", "debian", meta, "http://cobbler")).files
    assert "http://repo/4.22" in files["/etc/apt/sources.list.d/qacloud.list"]
    assert "http://p:3128" in files["/etc/apt/apt.conf.d/90proxy"]
    assert "server = pup" in files["/etc/puppetlabs/puppet/puppet.conf"]


def test_the_installer_calls_cobbler_at_both_ends() -> None:
    text = render("node1", "", "debian", {}, "http://cobbler:8")
    assert "http://cobbler:8/cblr/svc/op/trig/mode/pre/system/node1" in text
    assert "http://cobbler:8/cblr/svc/op/trig/mode/post/system/node1" in text
    assert "http://cobbler:8/cblr/svc/op/nopxe/system/node1" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("d-i qacloud/epoch string seven", "no number"),
        ("d-i qacloud/host_key string !!!", "base64"),
        ("d-i qacloud/authorized_key string /w==", "base64"),
        ("<html>", "not a line"),
        ("d-i lonely", "not a line"),
    ],
)
def test_a_malformed_line_is_refused(line: str, said: str) -> None:
    with pytest.raises(AutoinstallError, match=said):
        parse(render("node1", "", "debian", {}, "http://cobbler") + line)


def test_a_text_that_names_no_host_is_refused() -> None:
    with pytest.raises(AutoinstallError, match="names no host"):
        parse("# system not found")
