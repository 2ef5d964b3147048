"""Lease a rack, build a CloudStack zone on it from nothing, run Marvin suites on the zone under pytest.

Read `session.py` first: it wires one run from lease to verdict.
"""

__version__ = "0.1.0"
