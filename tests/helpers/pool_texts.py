"""Texts of pool files, made from the example of a real rack, and what comes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_qacloud.config import parse_pool
from pytest_qacloud.errors import ConfigError
from pytest_qacloud.model import Pool

POOLS = Path(__file__).parents[2] / "pools"


def edited(*pairs: tuple[str, str]) -> str:
    """The text of pools/rack1.toml with each pair's first replaced by its second."""
    text = (POOLS / "rack1.toml").read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def read(text: str) -> Pool:
    """The pool of a text."""
    pool = parse_pool(text, file=Path("/pools/rack1.toml"))
    assert isinstance(pool, Pool)
    return pool


def refusal(text: str) -> ConfigError:
    """The error that a text raises."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    return caught.value
