"""Serving what was built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from pytest_qacloud.errors import ConfigError
from pytest_qacloud.packageserver import serve

if TYPE_CHECKING:
    from pathlib import Path


def test_files_are_served_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not for you", encoding="utf-8")
    folder = tmp_path / "output"
    (folder / "pool").mkdir(parents=True)
    (folder / "pool" / "a.deb").write_text("package", encoding="utf-8")
    with serve(folder, "127.0.0.1") as url:
        assert requests.get(f"{url}pool/a.deb", timeout=5).text == "package"
        for path in ("", "pool/", "missing", "../secret", "%2e%2e/secret"):
            assert requests.get(url + path, timeout=5).status_code == 404
        assert requests.post(f"{url}pool/a.deb", timeout=5).status_code == 501
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(ConfigError, match="listen"), serve("/", "192.0.2.1"):  # type: ignore[arg-type]  # never used
        pass
