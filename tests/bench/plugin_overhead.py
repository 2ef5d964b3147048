"""What this plugin costs a test: a thousand trivial tests of a Marvin suite under unittest, pytest, and pytest with it.

Run by hand, on a machine that does nothing else:

    python tests/bench/plugin_overhead.py [--bodies nothing list account] [--rounds 5] [--marvin CHECKOUT]

All sides run the same suite in turn, each in a process of its own. Each has a simulated rack of its own with a zone, so
that all of them find a server that has been through the same: it keeps what was removed, and takes ever longer.

- `unittest`: the standard library's runner; the suite is given its clients and configuration by hand.
- `pytest`: pytest without any plugin but its own; the suite is given the same by a fixture.
- `plugin`: pytest with this plugin, which attaches to the zone with its lease, names, judges and records each test.

What a test does: `nothing`, which shows the runners' own time; `list`, one API call; `account`, which makes an account,
finds it and deletes it (three calls and a job), as much as the smallest of CloudStack's own tests do. Measured is the
time from the class's `setUpClass` to its `tearDownClass`, on the clock and on the CPU of this process. Before it the
garbage is collected: else what was imported, more with the plugin, is looked through once in the middle of the tests.

The simulated management server answers in a millisecond or two, a real one takes many times that. What a test with one
call costs on such a server is measured at last, with each answer delayed: fewer tests, as they mostly wait.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_qacloud.marvin import RunContext

CHILD = "--child"
BODIES = ("nothing", "list", "account")
SIDES = ("unittest", "pytest", "plugin")
ZONE, MARVIN, ZONE_FILE = "BENCH_ZONE", "BENCH_MARVIN", "zone.json"
LEASE_S = 3600.0
SLOW_TESTS, SLOW_S = 200, 0.02
"""Tests on a server that takes as long as a real one, and how long that is, seconds a call."""

SUITE = """
import gc, json, os, time
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import createAccount, deleteAccount, listAccounts, listZones


class TestTrivial(cloudstackTestCase):
    @classmethod
    def setUpClass(cls):
        cls.apiclient, cls.command = cls.testClient.getApiClient(), listZones.listZonesCmd()
        cls.command.name = cls.testClient.getZoneForTests()
        cls.apiclient.listZones(cls.command)  # connects
        gc.collect()
        cls.began = time.perf_counter(), time.process_time()

    @classmethod
    def tearDownClass(cls):
        ended = time.perf_counter(), time.process_time()
        with open(os.environ["BENCH_RESULT"], "w") as file:
            json.dump([after - before for before, after in zip(cls.began, ended)], file)

    def do_nothing(self):
        pass

    def do_list(self):
        self.assertEqual(len(self.apiclient.listZones(self.command)), 1)

    def do_account(self):
        create = createAccount.createAccountCmd()
        create.username = create.firstname = create.lastname = self.id()[-40:]
        create.email, create.password, create.accounttype = "a@example.org", "password", 0
        account = self.apiclient.createAccount(create)
        listed, delete = listAccounts.listAccountsCmd(), deleteAccount.deleteAccountCmd()
        listed.id = delete.id = account.id
        self.assertEqual([found.name for found in self.apiclient.listAccounts(listed)], [create.username])
        self.apiclient.deleteAccount(delete)


for number in range(int(os.environ["BENCH_TESTS"])):
    setattr(TestTrivial, f"test_{number:04}", getattr(TestTrivial, "do_" + os.environ["BENCH_BODY"]))
