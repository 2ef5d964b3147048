"""The system VM template: downloaded once, trusted only by its checksum, and never half there."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from pytest_qacloud.errors import ServiceFaultError, StoppedError, UnreachableError
from pytest_qacloud.model import SystemVmTemplate
from pytest_qacloud.provision import fetch_template
from pytest_qacloud.provision.template import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(256)) * 10_000  # three blocks, the last not a whole one
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
WRONG = "sha256:" + "0" * 64


class Mirror(ThreadingHTTPServer):
    """Serves one file; counts how often, and cuts it short where told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Reply)
        self.body, self.status, self.encoding, self.cut_at = CONTENT, 200, "", len(CONTENT)
        self.asked = 0
        self.asked_for: list[str | None] = []

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that hang up are what some tests are about

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/systemvm.qcow2.bz2"


class Reply(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.asked_for.append(self.headers["Accept-Encoding"])
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        if self.server.encoding:
            self.send_header("Content-Encoding", self.server.encoding)
        self.end_headers()
        self.wfile.write(self.server.body[: self.server.cut_at])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's
        pass


@contextmanager
def serving() -> Iterator[Mirror]:
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "not" / "there" / "templates"


def left_behind(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("kind", ["sha256", "sha512"])
def test_a_template_comes_over_http_once(mirror: Mirror, cache: Path, kind: str) -> None:
    template = SystemVmTemplate(mirror.url, f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}")

    paths = {fetch_template(template, cache) for _ in range(3)}

    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert mirror.asked == 1
    assert left_behind(cache) == [next(iter(paths)).name]
    assert next(iter(paths)).suffix == ".bz2"


def test_a_template_comes_from_a_file(tmp_path: Path, cache: Path) -> None:
    source = tmp_path / "a template.qcow2"
    source.write_bytes(CONTENT)

    path = fetch_template(SystemVmTemplate(source.as_uri(), SHA256), cache)

    assert path.read_bytes() == CONTENT
    assert path != source


def test_a_file_that_a_server_calls_encoded_is_taken_as_it_is_stored(mirror: Mirror, cache: Path) -> None:
    mirror.body = gzip.compress(CONTENT)
    mirror.cut_at, mirror.encoding = len(mirror.body), "gzip"
    template = SystemVmTemplate(mirror.url, "sha256:" + hashlib.sha256(mirror.body).hexdigest())

    assert fetch_template(template, cache).read_bytes() == mirror.body
    assert mirror.asked_for == ["identity"]


def test_another_checksum_is_refused_and_nothing_is_kept(mirror: Mirror, cache: Path) -> None:
    with pytest.raises(ServiceFaultError, match=SHA256.partition(":")[2]) as raised:
        fetch_template(SystemVmTemplate(mirror.url, WRONG), cache)

    assert "0" * 64 in raised.value.observed
    assert "[storage.system_vm_template]" in raised.value.action
    assert left_behind(cache) == []


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(mirror: Mirror, cache: Path) -> None:
    template = SystemVmTemplate(mirror.url, SHA256)
    path = fetch_template(template, cache)
    path.write_bytes(b"x" + CONTENT[1:])

    assert fetch_template(template, cache).read_bytes() == CONTENT
    assert mirror.asked == 2


def test_a_download_that_breaks_off_leaves_nothing_and_may_be_tried_again(mirror: Mirror, cache: Path) -> None:
    template = SystemVmTemplate(mirror.url, SHA256)
    mirror.cut_at = BLOCK + 5

    with pytest.raises(UnreachableError, match="breaks off"):
        fetch_template(template, cache)
    assert left_behind(cache) == []

    mirror.cut_at = len(CONTENT)
    assert fetch_template(template, cache).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, ServiceFaultError), (403, ServiceFaultError), (429, UnreachableError), (503, UnreachableError)],
)
def test_an_answer_that_is_no_file_is_named(mirror: Mirror, cache: Path, status: int, error: type[Exception]) -> None:
    mirror.status = status

    with pytest.raises(error, match=f"the server answers {status}"):
        fetch_template(SystemVmTemplate(mirror.url, SHA256), cache)

    assert left_behind(cache) == []


def test_a_server_that_is_not_there_may_be_tried_again(cache: Path) -> None:
    with serving() as gone:
        url = gone.url

    with pytest.raises(UnreachableError, match="check the URL and the proxy"):
        fetch_template(SystemVmTemplate(url, SHA256), cache)


def test_a_file_that_is_not_there_is_the_urls_fault_not_the_caches(tmp_path: Path, cache: Path) -> None:
    missing = (tmp_path / "missing").as_uri()

    with pytest.raises(ServiceFaultError, match="No such file") as raised:
        fetch_template(SystemVmTemplate(missing, SHA256), cache)

    assert missing in raised.value.service


def test_a_full_disk_is_said_and_nothing_is_kept(mirror: Mirror, cache: Path) -> None:
    cache.mkdir(parents=True)
    part = cache / f"{SHA256.replace(':', '-')}.bz2.part"
    part.symlink_to("/dev/full")

    with pytest.raises(ServiceFaultError, match="No space left") as raised:
        fetch_template(SystemVmTemplate(mirror.url, SHA256), cache)

    assert "make room" in raised.value.action
    assert left_behind(cache) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ServiceFaultError, match="cannot be used"):
        fetch_template(SystemVmTemplate("file:///x", SHA256), tmp_path / "file" / "cache")


def test_what_a_killed_process_left_is_overwritten(mirror: Mirror, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / f"{SHA256.replace(':', '-')}.bz2.part").write_bytes(b"half a template" * BLOCK)

    assert fetch_template(SystemVmTemplate(mirror.url, SHA256), cache).read_bytes() == CONTENT
    assert len(left_behind(cache)) == 1


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_run_that_must_stop_does_so_between_two_blocks(
    mirror: Mirror, tmp_path: Path, cache: Path, scheme: str
) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:  # before the lock, and before the first and the second block
            raise StoppedError("told to stop")

    with pytest.raises(StoppedError):
        fetch_template(
            SystemVmTemplate(mirror.url if scheme == "http" else source.as_uri(), SHA256), cache, check=check
        )

    assert left_behind(cache) == []


def test_a_run_that_waits_for_anothers_download_can_be_stopped(cache: Path) -> None:
    cache.mkdir(parents=True)
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoppedError("told to stop")

    with (
        FileLock(cache / f"{SHA256.replace(':', '-')}.bz2.lock"),
        pytest.raises(StoppedError),
    ):
        fetch_template(SystemVmTemplate("http://127.0.0.1:1/x.bz2", SHA256), cache, check=check)


FETCH = """
import sys
from pathlib import Path
from pytest_qacloud.model import SystemVmTemplate
from pytest_qacloud.provision.template import fetch_template

print("ready", flush=True)
sys.stdin.readline()
print(fetch_template(SystemVmTemplate(*sys.argv[1:3]), Path(sys.argv[3])))
"""


def test_processes_that_want_the_same_download_it_once(mirror: Mirror, cache: Path) -> None:
    argv = [sys.executable, "-c", FETCH, mirror.url, SHA256, str(cache)]
    processes = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=60)[0].strip() for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert {Path(path).read_bytes() for path in printed} == {CONTENT}
    assert mirror.asked == 1
    assert len(left_behind(cache)) == 1
