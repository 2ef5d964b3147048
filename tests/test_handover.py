"""A zone as a file: it comes back as it was, for its owner only, and a broken one is a usage error."""

from __future__ import annotations

import json
import stat
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.errors import ConfigError
from pytest_qacloud.handover import TYPES, Handover, read_handover, write_handover
from pytest_qacloud.model import Build, Endpoint, Lease, SystemVmTemplate, Zone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ZONE = Zone(
    pool="rack1",
    epoch=7,
    id="0b1c",
    name="rack1-e7",
    hypervisor="KVM",
    endpoint=Endpoint("http://10.1.0.10:8080/client/api", "an-api-key", "a-secret-key", "/etc/ca.pem"),
    machines=("node1", "node2"),
    hosts=1,
    build=Build("master", "f00", "http://repo.example/", SystemVmTemplate("http://x/y", "sha256:00")),
    marvin_config={"zones": [{"name": "rack1-e7", "pods": [1, None, True]}]},
    job_poll_s=0.5,
    further=(("0b1d", 2),),
)
HANDOVER = Handover(
    pool_file="/pools/rack1.toml",
    lease=Lease("rack1", "a-token", "somebody", "bvt", 7, 1.5, 300.0, 300.0, detached=True),
    zone=ZONE,
    roles=(("node1", "management"), ("node2", "hypervisor")),
    begun=(("rack1", "storage"), ("node1", "cobbler")),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "zone.json"
    write_handover(path, HANDOVER)
    return path


def test_it_comes_back_as_it_was(file: Path) -> None:
    assert read_handover(file) == HANDOVER


@given(
    st.builds(
        replace,
        st.just(HANDOVER),
        pool_file=st.text(),
        roles=st.lists(st.tuples(st.text(), st.text())).map(tuple),
        lease=st.builds(
            Lease,
            *[st.text()] * 4,
            st.integers(),
            *[st.floats(allow_nan=False)] * 3,
            detached=st.booleans(),
        ),
        zone=st.builds(
            replace,
            st.just(ZONE),
            build=st.builds(Build, st.text(), st.none() | st.text(), st.none() | st.text(), st.none()),
            machines=st.lists(st.text()).map(tuple),
        ),
    )
)
def test_whatever_is_in_it_comes_back(tmp_path_factory: pytest.TempPathFactory, handover: Handover) -> None:
    path = tmp_path_factory.mktemp("zone") / "zone.json"

    write_handover(path, handover)

    assert read_handover(path) == handover


def test_only_its_owner_may_read_it_whatever_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "zone.json"
    path.write_text("old")
    path.chmod(0o666)

    write_handover(path, HANDOVER)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["zone.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_others_may_use_is_refused_with_the_command_that_helps(file: Path, mode: int) -> None:
    file.chmod(mode)

    with pytest.raises(ConfigError, match=f"chmod 600 {file}"):
        read_handover(file)


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        write_handover(tmp_path / "missing" / "zone.json", HANDOVER)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        write_handover(tmp_path / "folder", HANDOVER)

    assert [found.name for found in tmp_path.iterdir()] == ["folder"]


def test_a_missing_file_is_said_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="qacloud zone up POOL"):
        read_handover(tmp_path / "zone.json")


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "7", '"x"', "\udcff", '{"format": 1}', "[" * 10**5, '{"format": 1, "lease": []}']
)
def test_what_is_no_zone_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "zone.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    path.chmod(0o600)

    with pytest.raises(ConfigError, match=str(path)):
        read_handover(path)


def test_another_format_is_named(file: Path) -> None:
    rewrite(file, lambda content: content.update(format=2))

    with pytest.raises(ConfigError, match=r"\(format 1\)"):
        read_handover(file)


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every member of the file, however deep, but for the Marvin config's own."""
    if not isinstance(value, dict | list) or path[-1:] == ("marvin_config",):
        return [path]
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return [*([path] if path else []), *(found for key, member in members for found in places(member, (*path, key)))]


def changed(content: dict[str, Any], place: tuple[str | int, ...], change: Callable[[Any, str | int], object]) -> Any:
    """A copy in which the member at `place` is changed."""
    copy = parent = json.loads(json.dumps(content))
    for key in place[:-1]:
        parent = parent[key]
    change(parent, place[-1])
    return copy


def test_a_member_that_is_missing_unknown_or_of_another_type_is_refused(file: Path) -> None:
    whole = json.loads(file.read_text(encoding="utf-8"))
    optional = {("zone", "endpoint", "ca_file"), ("zone", "build", "commit"), ("zone", "build", "repository"),
                ("zone", "job_poll_s"), ("lease", "detached")}  # fmt: skip
    wrongs: list[tuple[object, Any]] = [
        *(("surprise", changed(whole, (part, "surprise"), lambda parent, key: parent.update({key: 1})))
          for part in ("lease", "zone")),
        *((place, changed(whole, place, lambda parent, key: parent.__setitem__(key, [[1]])))
          for place in places(whole)),
        *((place, changed(whole, place, lambda parent, key: parent.__setitem__(key, {"ab": 1})))
          for place in places(whole) if place[-1] != "marvin_config"),
        *((place, changed(whole, place, lambda parent, key: parent.__delitem__(key)))
          for place in places(whole) if isinstance(place[-1], str) and place not in optional),
    ]  # fmt: skip

    for what, content in wrongs:
        file.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(ConfigError, match=str(file)):
            pytest.fail(f"{what} was taken: {read_handover(file)}")


def test_every_plain_member_has_a_type_that_is_checked() -> None:
    made = {"Endpoint", "Build", "SystemVmTemplate | None", "tuple[str, ...]", "tuple[tuple[str, int], ...]"}

    for cls in (Lease, Zone, Build, Endpoint, SystemVmTemplate):
        assert {field.type for field in fields(cls)} <= set(TYPES) | made
