"""What the pages under docs/ show is true: excerpts are the code, examples pass, commands end well."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zone_configs
from marvin_checkout import write_checkout

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
EXCERPT = re.compile(r"# (\S+\.py)\n(.*)", re.DOTALL)

SUITE = """
from marvin.cloudstackAPI import listZones
from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr


class TestDeploy(cloudstackTestCase):
    @attr(tags=["basic", "advanced"], required_hardware="false")
    def test_DeployVmAntiAffinityGroup(self):
        client = self.testClient.getApiClient()
        self.assertTrue(client.listZones(listZones.listZonesCmd()))
"""


def blocks(language: str) -> list[Any]:
    """Each block of a language, in every page, named by its page and its number there."""
    return [
        pytest.param(text, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, (name, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
        if name == language
    ]


@pytest.mark.parametrize("text", blocks("python"))
def test_python_is_the_code_s_or_passes(text: str) -> None:
    excerpt = EXCERPT.fullmatch(text)
    if excerpt is not None:
        assert excerpt[2].strip() in (ROOT / excerpt[1]).read_text(encoding="utf-8")
        return
    names: dict[str, Any] = {}
    exec(compile(text, "page", "exec"), names)  # noqa: S102  our own page
    tests: list[Callable[[], None]] = [member for name, member in names.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with something like a checkout of CloudStack."""
    checkout = write_checkout(tmp_path / "src" / "cloudstack")
    config = checkout / "setup" / "dev" / "advdualzone.cfg"
    suite = checkout / "test" / "integration" / "smoke" / "test_affinity_groups.py"
    for file, text in ((config, json.dumps(zone_configs.two_zones())), (suite, SUITE)):
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("text", blocks("sh"))
def test_commands_end_well(text: str, home: Path) -> None:
    on_zone = "--qacloud-pool" in text
    own = home / "own"
    own.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QACLOUD_", "PYTEST_"))}
    paths = os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
    ended = subprocess.run(
        ["/bin/sh", "-ec", text],
        cwd=own if on_zone else ROOT,
        env={
            **kept,
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "PYTHONPATH": paths,
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
            "QACLOUD_STATE_DIR": str(home / "state"),
        },
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout
    if on_zone:
        assert "1 passed" in ended.stdout
        assert [*own.glob(".qacloud/runs/*/verdicts.jsonl")], "the run's folder is the user's own"
        assert not [*(home / "src").rglob(".qacloud")]


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_names_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if f"(docs/{page.name})" not in readme] == []
