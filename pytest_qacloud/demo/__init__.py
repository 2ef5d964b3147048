"""A gate that anybody can try: a small repository whose commits carry builds for the simulated rack.

A commit adds one file to `features/`: what its change makes the simulated management server do otherwise. `build.py`
puts them together; a file that is no TOML is a commit that does not build.
"""

from __future__ import annotations

from .repository import Change, Planted, make

__all__ = ["Change", "Planted", "make"]
