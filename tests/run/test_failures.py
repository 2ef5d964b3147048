"""What is said of a test that fails: what it called, and whether the simulated management server could serve it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from marvin_checkout import write_checkout
from runs import Ended, run

from pytest_qacloud.rack.cloudstack import registry, schema

if TYPE_CHECKING:
    from pathlib import Path

    from rackclient import Rack

SUITE = """
import threading
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import *


def new_account(client, name):
    cmd = createAccount.createAccountCmd()
    cmd.username = cmd.firstname = cmd.lastname = name
    cmd.email, cmd.password, cmd.accounttype = name + "@example.org", "word-of-" + name, 0
    return client.createAccount(cmd)


class TestCalls(cloudstackTestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = cls.testClient.getApiClient()
        cls.client.listPods(listPods.listPodsCmd())

    def setUp(self):
        self.client.listZones(listZones.listZonesCmd())

    def test_1_refused(self):
        new_account(self.client, "twice")
        new_account(self.client, "twice")

    def test_2_many(self):
        for _ in range(40):
            self.client.listZones(listZones.listZonesCmd())
        other = threading.Thread(target=lambda: self.client.listClusters(listClusters.listClustersCmd()))
        other.start()
        other.join()
        self.fail("after many")

    def test_3_job(self):
        pools = self.client.listStoragePools(listStoragePools.listStoragePoolsCmd())
        cmd = enableStorageMaintenance.enableStorageMaintenanceCmd()
        cmd.id = pools[0].id
        self.client.enableStorageMaintenance(cmd)
        cmd = cancelStorageMaintenance.cancelStorageMaintenanceCmd()
        cmd.id = pools[0].id
        self.client.cancelStorageMaintenance(cmd)
        self.fail("after jobs")

    def test_4_passes(self):
        self.client.listZones(listZones.listZonesCmd())


class TestSetup(cloudstackTestCase):
    @classmethod
    def setUpClass(cls):
        client = cls.testClient.getApiClient()
        new_account(client, "of-the-class")
        raise Exception("no setup")

    def test_1_never_runs(self):
        pass

    def test_2_never_runs(self):
        pass
"""


def sections(ended: Ended) -> dict[str, str]:
    """The sections of the failing tests in the JUnit file."""
    root = ET.parse(ended.folder / "bvt.xml").getroot()
    found = {case.attrib["name"]: case.findtext("system-out") for case in root.iter("testcase")}
    return {name: text for name, text in found.items() if text is not None}


@pytest.mark.parametrize("marvin", ["stand-in", "apache"])
def test_a_failing_test_shows_its_calls(idle_rack: Rack, tmp_path: Path, marvin: str) -> None:
    arguments = [f"--junitxml={tmp_path / 'bvt.xml'}"]
    if marvin == "apache":
        arguments.append(f"--qacloud-marvin={write_checkout(tmp_path / 'cloudstack')}")

    ended = run(tmp_path, idle_rack.pool_file, *arguments, suite=SUITE)

    assert ended.code == 1, ended.output
    shown = sections(ended)
    assert sorted(shown) == ["test_1_never_runs", "test_1_refused", "test_2_many", "test_2_never_runs", "test_3_job"]
    [folder] = (tmp_path / "runs").iterdir()
    for text in shown.values():
        assert text.startswith(f"logs of this run: {folder}\n")
        assert text in ended.output
    refused = shown["test_1_refused"].splitlines()[1:]
    assert refused[0] == "3 API calls of test_small.py::TestCalls::test_1_refused"
    assert [re.sub(r"^ +[\d.]+ s +|\(.*\)", "", line) for line in refused[1:]] == [
        "listZones -> done",
        "createAccount -> done",
        "createAccount -> 431 The specified account: twice already exists",
    ]
    many = shown["test_2_many"].splitlines()[1:]
    assert many[0].startswith("42 API calls of")
    assert many[0].endswith("; the first 12 are left out here, api-calls.jsonl has all")
    assert len(many) == 31
    assert "listClusters() -> done" in many[-1]
    jobs = [line.partition("  ")[2] for line in shown["test_3_job"].splitlines() if "StorageMaintenance" in line]
    assert len(jobs) == 2, jobs
    assert all(line.endswith("done") for line in jobs)
    assert all(("-> job " in line) == (marvin == "apache") for line in jobs)
    for name in ("test_1_never_runs", "test_2_never_runs"):
        assert "1 API call of test_small.py::TestSetup\n" in shown[name]
        assert "createAccount(" in shown[name]
    assert_all_is_in_the_file(folder)


def assert_all_is_in_the_file(folder: Path) -> None:
    calls = [json.loads(line) for line in (folder / "api-calls.jsonl").read_text(encoding="utf-8").splitlines()]
    many = [call["command"] for call in calls if call["test"].endswith("test_2_many")]
    assert many == ["listZones"] * 41 + ["listClusters"]
    assert [call["command"] for call in calls if call["test"].endswith("::TestCalls")] == ["listPods"]
    assert "queryAsyncJobResult" not in {call["command"] for call in calls}
    created = [call for call in calls if call["command"] == "createAccount"]
    assert {call["params"]["password"] for call in created} == {"…"}
    for file in folder.iterdir():
        assert "word-of-twice" not in file.read_text(encoding="utf-8"), file


LACKING = """
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import *


class TestLacking(cloudstackTestCase):
    def setUp(self):
        self.client = self.testClient.getApiClient()

    def lacking(self):
        return self.client.{command}({command}.{command}Cmd())

    def test_1_raises(self):
        self.lacking()

    def test_2_wraps(self):
        try:
            self.lacking()
        except Exception as error:
            raise AssertionError("wrapped") from None

    def test_3_fails_for_another_reason(self):
        self.fail("the build's")

    def test_4_does_not_mind(self):
        with self.assertRaises(Exception):
            self.lacking()


class TestLackingSetup(cloudstackTestCase):
    @classmethod
    def setUpClass(cls):
        client = cls.testClient.getApiClient()
        client.{command}({command}.{command}Cmd())

    def test_5_never_runs(self):
        pass


class TestTwice(cloudstackTestCase):
    def test_7_fails_and_cannot_clean_up(self):
        self.testClient.getApiClient().{command}({command}.{command}Cmd())

    def tearDown(self):
        raise Exception("nothing to clean up")


def test_6_by_the_fixture(qacloud_api):
    qacloud_api.call("{command}")
"""


def lacking_command() -> str:
    """A command of CloudStack's that the simulated management server does not have, and that needs no parameter."""
    commands = schema.load().commands
    return next(
        name
        for name in sorted(set(commands) - registry.implemented() - {"login", "logout"})
        if not any(parameter.required for parameter in commands[name].parameters)
    )


@pytest.mark.parametrize("marvin", ["stand-in", "apache"])
def test_what_is_not_simulated_is_counted_apart(idle_rack: Rack, tmp_path: Path, marvin: str) -> None:
    command = lacking_command()
    arguments = [f"--junitxml={tmp_path / 'bvt.xml'}"]
    if marvin == "apache":
        arguments.append(f"--qacloud-marvin={write_checkout(tmp_path / 'cloudstack')}")

    ended = run(tmp_path, idle_rack.pool_file, *arguments, suite=LACKING.format(command=command))

    assert ended.code == 1, ended.output
    assert re.search(r"= 1 failed, 1 passed, 5 not simulated in ", ended.output), ended.output
    assert "5 NOT SIMULATED: " in ended.output
    assert f"  {command}: 5 tests\n" in ended.output
    verdicts = {
        verdict["test"].rpartition("::")[2]: (verdict["outcome"], verdict["not_simulated"])
        for verdict in ended.verdicts
    }
    lacking = ("UNTESTABLE", [command])
    assert verdicts == {
        "test_1_raises": lacking,
        "test_2_wraps": lacking,
        "test_3_fails_for_another_reason": ("BAD", []),
        "test_4_does_not_mind": ("GOOD", []),
        "test_5_never_runs": lacking,
        "test_6_by_the_fixture": lacking,
        "test_7_fails_and_cannot_clean_up": lacking,
    }
    suite = next(ET.parse(tmp_path / "bvt.xml").getroot().iter("testsuite"))
    assert (suite.attrib["failures"], suite.attrib["errors"], suite.attrib["tests"]) == ("1", "5", "7")
    marked = {
        case.attrib["name"]: {item.attrib["name"]: item.attrib["value"] for item in case.iter("property")}
        for case in suite.iter("testcase")
    }
    unmarked = {"qacloud_pool": idle_rack.pool().name}
    assert marked == {
        name: unmarked
        | ({"qacloud_verdict": "UNTESTABLE", "qacloud_not_simulated": command} if found == lacking else {})
        for name, found in verdicts.items()
    }


SAME = """
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import listZones


class TestSame(cloudstackTestCase):
    @classmethod
    def setUpClass(cls):
        cls.testClient.getApiClient().listZones(listZones.listZonesCmd())
        {setup}

    def test_same(self):
        {test}
"""


def test_files_outside_the_root_folder_are_not_taken_for_each_other(idle_rack: Rack, tmp_path: Path) -> None:
    files = []
    for folder, setup, test in (("one", "pass", "self.fail('one')"), ("two", "raise Exception('two')", "pass")):
        file = tmp_path / "elsewhere" / folder / "test_same.py"
        file.parent.mkdir(parents=True)
        file.write_text(SAME.format(setup=setup, test=test), encoding="utf-8")
        files.append(file)

    ended = run(
        tmp_path / "root", idle_rack.pool_file, f"--junitxml={tmp_path / 'root' / 'bvt.xml'}",
        *map(str, files), "--import-mode=importlib", suite="",
    )  # fmt: skip

    assert ended.code == 1, ended.output
    one, two = (f"{file}::TestSame::test_same" for file in files)
    assert [(verdict["test"], verdict["evidence"]) for verdict in ended.verdicts] == [(one, "one"), (two, "two")]
    cases = [*ET.parse(ended.folder / "bvt.xml").getroot().iter("testcase")]
    names = [item.attrib["value"] for case in cases for item in case.iter("property") if "test" in item.attrib["name"]]
    assert names == [one, two]
    assert f"{one} made no API call" in str(cases[0].findtext("system-out"))
    assert f"1 API call of {two.removesuffix('::test_same')}\n" in str(cases[1].findtext("system-out"))
