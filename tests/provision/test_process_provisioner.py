"""What a pool of kind `process` does when a step fails: the message, and what is left."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processlab import ProcessLab, command

from pytest_qacloud.config import load_pool
from pytest_qacloud.deadline import SYSTEM_CLOCK
from pytest_qacloud.drivers.process import members
from pytest_qacloud.errors import BuildError, ConfigError, LeaseLostError, ProvisionError
from pytest_qacloud.journal import Journal, Redactor
from pytest_qacloud.model import Lease, ProcessPool
from pytest_qacloud.provision import process_commands
from pytest_qacloud.provision.process import ProcessProvisioner
from pytest_qacloud.provision.process_state import ProcessState
from pytest_qacloud.provision.stage import Stage
from pytest_qacloud.wiring import ProcessDrivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_qacloud.provision.process_plan import ProcessRun

SLEEPS = command("import time; time.sleep(600)")


class Bench:
    """Runs of one pool, with real commands and a real repository."""

    def __init__(self, folder: Path) -> None:
        self.lab = ProcessLab(folder / "lab")
        self.folder, self.epoch = folder, 0
        self.state = ProcessState(folder / "state" / "processes")
        self.journal = Journal(folder / "journal.jsonl", Redactor())
        self.lost = False
        self.drivers: list[ProcessDrivers] = []

    def check(self) -> None:
        if self.lost:
            raise LeaseLostError("local", self.epoch, "it has expired")

    def make(self, rev: str = "main", *, top: str = "", **tables: Any) -> ProcessProvisioner:
        """The next run of the pool."""
        self.epoch += 1
        pool = load_pool(self.lab.pool(top=top, **tables))
        assert isinstance(pool, ProcessPool)
        drivers = ProcessDrivers(pool)
        self.drivers.append(drivers)
        lease = Lease("local", "me", "", "token", self.epoch, 0.0, 60.0, 60.0)
        stage = Stage("local", self.journal, self.check, SYSTEM_CLOCK)
        return ProcessProvisioner(pool, rev, lease, drivers, self.state, stage, self.folder)

    def fails(self, rev: str = "main", *, top: str = "", **tables: Any) -> ProvisionError:
        """How a run fails; it is taken down."""
        made = self.make(rev, top=top, **tables)
        with pytest.raises(ProvisionError) as caught:
            made.provision()
        assert made.teardown(self.check) == []
        self.nothing_left()
        return caught.value

    def nothing_left(self) -> None:
        assert self.state.runs("local") == []
        assert self.lab.processes() == []
        assert list(self.folder.glob("state/repositories/*.trees/*")) == []

    def close(self) -> None:
        self.lab.close()
        for drivers in self.drivers:
            for _, program in sorted(drivers.programs._ours.items()):
                program.reap()
            drivers.close()
        self.journal.close()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("QACLOUD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(process_commands, "GRACE_S", 5.0)
    made = Bench(tmp_path)
    yield made
    made.close()


def test_a_build_that_fails_is_the_commit_s(bench: Bench) -> None:
    error = bench.fails("broken")

    assert isinstance(error, BuildError)
    assert (error.machine, error.step, error.of_pool) == ("local", "build", True)
    assert "build.py" in error.observed
    assert "ended with exit status 3; its last lines: building " in error.observed
    assert f"delay: this is no number; log: {bench.folder / 'build.log'}" in error.observed
    assert f"the sources are commit {bench.lab.repository.git('rev-parse', 'broken')}" in error.action
    assert '"build_failed": true' in (bench.folder / "journal.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("build", "observed", "action"),
    [
        ({"argv": ["no-maven"], "limit_s": 9}, "cannot be run: no-maven: No such file", "Install what it needs"),
        ({"argv": SLEEPS, "limit_s": 0.3}, "did not end within 0.3 s, and was ended", "raise [process.build] limit_s"),
        (
            {"argv": command("import os; os.kill(os.getpid(), 9)"), "limit_s": 60},
            "was killed by signal 9; it wrote nothing",
            "dmesg",
        ),
        (
            {"argv": command("while True: print('x' * 4096)"), "limit_s": 60},
            "wrote more than 0.5 MiB",
            "raise [process] output_mib",
        ),
    ],
)  # fmt: skip
def test_a_build_that_does_not_get_to_its_end_is_not_the_commit_s(
    bench: Bench, build: dict[str, Any], observed: str, action: str
) -> None:
    error = bench.fails(top="output_mib = 0.5", build=build)

    assert not isinstance(error, BuildError)
    assert error.step == "build"
    assert observed in error.observed
    assert str(bench.folder / "build.log") in error.observed
    assert action in error.action


def test_a_database_that_cannot_be_prepared_is_told(bench: Bench) -> None:
    prepare = {"argv": command("import sys; sys.exit('no database server')"), "limit_s": 60}

    error = bench.fails(prepare=prepare)

    assert not isinstance(error, BuildError)
    assert (error.step, "its last lines: no database server;" in error.observed) == ("prepare", True)


def test_a_server_that_ends_at_once_is_not_waited_for(bench: Bench) -> None:
    error = bench.fails(start={"argv": command("print('port taken')")}, ready={"port": "api", "limit_s": 600})

    assert error.step == "ready"
    assert "ended with exit status 0 before the server was ready; its last lines: port taken" in error.observed
    assert "[process.start]" in error.action


@pytest.mark.parametrize(
    ("ready", "seen"),
    [({"port": "api"}, "Connection refused"), ({"url": "http://127.0.0.1:{port.api}/"}, "does not answer")],
)
def test_a_server_that_is_never_ready_is_given_up_and_ended(bench: Bench, ready: dict[str, Any], seen: str) -> None:
    error = bench.fails(start={"argv": SLEEPS}, ready={**ready, "limit_s": 0.5})

    assert error.step == "ready"
    assert "runs, and is not ready within 0.5 s: " in error.observed
    assert seen in error.observed
    assert "[process.ready]" in error.action


NEVER_UP = """
import http.server, sys
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        self.send_error(503)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""


