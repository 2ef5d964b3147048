"""Commands on this machine: started on record, and ended with all that they started and nothing else."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.drivers import process, process_net
from pytest_qacloud.drivers.process import LocalPrograms, Started, members
from pytest_qacloud.errors import ServiceFaultError
from pytest_qacloud.ports_process import Program, Programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_qacloud.model import ProcessIdentity

LIMIT_S = 30.0
SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPS
HAS_CHILD = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEPS!r}], process_group=0)  # another process group of the same session
time.sleep(600)
"""
LEAVES_CHILD = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {SLEEPS!r}])
"""


class Bench:
    """Starts commands in a folder of its own, and kills what is left of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, LocalPrograms(["SECRET"])
        self.mark = self.programs.mark()
        self.started: list[ProcessIdentity] = []
        self.output = folder / "output.log"

    def start(self, *argv: str, **env: str) -> Started:
        return self.programs.start(
            argv, env=env, folder=self.folder, output=self.output, mark=self.mark, announce=self.started.append
        )

    def python(self, code: str, **env: str) -> Started:
        return self.start(sys.executable, "-c", code, **env)

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def close(self) -> None:
        for identity in self.started:
            for seen in members(identity):
                with suppress(ProcessLookupError):
                    os.kill(seen.pid, signal.SIGKILL)
            self.programs.end(identity, grace_s=0)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def until(true: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < ends_s, "it did not come"
        time.sleep(0.01)


def ended(program: Started) -> int:
    until(lambda: program.status() is not None)
    status = program.status()
    assert status is not None
    return status


def test_it_fulfils_its_port(bench: Bench) -> None:
    assert isinstance(bench.programs, Programs)
    assert isinstance(bench.python("pass"), Program)


def test_a_command_runs_where_and_with_what_it_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "PYTEST_X", "QACLOUD_POOL", "SECRET", "KEPT"):
        monkeypatch.setenv(name, "ours")
    code = "import os, sys; print(os.getcwd(), sorted(v for v in os.environ if os.environ[v] in ('ours', 'given')))"

    program = bench.python(code + "; print(sys.stdin.read() == ''); sys.stderr.write('and this')", GIVEN="given")

    assert ended(program) == 0
    assert bench.said() == f"{bench.folder} ['GIVEN', 'KEPT']\nTrue\nand this"
    assert bench.output.stat().st_mode & 0o777 == 0o600


def test_how_a_command_ended_is_known_until_it_is_reaped_and_after(bench: Bench) -> None:
    failed, killed = bench.python("import sys; sys.exit(7)"), bench.python(SLEEPS)
    assert killed.status() is None
    until(lambda: "up" in bench.said())
    os.kill(killed.identity.pid, signal.SIGKILL)

    assert (ended(failed), ended(killed)) == (7, -signal.SIGKILL)
    for program in (failed, killed):
        assert bench.programs.end(program.identity, grace_s=1) == 0
    assert (failed.status(), killed.status()) == (7, -signal.SIGKILL)


@pytest.mark.parametrize(("program", "status"), [("no-such-program", 127), ("/etc/passwd", 126)])
def test_a_program_that_cannot_be_run_says_so_in_its_output(bench: Bench, program: str, status: int) -> None:
    assert ended(bench.start(program)) == status
    assert bench.said().startswith(f"cannot be run: {program}: ")


def test_a_folder_that_is_gone_is_told_at_once(bench: Bench) -> None:
    bench.folder /= "gone"

    with pytest.raises(ServiceFaultError, match="could not be started"):
        bench.start("true")
    assert bench.started == []


def test_no_command_runs_before_it_is_on_record(bench: Bench) -> None:
    def fail(identity: ProcessIdentity) -> None:
        bench.started.append(identity)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        bench.programs.start(
            [sys.executable, "-c", "open('ran', 'w')"],
            env={}, folder=bench.folder, output=bench.output, mark=bench.mark, announce=fail,
        )  # fmt: skip

    (identity,) = bench.started
    assert members(identity) == []
    assert not (bench.folder / "ran").exists()


