from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from marvin_fakes import ENDPOINT, SHIPPED, FakeApi

from pytest_qacloud.marvin import provide
from pytest_qacloud.model import Build, Zone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from marvin_fakes import Importer, Python


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def zone() -> Zone:
    config = {
        "zones": [{"name": "sim", "pods": [{"clusters": [{"hosts": [{"url": "http://h1"}]}]}]}],
        "mgtSvr": [{"mgtSvrIp": "127.0.0.1", "port": 8080}],
    }
    return Zone(
        pool="sim",
        epoch=3,
        id="zone-id",
        name="sim",
        hypervisor="KVM",
        endpoint=ENDPOINT,
        machines=("node1",),
        hosts=1,
        build=Build("release"),
        marvin_config=config,
    )


@pytest.fixture
def marvin() -> Iterator[Importer]:
    """Imports a module of the stand-in; the shipped commands are in force before and after."""
    from pytest_qacloud.marvin.commands import catalogue

    def restore() -> None:
        if len(catalogue.entries()) != 917:
            catalogue.refresh(SHIPPED)

    provide()
    restore()
    yield _import
    restore()


def _import(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Runs code in a process of its own, which has imported nothing yet; returns what it printed."""

    def run(code: str, *paths: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run