def test_an_api_that_gives_out_no_keys_is_given_up(bench: Bench) -> None:
    made = bench.make(start={"argv": command(NEVER_UP, "{port.api}")})
    made.pool = replace(made.pool, timeouts=replace(made.pool.timeouts, management_s=0.5))

    with pytest.raises(ProvisionError) as caught:
        made.provision()

    assert caught.value.step == "management"
    assert "gives out no keys within 0.5 s: CloudStack 127.0.0.1:" in caught.value.observed
    assert str(bench.folder / "start.log") in caught.value.observed
    assert "[timeouts] management_s" in caught.value.action
    assert made.teardown(bench.check) == []
    bench.nothing_left()


def test_a_server_that_floods_its_log_is_ended(bench: Bench) -> None:
    flood = command("while True: print('y' * 4096)")

    error = bench.fails(top="output_mib = 0.5", start={"argv": flood}, ready={"port": "api", "limit_s": 600})

    assert "wrote more than 0.5 MiB" in error.observed


def test_a_commit_that_is_not_there_leaves_nothing(bench: Bench) -> None:
    made = bench.make("featuer")

    with pytest.raises(ConfigError, match="no commit featuer"):
        made.provision()

    assert made.teardown(bench.check) == []
    bench.nothing_left()


def test_what_a_command_is_given_is_this_run_s_own(bench: Bench) -> None:
    says = command(
        "import os, sys; print(*sys.argv[1:], os.environ['DB'])",
        "{port.api}", "{port.agent}", "{database}", "{work}", "{worktree}", "{commit}", "{{}}",
    )  # fmt: skip
    made = bench.make(
        top='ports = ["api", "agent"]', build={"argv": says, "limit_s": 60}, env={"DB": "jdbc:{database}"},
        start={"argv": command("pass")},
    )  # fmt: skip
    with pytest.raises(ProvisionError):
        made.provision()
    (run,) = bench.state.runs("local")
    said = (bench.folder / "build.log").read_text(encoding="utf-8").split()
    values = [str(port) for port in run.ports.values()]
    values += [run.database, run.work, run.worktree, run.commit, "{}", f"jdbc:{run.database}"]
    assert said == values
    made.teardown(bench.check)
    bench.nothing_left()


