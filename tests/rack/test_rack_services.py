"""The services of the rack, over the wire."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import urllib.error
import urllib.request
import xmlrpc.client
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncssh
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from racklab import Lab

pytest_plugins = ("racklab",)

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> bytes:
    with DIRECT.open(url, timeout=10) as response:
        content: bytes = response.read()
        return content


def base(lab: Lab) -> str:
    return str(lab.pool["cobbler"]["url"]).removesuffix("/cobbler_api")


def test_cobbler_speaks_xml_rpc(lab: Lab) -> None:
    proxy, token = lab.cobbler()
    with proxy:
        assert proxy.token_check(token) is True
        assert proxy.get_system("nobody") == "~"
        with pytest.raises(xmlrpc.client.Fault, match="login failed"):
            proxy.login("cobbler", "wrong")


def test_cobbler_answers_nonsense_with_an_error(lab: Lab) -> None:
    for body in (b"<xml", b"<methodCall/>", b""):
        with pytest.raises(urllib.error.HTTPError) as caught:
            DIRECT.open(lab.pool["cobbler"]["url"], body, timeout=10)
        with caught.value as error:
            assert error.code == 500


def test_the_calls_of_installers_work_over_http(lab: Lab) -> None:
    lab.save_system("node3", qacloud_epoch="5")
    service = base(lab) + "/cblr/svc/op"
    assert b"qacloud/epoch string 5" in get(f"{service}/autoinstall/system/node3")
    assert get(f"{service}/trig/mode/pre/system/node3") == b"True"
    assert get(f"{service}/nopxe/system/node3") == b"True"
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{service}/autoinstall/system/nobody")
    with caught.value as error:
        assert error.code == 404


def test_a_cobbler_that_is_down_breaks_connections(lab: Lab) -> None:
    lab.rack.set_fault("cobbler_down", count=1)
    with xmlrpc.client.ServerProxy(lab.pool["cobbler"]["url"]) as proxy:
        # xmlrpc.client itself tries a second time, so one strike of the fault is not seen through it
        with pytest.raises((OSError, HTTPException)):
            get(base(lab) + "/cblr/svc/op/index")
        assert proxy.ping() is True


def test_the_system_vm_template_is_as_the_pool_file_says(lab: Lab) -> None:
    template = lab.pool["storage"]["system_vm_template"]
    assert template["checksum"] == "sha256:" + hashlib.sha256(get(template["url"])).hexdigest()


def test_the_puppet_ca(lab: Lab) -> None:
    lab.install("node3")
    lab.puppet_ca("DELETE", "certificate_status/node3.sim.test")
    assert lab.puppet_ca("GET", "certificate_status/node3.sim.test")[0] == 404
    assert lab.agent("node3").status == 2
    status, text = lab.puppet_ca("GET", "certificate_status/node3.sim.test")
    assert status == 200
    assert '"state": "signed"' in text
    assert "BEGIN CERTIFICATE" in lab.puppet_ca("GET", "certificate/node3.sim.test")[1]
    assert "BEGIN CERTIFICATE" in lab.puppet_ca("GET", "certificate/ca")[1]
    assert lab.puppet_ca("GET", "certificate/nobody")[0] == 404
    assert "node3.sim.test" in lab.puppet_ca("GET", "certificate_statuses/all")[1]
    assert lab.puppet_ca("PUT", "certificate_status/node3.sim.test", '{"desired_state": "signed"}')[0] == 409
    assert lab.puppet_ca("PUT", "certificate_status/node3.sim.test", '{"desired_state": "revoked"}')[0] == 204
    assert '"state": "revoked"' in lab.puppet_ca("GET", "certificate_status/node3.sim.test")[1]
    assert lab.puppet_ca("DELETE", "certificate_status/node3.sim.test")[0] == 204
    assert lab.puppet_ca("DELETE", "certificate_status/node3.sim.test")[0] == 404


@pytest.mark.parametrize("body", ["", "[]", '{"desired_state": "lost"}'])
def test_the_puppet_ca_refuses_other_states(lab: Lab, body: str) -> None:
    assert lab.puppet_ca("PUT", "certificate_status/qacloud-admin", body)[0] == 400


def test_the_puppet_ca_wants_the_administrators_certificate(lab: Lab) -> None:
    status, text = lab.puppet_ca("GET", "certificate_status/node3.sim.test", certificate=False)
    assert status == 403
    assert "Forbidden request" in text


def test_the_puppet_ca_is_known_by_its_own_authority_only(lab: Lab) -> None:
    url = f"https://{lab.pool['puppet']['server']}:{lab.pool['puppet']['ca_port']}/"
    with pytest.raises(urllib.error.URLError) as caught:
        urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context())
        ).open(url, timeout=10)
    assert isinstance(caught.value.reason, ssl.SSLCertVerificationError)


def test_a_puppet_ca_that_is_down_breaks_connections(lab: Lab) -> None:
    lab.rack.set_fault("puppet_ca_down", count=1)
    with pytest.raises((OSError, HTTPException)):
        lab.puppet_ca("GET", "certificate_statuses/all")
    assert lab.puppet_ca("GET", "certificate_statuses/all")[0] == 200


def test_the_storage_shell(lab: Lab) -> None:
    shell = lab.pool["storage"]["shell"]
    done = lab.ssh(shell["host"], shell["port"], "df -B1 --output=avail -- /export/secondary", shell["host_key"])
    assert done.status == 0
    assert int(done.stdout.split()[1]) > 0


def test_files_are_put_on_an_export_and_nowhere_else(lab: Lab, tmp_path: Path) -> None:
    shell = lab.pool["storage"]["shell"]
    (tmp_path / "image").write_bytes(b"x" * 100_000)

    async def talk() -> None:
        options = lab.options(shell["host_key"])
        async with (
            asyncssh.connect(shell["host"], shell["port"], **options) as connection,
            connection.start_sftp_client() as sftp,
        ):
            assert sorted(await sftp.listdir("/export")) == [".", "..", "primary1", "primary2", "secondary"]
            await sftp.put(str(tmp_path / "image"), "/export/primary1/image.part")
            await sftp.posix_rename("/export/primary1/image.part", "/export/primary1/image")
            assert (await sftp.stat("/export/primary1/image")).size == 100_000
            for refused in (sftp.symlink, sftp.link):
                with pytest.raises(asyncssh.SFTPError):
                    await refused("/export/primary1/image", "/export/primary1/other")
            assert not await sftp.exists("/etc/passwd")
            lab.rack.set_fault("disk_full")
            with pytest.raises(asyncssh.SFTPError, match="No space left"):
                await sftp.put(str(tmp_path / "image"), "/export/primary2/image")

    asyncio.run(talk())
    lab.rack.clear_faults()
    assert (lab.rack.folder / "storage" / "export" / "primary1" / "image").read_bytes() == b"x" * 100_000
    assert lab.ssh(shell["host"], shell["port"], "find /export/primary1 -mindepth 1 -delete", None).status == 0


def test_the_storage_server_forwards_to_machines_and_nowhere_else(lab: Lab) -> None:
    _, host_key = lab.install("node3")
    shell, machine = lab.pool["storage"]["shell"], lab.machines["node3"]

    async def talk() -> None:
        options = lab.options(shell["host_key"])
        async with asyncssh.connect(shell["host"], shell["port"], **options) as bastion:
            through = asyncssh.connect(machine["ip"], machine["ssh_port"], tunnel=bastion, **lab.options(host_key))
            async with through as inner:
                assert (await inner.run("hostname -f")).stdout == "node3.sim.test\n"
            elsewhere = urlsplit(lab.rack.control)
            with pytest.raises(asyncssh.ChannelOpenError):
                await bastion.open_connection(str(elsewhere.hostname), int(elsewhere.port or 0))
            with pytest.raises(asyncssh.ChannelOpenError):
                await bastion.open_connection(machine["ip"], machine["ssh_port"] + 1)

    asyncio.run(talk())


def test_there_is_no_interactive_shell(lab: Lab) -> None:
    shell = lab.pool["storage"]["shell"]

    async def talk() -> tuple[int | None, str]:
        async with asyncssh.connect(shell["host"], shell["port"], **lab.options(shell["host_key"])) as connection:
            done = await connection.run()
            return done.exit_status, str(done.stderr)

    assert asyncio.run(talk()) == (1, "This server runs single commands only.\n")


def test_the_control_port_refuses_what_makes_no_sense(lab: Lab) -> None:
    for body in (b"{", b'{"fault": "none"}'):
        with pytest.raises(urllib.error.HTTPError) as caught:
            DIRECT.open(lab.rack.control + "/faults", body, timeout=10)
        with caught.value as error:
            assert error.code == 400
            assert b"error" in error.read()


def test_faults_are_shown_and_removed(lab: Lab) -> None:
    lab.rack.set_fault("old_os", "node2", count=3)
    lab.rack.set_fault("disk_slow", value=0.25)
    assert lab.rack.state()["faults"] == [
        {"fault": "old_os", "machine": "node2", "value": 1.0, "count": 3},
        {"fault": "disk_slow", "machine": None, "value": 0.25, "count": None},
    ]
    lab.rack.clear_faults("old_os", "node2")
    assert [fault["fault"] for fault in lab.rack.state()["faults"]] == ["disk_slow"]