def test_a_command_whose_starter_dies_before_it_is_on_record_never_runs(bench: Bench) -> None:
    starter = f"""
import os, pathlib
from pytest_qacloud.drivers.process import LocalPrograms
def announce(identity):
    print(identity.pid, flush=True)
    os._exit(9)
here = pathlib.Path({str(bench.folder)!r})
LocalPrograms().start(["touch", "ran"], env={{}}, folder=here, output=here / "o", mark="m", announce=announce)
"""
    died = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True)

    assert died.returncode == 9, died.stderr
    pid = int(died.stdout)
    until(lambda: not os.path.exists(f"/proc/{pid}"))  # noqa: PTH110  # a Path would follow no such link better
    assert not (bench.folder / "ran").exists()


def test_the_whole_session_is_ended_other_process_groups_too(bench: Bench) -> None:
    program = bench.python(HAS_CHILD)
    until(lambda: len(members(program.identity)) == 2 and "up" in bench.said())

    assert bench.programs.end(program.identity, grace_s=LIMIT_S) == 2
    assert members(program.identity) == []
    assert program.status() == -signal.SIGTERM


def test_what_does_not_hear_is_killed(bench: Bench) -> None:
    program = bench.python(IGNORES)
    until(lambda: "up" in bench.said())

    assert bench.programs.end(program.identity, grace_s=0.05) == 1
    assert program.status() == -signal.SIGKILL


def test_children_of_a_leader_that_has_gone_are_found_by_their_mark(bench: Bench) -> None:
    program = bench.python(LEAVES_CHILD)
    until(lambda: "up" in bench.said())
    assert ended(program) == 0
    program.reap()  # as init does with what a dead run leaves
    (child,) = members(program.identity)
    assert members(replace(program.identity, mark="another")) == []

    assert LocalPrograms().end(program.identity, grace_s=LIMIT_S) == 1
    assert not members(program.identity)
    assert child.pid != program.identity.pid


@pytest.mark.parametrize("changes", [{"start": 1}, {"boot": "another boot"}])
def test_a_number_that_belongs_to_another_process_is_left_alone(bench: Bench, changes: dict[str, object]) -> None:
    program = bench.python(SLEEPS)

    assert LocalPrograms().end(replace(program.identity, **changes), grace_s=0) == 0  # type: ignore[arg-type]  # fields
    assert program.status() is None


def test_what_cannot_be_killed_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    program = bench.python(SLEEPS)
    with monkeypatch.context() as patched:
        patched.setattr(process, "_signal", lambda *_: None)  # as of a process that waits for a dead disk
        patched.setattr(process, "KILL_LIMIT_S", 0.05)
        with pytest.raises(ServiceFaultError, match=f"processes {program.identity.pid} do not end"):
            bench.programs.end(program.identity, grace_s=0)


def test_free_ports_are_free_distinct_and_none_of_those_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        used = server.getsockname()[1]
        monkeypatch.setattr(process_net, "_ephemeral", lambda: range(0))
        monkeypatch.setattr(process_net, "LOWEST", used)
        monkeypatch.setattr(process_net, "HIGHEST", used + 40)
        found = process_net.free_ports(3, {used + 1, used + 2})

        assert len(set(found)) == 3
        assert not {used, used + 1, used + 2} & set(found)
        with pytest.raises(ServiceFaultError, match="no 41 free ports"):
            process_net.free_ports(41, ())


def test_ports_that_the_kernel_gives_away_are_not_chosen() -> None:
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:  # noqa: PTH123  # one line
        first, last = map(int, file.read().split())

    assert all(not first <= port <= last for port in LocalPrograms().free_ports(20, ()))


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        pass


def test_whether_somebody_serves_is_told_with_the_reason() -> None:
    programs = LocalPrograms()
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_port
        url = f"http://127.0.0.1:{port}"
        assert programs.listening(port) is None
        assert programs.answering(f"{url}/200") is None
        assert programs.answering(f"{url}/302") is None
        assert programs.answering(f"{url}/503") == f"{url}/503 answers with status 503"
        server.shutdown()
        thread.join()
    assert programs.listening(port) == f"port {port}: Connection refused"
    assert programs.answering(url) == f"{url} does not answer"
    assert "InvalidSchema" in str(programs.answering("nonsense://x"))
