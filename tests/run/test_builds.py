"""A build out of a package repository: what is installed is what the tests meet."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from runs import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rackclient import Rack

SUITE = """
from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.cloudstackAPI import createServiceOffering, deleteServiceOffering, listServiceOfferings


class TestOfferings(cloudstackTestCase):
    def test_a_deleted_offering_is_gone(self):
        api = self.testClient.getApiClient()
        create = createServiceOffering.createServiceOfferingCmd()
        create.name = create.displaytext = "short-lived"
        create.cpunumber, create.cpuspeed, create.memory = 1, 500, 512
        made = api.createServiceOffering(create)
        delete = deleteServiceOffering.deleteServiceOfferingCmd()
        delete.id = made.id
        api.deleteServiceOffering(delete)
        left = listServiceOfferings.listServiceOfferingsCmd()
        left.id = made.id
        self.assertFalse(api.listServiceOfferings(left))
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        pass


@pytest.fixture
def builds(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and its URL."""
    folder = tmp_path / "builds"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_defect_of_the_build_fails_the_test_that_looks_for_it(
    idle_rack: Rack, tmp_path: Path, builds: tuple[Path, str]
) -> None:
    folder, url = builds
    for name, content in {
        "good": "",
        "bad": '[[behaviour]]\ncommand = "deleteServiceOffering"\ndoes = "nothing"\n',
    }.items():
        (folder / name).mkdir()
        (folder / name / "behaviours.toml").write_text(content, encoding="utf-8")

    good = run(tmp_path / "good", idle_rack.pool_file, f"--qacloud-build={url}/good/", suite=SUITE)
    bad = run(tmp_path / "bad", idle_rack.pool_file, f"--qacloud-build={url}/bad/", suite=SUITE)

    assert good.code == 0, good.output
    assert bad.code == 1, bad.output
    assert [(verdict["outcome"], verdict["build"]) for verdict in bad.verdicts] == [("BAD", f"{url}/bad/")]


def test_a_build_that_does_not_install_is_no_zone_and_says_which(
    idle_rack: Rack, tmp_path: Path, builds: tuple[Path, str]
) -> None:
    ended = run(tmp_path, idle_rack.pool_file, f"--qacloud-build={builds[1]}/none/", suite=SUITE)

    assert ended.code == 75, ended.output
    assert "Failed to fetch" in ended.output
    assert f"{builds[1]}/none/behaviours.toml" in ended.output
