"""START HERE for the gate: what `decide` says is done, and what came of it goes into the record.

Everything outside is written down before it is begun, so a gate that died is taken up where it was: a run that ended
meanwhile is read, one that still runs is waited for, and a push that may have happened is looked up.
"""

from __future__ import annotations

import socket
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from ..errors import QacloudError
from ..model import Composed
from .decide import Build, Compose, Note, Promote, StartRun, decide
from .parts import Moved, Pushed
from .record import Built, Closed, LeftOut, Made, Promoting, RunEnded, RunStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Conflict
    from .decide import Action, Rules
    from .ledger import Ledger
    from .parts import Builder, Runner, Source
    from .record import Record

LOOK_S = 0.5
"""How often it is seen whether to stop, while runs are under way."""


class Gate:
    """One gate, from its question to its end.

    Args:
        ledger: with the question in it.
        parallel: runs at a time.
        tag: the name of a promotion's tag, out of the promoted commit.
        note: what a promotion says of itself, as text.
        stop: raises when the gate shall end; asked often.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: Source,
        builder: Builder,
        runner: Runner,
        rules: Rules,
        *,
        parallel: int,
        tag: Callable[[str], str],
        note: Callable[[Record], str],
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger, self._source, self._builder, self._runner = ledger, source, builder, runner
        self._rules, self._parallel, self._tag, self._note, self._stop = rules, parallel, tag, note, stop
        self._running: dict[Future[RunEnded], int] = {}
        self._quit = False

    @property
    def record(self) -> Record:
        """All that is known so far."""
        return self._ledger.record

    def run(self) -> Closed:
        """Go on until the end.

        Raises:
            QacloudError: something outside failed that is no answer; the gate can be resumed.
        """
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="gate") as pool:
            try:
                self._take_up(pool)
                while self.record.closed is None:
                    self._stop()
                    self._turn(pool)
            finally:
                self._quit = True
        return self.record.closed

    def _take_up(self, pool: ThreadPoolExecutor) -> None:
        """Settle what an earlier process left under way."""
        for number, run in list(self.record.runs.items()):
            if run.ended is None:
                self._running[pool.submit(self._recover, run.started)] = number
        if self.record.promoting is not None and self.record.closed is None:
            self._push(self.record.promoting)

    def _turn(self, pool: ThreadPoolExecutor) -> None:
        running = set(self._running.values())
        actions = decide(self.record, self._rules, pools=self._parallel - len(running), running=running)
        if not actions and not running:
            raise QacloudError("the gate has nothing to do and no end; its journal shows why")
        for action in actions:
            if isinstance(action, StartRun):
                self._start(pool, action)
            else:
                self._do(action)
                return  # what it brought may change what is next
        if running or actions:
            self._await(LOOK_S)

    def _do(self, action: Action) -> None:
        match action:
            case Compose():
                self._compose(action.commits)
            case Build():
                made = self.record.made[action.commits]
                result = self._builder.build(made.commit, made.tree, again=action.again)
                self._ledger.add(Built(action.commits, made.tree, result.good, result.observed))
            case Note():
                self._ledger.add(action.event)
            case Promote():
                promoting = Promoting(action.commit, action.tree, self.record.opened.stable, self._tag(action.commit))
                self._push(promoting)

    def _compose(self, commits: tuple[str, ...]) -> None:
        """Put units onto stable; on the way to culprits, without those that do not apply without units left out."""
        stable, kept = self.record.opened.stable, list(commits)
        while True:
            made = self._source.compose(stable, kept)
            if isinstance(made, Composed):
                dropped = tuple(commit for commit in commits if commit not in kept)
                self._ledger.add(Made(commits, made.commit, made.tree, dropped))
                return
            if made.commit not in self.record.left_out:
                self._ledger.add(LeftOut(made.commit, made.paths, self._needs(made, kept)))
            if commits == self.record.candidate or made.commit in self.record.out:
                return  # the candidate is another one now
            kept.remove(made.commit)

    def _needs(self, conflict: Conflict, kept: list[str]) -> tuple[str, ...]:
        """The units before one that does not apply, which are out and change the same files."""
        order = self.record.opened.units
        before = order[: [unit.commit for unit in order].index(conflict.commit)]
        out = [unit for unit in before if unit.commit not in kept]
        same = [unit for unit in out if not set(unit.paths).isdisjoint(conflict.paths)]
        return tuple(unit.commit for unit in same or out)

    def _start(self, pool: ThreadPoolExecutor, action: StartRun) -> None:
        made = self.record.made[action.commits]
        number = len(self.record.runs) + 1
        started = RunStarted(
            run=number,
            commits=action.commits,
            commit=made.commit,
            tree=made.tree,
            purpose=action.purpose,
            tests=action.tests,
            folder=str(self._ledger.folder / "runs" / str(number)),
            host=socket.gethostname(),
        )
        self._ledger.add(started)
        self._running[pool.submit(self._runner.run, started, self._check)] = number

    def _check(self) -> None:
        """What runs ask: it raises once the gate itself ends."""
        if self._quit:
            raise QacloudError("the gate ends")

    def _recover(self, started: RunStarted) -> RunEnded:
        ended = self._runner.recover(started, self._check)
        return ended or RunEnded(started.run, {}, failure="the gate died while it ran", lost=True)

    def _await(self, timeout_s: float) -> None:
        """Take in the runs that have ended."""
        done, _ = wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)
        for future in done:
            del self._running[future]
            self._ledger.add(future.result())

    def _push(self, promoting: Promoting) -> None:
        """Push, and say what came of it.

        A push that was under way when a process died may have happened: then stable is the new commit already.
        """
        opened = self.record.opened
        if not self.record.is_good(promoting.tree):
            raise QacloudError(f"the tree {promoting.tree} has no recorded GOOD verdict; it is not pushed")
        if self.record.promoting is None:
            self._ledger.add(promoting)
        elif self._source.branch(opened.stable_branch) == promoting.commit:
            self._ledger.add(Closed("promoted", "the push had gone through", promoting.commit))
            return
        result = self._source.push(promoting, opened.stable_branch, self._note(self.record))
        if isinstance(result, Pushed):
            units = len(self.record.candidate)
            self._ledger.add(Closed("promoted", f"{units} units are in {opened.stable_branch}", promoting.commit))
        elif isinstance(result, Moved):
            self._ledger.add(Closed("moved", f"{opened.stable_branch} is {result.actual} now", result.actual))
        else:
            self._ledger.add(Closed("refused", result.text))
