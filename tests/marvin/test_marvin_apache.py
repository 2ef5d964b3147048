"""CloudStack's own Marvin from a checkout: loading it, and giving it a zone."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest
from marvin_checkout import write_checkout

from pytest_qacloud.errors import MarvinError
from pytest_qacloud.marvin.apache import WithoutSecrets
from pytest_qacloud.marvin.finder import marvin_folder

if TYPE_CHECKING:
    from pathlib import Path

    from marvin_fakes import Python

BOUND = """
import logging, sys
from dataclasses import replace
import re
from pathlib import Path
sys.path.insert(0, {helpers!r})
from marvin_fakes import FakeApi
from pytest_qacloud.errors import MarvinError
from pytest_qacloud.marvin import bind, provide, which, withdraw
from pytest_qacloud.model import Build, Endpoint, Zone

endpoint = Endpoint("http://127.0.0.5:4711/client/api", "admin-key", "admin-secret")
ZONE = Zone(
    pool="sim", epoch=3, id="zone-id", name="sim-e3", hypervisor="KVM", endpoint=endpoint, machines=("node1",), hosts=1,
    build=Build("release"), marvin_config={{"zones": [{{"name": "sim-e3"}}], "mgtSvr": [{{"user": "admin"}}]}},
    job_poll_s=0.01,
)
provide(Path({checkout!r}))
def bound(zone=ZONE, api=None):
    return bind(api or FakeApi(), zone, None)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return write_checkout(tmp_path / "cloudstack")


@pytest.fixture
def bound(checkout: Path, pytestconfig: pytest.Config) -> str:
    """What a program begins with that binds a zone to the checkout's Marvin."""
    return BOUND.format(checkout=str(checkout), helpers=str(pytestconfig.rootpath / "tests" / "helpers"))


@pytest.mark.parametrize("inside", [".", "tools/marvin", "tools/marvin/marvin"])
def test_a_checkout_s_marvin_is_found(checkout: Path, inside: str) -> None:
    assert marvin_folder(checkout / inside) == (checkout / "tools" / "marvin" / "marvin").resolve()


def test_where_no_marvin_is_the_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(MarvinError, match=f"there is no Marvin in {tmp_path}: give the folder of a CloudStack"):
        marvin_folder(tmp_path)


def test_its_modules_are_the_checkout_s_and_the_api_is_made(python: Python, bound: str, checkout: Path) -> None:
    printed = python(
        bound
        + """
import marvin.codes
from marvin.cloudstackAPI import *
from marvin.cloudstackTestClient import CSTestClient
print(which().kind, marvin.codes.__file__)
print(len(marvin.cloudstackAPI.__all__), deployVirtualMachine.deployVirtualMachineCmd().isAsync)
withdraw()
print([entry for entry in sys.path if "cloudstack" in entry])
"""
    )
    assert printed.splitlines() == [
        f"Apache CloudStack's {checkout}/tools/marvin/marvin/codes.py",
        "918 true",
        "[]",
    ]


def test_a_generated_api_is_left_alone(python: Python, bound: str, checkout: Path) -> None:
    generated = checkout / "tools" / "marvin" / "marvin" / "cloudstackAPI"
    generated.mkdir()
    (generated / "__init__.py").write_text("GENERATED = True")
    assert python(bound + "import marvin.cloudstackAPI\nprint(marvin.cloudstackAPI.GENERATED)") == "True"


def test_a_marvin_that_was_imported_before_is_no_longer_changed(python: Python, checkout: Path) -> None:
    printed = python(f"""
        from pathlib import Path
        from pytest_qacloud.errors import MarvinError
        from pytest_qacloud.marvin import provide
        provide()
        import marvin
        try:
            provide(Path({str(checkout)!r}))
        except MarvinError as error:
            print(error)
    """)
    assert "another one" in printed
    assert "stand_in/marvin/__init__.py, has been imported already" in printed


def test_marvin_of_python_2_is_told_as_such(python: Python, bound: str, checkout: Path) -> None:
    (checkout / "tools" / "marvin" / "marvin" / "dbConnection.py").write_text("print 'hello'\n")
    printed = python(
        bound
        + """
print(which().kind)
try:
    from marvin.cloudstackTestCase import cloudstackTestCase
except ImportError as error:
    print(error)
try:
    bound()
except MarvinError as error:
    print(error)
"""
    ).splitlines()
    assert printed[0] == "Apache CloudStack's for Python 2"
    assert all("of the time of Python 2" in line and "--qacloud-marvin=PATH" in line for line in printed[1:])
    assert len(printed) == 3


