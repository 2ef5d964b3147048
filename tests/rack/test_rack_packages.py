"""Package repositories, as machines of the rack use them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_qacloud.rack.agent import Agent, NodeClassifier
from pytest_qacloud.rack.authority import Authority
from pytest_qacloud.rack.faults import Faults
from pytest_qacloud.rack.machine import Disk
from pytest_qacloud.rack.packages import LARGEST_BYTES, PackageError, fetch

BUILD = 'features = ["a"]\n'
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves one file; what it was asked for is in `asked`."""
    servers = []

    def serve(content: bytes | None, asked: list[str] | None = None) -> str:
        class Files(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if asked is not None:
                    asked.append(self.path)
                self.send_response(200 if content is not None else 404)
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/build/"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_behaviours_are_read_from_the_repository(serve: Serve) -> None:
    asked: list[str] = []
    assert asyncio.run(fetch(serve(BUILD.encode(), asked))) == BUILD
    assert asked == ["/build/behaviours.toml"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "404"), (b"\xff\xfe", "no text"), (b"#" * (LARGEST_BYTES + 1), "unexpected size")],
    ids=["missing", "binary", "too large"],
)
def test_what_is_no_build_is_refused(serve: Serve, content: bytes | None, said: str) -> None:
    with pytest.raises(PackageError, match=said):
        asyncio.run(fetch(serve(content)))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "nonsense"])
def test_a_repository_that_does_not_answer_is_said(url: str) -> None:
    with pytest.raises(PackageError, match="Failed to fetch"):
        asyncio.run(fetch(url))


class Machine:
    """One machine with its agent, whose management class takes packages from a repository."""

    def __init__(self) -> None:
        self.disk = Disk("node1.test")
        self.authority = Authority("127.0.0.1")

    def converge(self, repository: str) -> tuple[int, str]:
        classes = f"classes: {{qacloud::base: {{}}, qacloud::management: {{repository: {repository!r}}}}}"
        classifier = NodeClassifier(("/bin/echo", classes + "  #"), {})
        agent = Agent(self.authority, classifier, Faults())
        return asyncio.run(agent.run("node1", self.disk, "node1.test", "production"))


def test_the_agent_installs_the_package_once(serve: Serve) -> None:
    machine, asked = Machine(), list[str]()
    url = serve(BUILD.encode(), asked)

    assert machine.converge(url)[0] == 2
    assert machine.converge(url)[0] == 0
    assert machine.disk.behaviours == BUILD
    assert len(asked) == 1


@pytest.mark.parametrize("content", [None, b"[[behaviour]]\ncommand = 'no'\n"], ids=["missing", "broken"])
def test_a_package_that_does_not_install_leaves_no_management_server(serve: Serve, content: bytes | None) -> None:
    machine = Machine()

    code, output = machine.converge(serve(content))

    assert code == 6
    assert "Package[cloudstack-management]/ensure" in output
    assert machine.disk.classes == {"qacloud::base": {}}
    assert machine.converge(serve(BUILD.encode()))[0] == 2, "the next run makes up for it"
