"""What fan-out refuses, and that a test in which a worker died is not run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import execnet
import pytest
from xdist.scheduler import LoadFileScheduling

from pytest_qacloud.schedule import FilesOnce
from pytest_qacloud.settings import Settings
from pytest_qacloud.xdist import refuse

if TYPE_CHECKING:
    from pathlib import Path


def settings(folder: Path, **given: str) -> Settings:
    options = {name.replace("_", "-"): value for name, value in given.items()}
    return Settings(options, lambda _key: "", folder, environ={})


def specs(*texts: str) -> list[execnet.XSpec]:
    return [execnet.XSpec(text) for text in texts]


@pytest.mark.parametrize("dist", ["loadfile", "loadscope", "each"])
def test_whole_classes_may_be_distributed(tmp_path: Path, dist: str) -> None:
    refuse(dist, settings(tmp_path, pool="a,b"), specs("popen", "popen//python=python3.13"))


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadgroup"])
def test_what_splits_a_class_is_refused(tmp_path: Path, dist: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"--dist {dist}.* spreads the tests of a class .*--dist loadfile"):
        refuse(dist, settings(tmp_path, pool="a,b"), specs("popen", "popen"))


@pytest.mark.parametrize(
    ("given", "texts", "words"),
    [
        ({"zone": "zone.json"}, ["popen"], "--qacloud-zone names one zone"),
        ({"pool": "a,b", "config_out": "x.json"}, ["popen", "popen"], "2 workers have as many zones"),
        ({"pool": "a,b"}, ["popen", "ssh=far"], "workers on other hosts"),
        ({"pool": "a,b"}, ["popen", "popen//via=far"], "workers on other hosts"),
    ],
)
def test_what_workers_cannot_have_is_refused(
    tmp_path: Path, given: dict[str, str], texts: list[str], words: str
) -> None:
    with pytest.raises(pytest.UsageError, match=words):
        refuse("loadfile", settings(tmp_path, **given), specs(*texts))


def test_one_worker_may_have_its_configuration_written(tmp_path: Path) -> None:
    refuse("loadfile", settings(tmp_path, pool="a", config_out="x.json"), specs("popen"))


class Node:
    """A worker as a scheduler sees it; keeps what it was told to run."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        self.told += indices

    def shutdown(self) -> None:
        self.shutting_down = True


TESTS = ["a.py::T::test_1", "a.py::T::test_2", "a.py::T::test_3"]


def crashed(pytestconfig: pytest.Config, made: type, tests: list[str], ended: int) -> tuple[Any, str | None, Node]:
    """A scheduler whose only worker died after so many tests, what it says was running, and the replacement."""

    class Options:
        def getvalue(self, _name: str) -> list[str]:
            return ["popen"]

        option = pytestconfig.option

    scheduler = made(Options())
    first, second = Node(), Node()
    scheduler.add_node(first)
    scheduler.add_node_collection(first, tests)
    scheduler.schedule()
    for index in range(ended):
        scheduler.mark_test_complete(first, index)
    running = scheduler.remove_node(first)
    scheduler.add_node(second)
    scheduler.add_node_collection(second, tests)
    scheduler.schedule()
    return scheduler, running, second


def test_the_test_in_which_a_worker_died_is_not_run_again_and_the_rest_is(pytestconfig: pytest.Config) -> None:
    _, running, replacement = crashed(pytestconfig, FilesOnce, TESTS, ended=1)

    assert running == TESTS[1]
    assert replacement.told == [2]


def test_where_it_was_the_last_nothing_is_left(pytestconfig: pytest.Config) -> None:
    scheduler, running, replacement = crashed(pytestconfig, FilesOnce, TESTS, ended=2)

    assert running == TESTS[2]
    assert replacement.told == []
    assert scheduler.tests_finished


def test_a_worker_that_ends_with_nothing_to_do_was_running_nothing(pytestconfig: pytest.Config) -> None:
    _, running, _ = crashed(pytestconfig, FilesOnce, TESTS, ended=3)

    assert running is None


def test_xdist_itself_would_run_it_again(pytestconfig: pytest.Config) -> None:
    _, _, replacement = crashed(pytestconfig, LoadFileScheduling, TESTS, ended=1)

    assert replacement.told == [1, 2], "when this fails, `schedule` is needed no more"
