"""Where this program keeps what outlives a run."""

from __future__ import annotations

import os
from pathlib import Path

STATE_VARIABLE = "QACLOUD_STATE_DIR"


def state_dir() -> Path:
    """The user's state folder: `$QACLOUD_STATE_DIR`, else what the platform says; not made here."""
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_state_dir("qacloud"))


def cache_dir() -> Path:
    """Where downloads are kept; may be deleted at any time between runs."""
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute() / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("qacloud"))
