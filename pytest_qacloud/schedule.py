"""xdist's schedulers for whole files and classes, but a test in which a worker died is not run again.

xdist itself puts such a test back into the queue with the rest of its file, so that it kills one worker after the other
until no more are started, and what comes after it in the file never runs.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadFileScheduling, LoadScopeScheduling


class _Once:
    """Overrides of `LoadScopeScheduling`; by its documentation `assigned_work` maps nodes to scopes to tests' ends."""

    assigned_work: dict[Any, dict[str, dict[str, bool]]]

    def remove_node(self, node: Any) -> str | None:
        """Take a dead worker out; the test that it was running, if any. The rest goes back into the queue."""
        work = self.assigned_work[node]
        running = next((test for unit in work.values() for test, ended in unit.items() if not ended), None)
        for scope, unit in list(work.items()):
            if running in unit:
                unit[running] = True
            if all(unit.values()):  # a worker that is given nothing to do asks for nothing more either
                del work[scope]
        super().remove_node(node)  # type: ignore[misc]  # of the class that this is mixed into
        return running


class FilesOnce(_Once, LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """For `--dist loadfile`."""


class ScopesOnce(_Once, LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """For `--dist loadscope`."""
