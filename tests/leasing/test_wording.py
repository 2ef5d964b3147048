from __future__ import annotations

import pytest

from pytest_qacloud.leasing.wording import duration_text, waiting_text
from pytest_qacloud.model import WaitStatus


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1.0, "0 s"),
        (59.9, "59 s"),
        (60.0, "1 min"),
        (3599.0, "59 min"),
        (3600.0, "1 h 0 min"),
        (7800.0, "2 h 10 min"),
        (86_399.0, "23 h 59 min"),
        (273_600.0, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (
            WaitStatus("rack1", "jenkins/bvt-812", 7800.0, 1),
            "waiting for rack1: held by jenkins/bvt-812 for 2 h 10 min, 1 ahead",
        ),
        (WaitStatus("rack1", "ann@box:1", 5.0, 0), "waiting for rack1: held by ann@box:1 for 5 s, next in line"),
        (WaitStatus("rack1", None, 0.0, 2), "waiting for rack1: free, 2 ahead"),
    ],
)
def test_progress_lines(status: WaitStatus, text: str) -> None:
    assert waiting_text(status) == text