def test_a_lost_lease_stops_the_build_and_what_is_our_own_is_undone_without_it(bench: Bench) -> None:
    begun = bench.folder / "begun"
    waits = command("import sys, time; open(sys.argv[1], 'w').close(); time.sleep(600)", str(begun))
    made = bench.make(build={"argv": waits, "limit_s": 60})
    check = made.stage.check

    def lose_it_in_the_build() -> None:
        bench.lost = begun.exists()
        check()

    made.stage.check = lose_it_in_the_build
    with pytest.raises(LeaseLostError):
        made.provision()

    assert bench.lost
    assert made.teardown(bench.check) == []
    bench.nothing_left()


def left_over(bench: Bench, **tables: Any) -> ProcessRun:
    """What a run leaves that dies while its server starts, its `prepare` still in the background."""
    background = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    made = bench.make(
        prepare={"argv": command(background), "limit_s": 60}, start={"argv": SLEEPS},
        ready={"port": "api", "limit_s": 0.3}, **tables,
    )  # fmt: skip
    with pytest.raises(ProvisionError, match="is not ready"):
        made.provision()
    (run,) = bench.state.runs("local")
    return run


def test_a_dead_run_s_processes_are_ended_before_the_next_begins(bench: Bench) -> None:
    stops = {"argv": command("import sys; open('../../stopped', 'a').write(sys.argv[1] + '\\n')", "{database}"),
             "limit_s": 60}  # fmt: skip
    run = left_over(bench, stop=stops)
    assert [step for step, _ in run.programs] == ["build", "prepare", "start"]
    assert [len(members(identity)) for _, identity in run.programs] == [0, 1, 1]

    following = bench.make("broken", stop=stops)
    with pytest.raises(BuildError):
        following.provision()

    assert not any(members(identity) for _, identity in run.programs)
    assert [left.epoch for left in bench.state.runs("local")] == [2]
    following.teardown(bench.check)
    bench.nothing_left()
    (stopped,) = bench.folder.glob("state/**/stopped")
    assert stopped.read_text(encoding="utf-8") == f"{run.database}\n", "by the dead run's own database"


def test_a_dead_run_of_before_a_reboot_is_only_tidied_up(bench: Bench) -> None:
    run = left_over(bench)
    rebooted = tuple((step, replace(identity, boot="another")) for step, identity in run.programs)
    bench.state.save(replace(run, programs=rebooted))

    following = bench.make("broken")
    with pytest.raises(BuildError):
        following.provision()

    alive = [identity for _, identity in run.programs if members(identity)]
    assert len(alive) == 2, "numbers that belong to others now are nobody's to end"
    following.teardown(bench.check)
    assert bench.state.runs("local") == []
    for identity in alive:
        bench.drivers[0].programs.end(identity, grace_s=5)


def test_a_stop_that_fails_is_told_and_the_rest_is_ended(bench: Bench) -> None:
    made = bench.make(
        start={"argv": SLEEPS}, ready={"port": "api", "limit_s": 0.3},
        stop={"argv": command("import sys; sys.exit('cannot')"), "limit_s": 60},
    )  # fmt: skip
    with pytest.raises(ProvisionError):
        made.provision()

    (failure,) = made.teardown(bench.check)

    assert "ended with exit status 1; its last lines: cannot" in failure.observed
    bench.nothing_left()


def test_what_cannot_be_ended_stays_on_record(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench.make(start={"argv": SLEEPS}, ready={"port": "api", "limit_s": 0.3})
    with pytest.raises(ProvisionError):
        made.provision()
    with monkeypatch.context() as patched:
        patched.setattr("pytest_qacloud.drivers.process._signal", lambda *_: None)
        patched.setattr("pytest_qacloud.drivers.process.KILL_LIMIT_S", 0.05)
        patched.setattr(process_commands, "GRACE_S", 0.05)
        (failure,) = made.teardown(bench.check)

    assert "do not end" in failure.observed
    (run,) = bench.state.runs("local")
    assert Path(run.worktree).is_dir()
    assert made.teardown(bench.check) == []
    bench.nothing_left()


def test_sources_that_are_gone_do_not_keep_the_rest_from_being_undone(bench: Bench) -> None:
    run = left_over(bench, stop={"argv": command("pass"), "limit_s": 60})
    shutil.rmtree(run.worktree)

    bench.fails("broken")

    assert not any(members(identity) for _, identity in run.programs)
