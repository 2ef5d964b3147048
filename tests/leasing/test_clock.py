from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.leasing import clock
from pytest_qacloud.leasing.clock import SYSTEM_LEASE_CLOCK, host_id

if TYPE_CHECKING:
    from pathlib import Path


def test_the_clocks_are_the_machines() -> None:
    before = time.time(), time.monotonic()
    seen = SYSTEM_LEASE_CLOCK.wall(), SYSTEM_LEASE_CLOCK.steady()
    assert before[0] <= seen[0] <= time.time()
    # The time asleep is counted, so the steady clock is never behind the monotonic one.
    assert before[1] <= seen[1]
    assert seen[1] <= SYSTEM_LEASE_CLOCK.steady()


def test_without_a_boot_clock_it_is_the_monotonic_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    before = time.monotonic()
    assert before <= SYSTEM_LEASE_CLOCK.steady() <= time.monotonic()


@pytest.mark.skipif(not clock.BOOT_ID.exists(), reason="only Linux tells boots apart this way")
def test_a_host_is_named_with_its_boot() -> None:
    assert host_id() == f"{socket.gethostname()}/{clock.BOOT_ID.read_text().strip()}"


def test_a_host_that_cannot_tell_its_boots_apart_has_no_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "BOOT_ID", tmp_path / "none")
    assert host_id() == ""