def test_the_client_speaks_to_the_leased_endpoint(python: Python, bound: str) -> None:
    printed = python(
        bound
        + """
context = bound()
client = context.test_client
connection = client.getApiClient().connection
print(connection.baseUrl, connection.apiKey, connection.securityKey)
print(client.getZoneForTests(), client.getHypervisorInfo(), context.config.zones[0].name, context.config.mgtSvr[0].user)
print(context.config.mgtSvr[0].useHttps, connection.asyncTimeout)
context.close()
"""
    )
    assert printed.splitlines() == [
        "http://127.0.0.5:4711/client/api admin-key admin-secret",
        "sim-e3 KVM sim-e3 admin",
        "False 360000",
    ]


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://cloud.example.org/client/api", "https://cloud.example.org:443/client/api"),
        ("http://cloud.example.org/client/api/", "http://cloud.example.org:80/client/api"),
    ],
)
def test_an_endpoint_without_a_port_has_its_scheme_s(python: Python, bound: str, url: str, base: str) -> None:
    printed = python(
        bound
        + f"""
print(bound(replace(ZONE, endpoint=replace(endpoint, url={url!r}))).test_client.getApiClient().connection.baseUrl)
"""
    )
    assert printed == base


def test_a_user_s_client_has_keys_of_its_own_and_leaves_the_others_theirs(python: Python, bound: str) -> None:
    printed = python(
        bound
        + """
import copy
client = bound().test_client
admin = client.getApiClient()
one, two = client.getUserApiClient("one", "d"), client.getUserApiClient("two", "d")
for each in (admin, one, two, copy.copy(admin), copy.copy(one)):
    print(each.connection.baseUrl, each.connection.apiKey, each.connection.securityKey)
print(client.getUserApiClient())
"""
    ).splitlines()
    keys = ["admin-key admin-secret", "key of one secret of one", "key of two secret of two"]
    keys += ["admin-key admin-secret", "key of one secret of one"]
    assert printed == [f"http://127.0.0.5:4711/client/api {key}" for key in keys] + ["FAILED"]


def test_sql_is_skipped_only_where_no_database_is_named(python: Python, bound: str) -> None:
    printed = python(
        bound
        + """
import unittest
try:
    bound().test_client.getDbConnection().execute("select 1")
except unittest.SkipTest as reason:
    print(reason)
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    details = {"dbSvr": "127.0.0.1", "port": server.getsockname()[1]}
    named = replace(ZONE, marvin_config=dict(ZONE.marvin_config, dbSvr=details))
    connection = bound(named).test_client.getDbConnection()
    try:
        connection.execute("select 1")
    except Exception as error:
        print(error)
try:
    connection.execute("select 1")
except Exception as error:
    print(type(error).__name__, error)
"""
    ).splitlines()
    assert printed[0].endswith("the configuration of zone sim-e3 names none (dbSvr)")
    assert printed[1] == "asked localhost: select 1"
    assert re.fullmatch(r"UnreachableError database 127.0.0.1:\d+: Connection refused \(correct dbSvr .*", printed[2])


def test_what_cannot_be_bound_is_refused(python: Python, bound: str, tmp_path: Path) -> None:
    printed = python(
        bound
        + """
for change in (
    {"endpoint": replace(endpoint, url="http://127.0.0.5/other")},
    {"marvin_config": {"TestData": {"Path": "missing.cfg"}}},
    {"marvin_config": {"dbSvr": {"dbSvr": "broken"}}},
):
    try:
        bound(replace(ZONE, **change))
    except MarvinError as error:
        print(error)
Path("data.cfg").touch()
print(bound(replace(ZONE, marvin_config={"TestData": {"Path": "data.cfg"}})).test_client.getParsedTestDataConfig())
"""
    ).splitlines()
    assert printed[0] == "Marvin calls CloudStack only at /client/api, and the endpoint is http://127.0.0.5/other"
    assert printed[1].endswith("names missing.cfg as test data, which is no file")
    assert printed[2].startswith("Marvin could not make its test client for zone sim-e3")
    assert printed[3] == "{'path': 'data.cfg'}"


def test_old_names_of_assertions_are_there_on_every_python(python: Python, bound: str) -> None:
    printed = python(
        bound
        + """
import warnings
from marvin.cloudstackTestCase import cloudstackTestCase
from pytest_qacloud.marvin import inject
class Suite(cloudstackTestCase):
    def test(self):
        self.assertEquals(1, 1)
        self.assert_(True)
inject(Suite, bound())
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    Suite("test").test()
print("passed")
"""
    )
    assert printed == "passed"


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("{'apiKey': 'A', 'signature': b'x=', 'id': '7'}", "{'apiKey': '…', 'signature': '…', 'id': '7'}"),
        ("{secretkey : 'S', apikey : 'A', state : 'enabled'}", "{secretkey : '…', apikey : '…', state : 'enabled'}"),
        ("""password = "it's", x = 1""", 'password = "…", x = 1'),
        ("{'PASSWD': 'P'} SessionKey='S'", "{'PASSWD': '…'} SessionKey='…'"),
        ("{'id': '7', 'state': 'Running'}", "{'id': '7', 'state': 'Running'}"),
        ("keypair : 'mine', passwordenabled : True", "keypair : 'mine', passwordenabled : True"),
    ],
)
def test_secrets_are_not_logged(said: str, logged: str) -> None:
    record = logging.LogRecord("marvin", logging.DEBUG, "", 0, "got %s", (said,), None)
    assert WithoutSecrets().filter(record)
    assert record.getMessage() == f"got {logged}"