"""


def by_hand() -> RunContext:
    """What a suite is given, without a run of the plugin; its log goes to a file, as Marvin's always does."""
    from pytest_qacloud import marvin
    from pytest_qacloud.drivers.cloudstack import CloudStackApi
    from pytest_qacloud.handover import read_handover

    checkout, zone_file = os.environ.get(MARVIN), Path(os.environ[ZONE])
    marvin.provide(Path(checkout) if checkout else None)
    handler = logging.FileHandler(zone_file.with_name("by-hand.log"), mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("marvin").addHandler(handler)
    logging.getLogger("marvin").setLevel(logging.DEBUG)
    zone = read_handover(zone_file).zone
    connect = partial(CloudStackApi, job_poll_s=zone.job_poll_s)
    return marvin.bind(connect(zone.endpoint), zone, connect)


def pytest_configure(config: pytest.Config) -> None:
    """Loaded as a plugin (`-p plugin_overhead`) this module is the side without ours."""
    config.stash[SUITES] = by_hand()


SUITES = pytest.StashKey[Any]()


@pytest.fixture(scope="class", autouse=True)
def _by_hand(request: pytest.FixtureRequest) -> None:
    from pytest_qacloud import marvin

    marvin.inject(request.cls, request.config.stash[SUITES])


def child(side: str, folder: Path) -> int:
    """Run the suite on one side, in this process."""
    suite = str(folder / "test_trivial.py")
    if side != "unittest":
        checkout = os.environ.get(MARVIN)
        options = ["-q", "--no-header", "--no-summary", f"--rootdir={folder}", "-p", "no:cacheprovider"]
        if side == "pytest":
            return pytest.main([*options, "-p", Path(__file__).stem, suite])
        options += [f"--qacloud-marvin={checkout}"] if checkout else []
        options += ["-p", "pytest_qacloud.plugin", f"--qacloud-runs-dir={folder}/runs"]
        return pytest.main([*options, f"--qacloud-zone={os.environ[ZONE]}", suite])
    import unittest
    from importlib import import_module

    from pytest_qacloud import marvin

    context = by_hand()
    sys.path.insert(0, str(folder))
    module = import_module("test_trivial")
    marvin.inject(module.TestTrivial, context)
    tests = unittest.defaultTestLoader.loadTestsFromModule(module)
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        return not unittest.TextTestRunner(nothing, verbosity=0).run(tests).wasSuccessful()


def measure(side: str, tests: int, body: str, folder: Path) -> tuple[float, float]:
    """Microseconds a test on the clock and on the CPU."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "BENCH_TESTS": str(tests),
        "BENCH_BODY": body,
        "BENCH_RESULT": str(result),
        ZONE: str(folder / ZONE_FILE),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH")))),
    }
    argv = [sys.executable, __file__, CHILD, side, str(folder)]
    run = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    if run.returncode != 0:
        raise SystemExit(f"the side {side} failed:\n{run.stdout}")
    wall_s, cpu_s = json.loads(result.read_text(encoding="utf-8"))
    return wall_s / tests * 1e6, cpu_s / tests * 1e6


def compare(tests: int, body: str, rounds: int, folders: Mapping[str, Path], what: str = "") -> None:
    """Run all sides in turn, several times, and print each one's best round and what lies between them.

    The best round is the least disturbed one: whatever else the machine does can only make a round slower.

    Args:
        folders: of each side, with its suite and its zone.
        what: is said of the server.
    """
    found: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            found[side].append(measure(side, tests, body, folders[side]))
    load = os.getloadavg()[0]
    print(f"{body}{what}: {tests} tests, best of {rounds} rounds, load average {load:.1f}")
    for number, clock in enumerate(("wall", "CPU")):
        plain, alone, whole = (min(each[number] for each in found[side]) for side in SIDES)
        print(f"  {clock:>4}: unittest {plain:6.0f} µs, pytest {alone:6.0f} µs, with the plugin {whole:6.0f} µs a test")
        for name, more in (("the plugin", whole - alone), ("pytest", alone - plain), ("both", whole - plain)):
            print(f"        {name:>10} adds {more:6.0f} µs, {more / plain:8.1%} of plain unittest's test")


def zone(side: str, folder: Path, stack: ExitStack) -> str:
    """Make a side's suite and zone, which lasts as long as `stack`; the address of its rack's control port."""
    from pytest_qacloud.progress import LogView
    from pytest_qacloud.session import Session
    from pytest_qacloud.settings import Settings

    folder.mkdir()
    (folder / "test_trivial.py").write_text(SUITE, encoding="utf-8")
    given = {"pool": "sim", "runs-dir": str(folder / "runs"), "pools-dir": str(folder)}
    session = Session(Settings(given, lambda _key: "", folder), LogView(lambda _line: None))
    stack.callback(session.stop)
    session.start()
    session.hand_over(folder / ZONE_FILE, LEASE_S)
    for line in session.journal.path.read_text(encoding="utf-8").splitlines():
        if (event := json.loads(line)).get("step") == "rack" and "control" in event:
            return str(event["control"])
    raise SystemExit(f"the rack of the side {side} is not in its journal")


def slow_down(control: str) -> None:
    """Have a rack's management server take its time from here on."""
    fault = json.dumps({"fault": "api_slow", "value": SLOW_S}).encode()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{control}/faults", fault, timeout=10).close()


def main() -> None:
    """Make a zone for each side, and compare them for each number of calls."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--bodies", nargs="+", choices=BODIES, default=BODIES, help="what a test does")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--marvin", help="a CloudStack checkout, whose Marvin is used instead of the stand-in")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qacloud-bench-") as name, ExitStack() as stack:
        os.environ["QACLOUD_STATE_DIR"] = str(Path(name) / "state")
        if chosen.marvin:
            os.environ[MARVIN] = str(Path(chosen.marvin).absolute())
        folders = {side: Path(name) / side for side in SIDES}
        controls = [zone(side, folder, stack) for side, folder in folders.items()]
        for body in chosen.bodies:
            compare(chosen.tests, body, chosen.rounds, folders)
        for control in controls:
            slow_down(control)
        compare(
            SLOW_TESTS, "list", chosen.rounds, folders, f" on a server that takes {SLOW_S * 1e3:.0f} ms more a call"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        sys.exit(child(sys.argv[2], Path(sys.argv[3])))
    main()
