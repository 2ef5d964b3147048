"""Several runs as one: a zone for each, all of them or none."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from .errors import ConfigError, StoppedError
from .fanout import Outcome, for_each, raise_all
from .loan import Line, Loan, borrow
from .progress import OfPool
from .runfolder import log_files, make_folder
from .session import Common, Session, new_run_id

if TYPE_CHECKING:
    from .config import SimulatedPool
    from .model import Zone
    from .progress import View
    from .settings import Settings

Start = tuple[Session, "SimulatedPool | Loan"]


class Sessions:
    """Several runs at once, side by side from the lease to the end.

    Each has a folder and a journal of its own, named after its pool, in the folder of the whole; that one has the log.

    Args:
        settings: what the user asked for; they name enough pools.
        view: shows the progress of all.
        count: how many runs.

    Attributes:
        sessions: a run each; none before `start`.
    """

    def __init__(self, settings: Settings, view: View, count: int) -> None:
        self.settings = settings
        self.view = view
        self.count = count
        self.run_id = new_run_id()
        self.folder = settings.path("runs-dir") / self.run_id
        self.common = Common()
        self.sessions: list[Session] = []
        self._stack = ExitStack()
        make_folder(self.folder)
        self._stack.enter_context(log_files(self.folder, self.common.redact))

    def start(self) -> None:
        """Lease the pools and make a zone on each; the first failure stops the others.

        Raises:
            ConfigError: a pool file, zone config or setting is wrong, or there are too few pools.
            PoolBusyError: the pools could not be had.
            ProvisionError: or an ExceptionGroup of them: the zones could not be made.
            KeyboardInterrupt: the user said so.
        """
        from .poolchoice import choose_several

        chosen = choose_several(self.settings["pool"], self.settings.path("pools-dir"), self.count)
        with self.common.interrupts:
            starts: list[Start] = []
            if chosen.simulated:
                starts += [(self._session(pool.name), pool) for pool in chosen.simulated]
            else:
                line, check = Line(self.view), self.common.interrupts.check
                for loan in borrow(self.settings, chosen.real, self.count, line, check):
                    self._stack.callback(loan.held.close)
                    starts.append((self._session(loan.pool.name), loan))
            outcomes = for_each(starts, self._start)
        _raise_causes(outcomes)

    def show(self, view: View) -> None:
        """Show what follows in another view."""
        self.view = view
        for session in self.sessions:
            session.view = OfPool(view, session.folder.name)

    def stop(self) -> None:
        """Undo all zones, side by side, and release the leases; a second call does nothing."""
        with self._stack:
            raise_all(for_each(self.sessions, Session.stop), "zones could not be taken down")

    def _session(self, pool: str) -> Session:
        session = Session(self.settings, OfPool(self.view, pool), folder=self.folder / pool, common=self.common)
        self.sessions.append(session)
        return session

    def _start(self, start: Start) -> Zone:
        session, given = start
        try:
            return session.start(given)
        except BaseException as error:
            self.common.interrupts.stop()
            error.add_note(f"pool {session.folder.name}")  # machines of different pools may have one name
            raise


def _raise_causes(outcomes: list[Outcome[Start, Zone]]) -> None:
    """Raise what went wrong, without the runs that were only stopped by it; what the user can mend comes first."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    causes = [outcome for outcome in failed if not isinstance(outcome.error, StoppedError)]
    wrong = [outcome for outcome in causes if isinstance(outcome.error, ConfigError)]
    raise_all(wrong[:1] or causes or failed, "several zones could not be made")
