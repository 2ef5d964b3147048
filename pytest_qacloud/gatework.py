"""A gate, wired up: settings, repository, builds, child runs and the record; for the plugin and for `qacloud gate`."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .builds import workshop
from .errors import ConfigError, DriverError, QacloudError
from .gate.childrun import Child, PytestRunner
from .gate.decide import Rules
from .gate.drawing import panels
from .gate.exchange import Exchange
from .gate.gate import Gate
from .gate.history import candidates, rates, rejected, suspicion
from .gate.ledger import JOURNAL, Ledger, gates, read
from .gate.page import page
from .gate.record import Built, Closed, Found, Made, Opened, Promoting, Record, RunEnded, RunStarted
from .gate.report import report, to_plain
from .model import Composed, Outcome
from .paths import state_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .gate.record import Event
    from .gate.report import Report
    from .model import GateSettings, Unit
    from .settings import Settings

PLANS = 5
"""How often a gate is asked anew when stable moves, before it is left to a person."""

PUBLISHED = (Opened, RunEnded, Found, Promoting, Closed)
"""After which events the journal is published: what another machine would have to run or find out again."""

REPORT, BISECT, PROMOTE = "report", "bisect", "promote"
PASSED_ON = ("pools-dir", "marvin", "attr", "zone-config", "sim-machines", "sim-install-time")
"""Settings of the run that its children get."""

FILES = frozenset({"pools-dir", "marvin", "zone-config"})
PAGE, REPORT_FILE = "page.html", "report.json"


@dataclass(frozen=True, slots=True)
class SessionRun:
    """A pytest session that ran all gating suites.

    Args:
        commit: that it ran on.
        evidence: a line for each test that did not pass.
        folder: of the run.
    """

    commit: str
    outcomes: Mapping[str, Outcome]
    evidence: Mapping[str, str]
    folder: str
    pool: str
    elapsed_s: float


def gates_folder() -> Path:
    """Where gates are kept."""
    return state_dir() / "gates"


def records() -> dict[str, Record]:
    """All gates by name, the oldest first.

    Raises:
        ConfigError: a journal cannot be read.
    """
    found = {folder.name: Record(read(folder)) for folder in gates(gates_folder())}
    return {name: record for name, record in found.items() if record.events}


def guess(record: Record) -> Rules:
    """What is believed beforehand, by what failed and by the gates before this one; for a look at what happened."""
    told: dict[str, str] = {}
    for run in record.runs.values():
        told |= run.ended.evidence if run.ended is not None else {}
    before = [each for name, each in records().items() if name < record.opened.gate]
    return Rules(
        bisect=True, promote=False, attempts=1, weights=suspicion(record.opened.units, told), rates=rates(before)
    )


class GateWork:
    """What is needed to work on gates.

    Args:
        settings: `[gate]`.
        run: the settings of the run that asks, for its children.
        stop: raises when the gate shall end.
        listen: told of each event.
    """

    def __init__(
        self,
        settings: GateSettings,
        run: Settings,
        stop: Callable[[], None] = lambda: None,
        listen: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.settings, self._run, self._stop, self._listen = settings, run, stop, listen
        self._shop = workshop(settings, lambda: self._stop())  # noqa: PLW0108  # it may be replaced
        self._exchange = Exchange(self._shop.repository)
        self._unpublished = ""

    def stop_by(self, check: Callable[[], None]) -> None:
        """End when `check` raises."""
        self._stop = check

    def heads(self) -> tuple[str, str]:
        """Where stable and staging are.

        Raises:
            ConfigError: one of them does not exist.
            DriverError: the repository does not answer.
        """
        stable, staging = self._shop.staging.heads(self.settings.stable, self.settings.staging)
        return stable, staging

    def between(self, stable: str, staging: str) -> tuple[tuple[Unit, ...], tuple[tuple[str, str], ...]]:
        """The candidates that staging has, and the commits that are none with the reason.

        Raises:
            DriverError: git failed.
        """
        units = self._shop.staging.units(stable, staging)
        promoted = self._shop.staging.promoted(stable, staging)
        return candidates(units, promoted, rejected(records().values()))

    def open(self, session: SessionRun | None = None) -> Ledger:
        """The gate of what staging has now: the one that was begun already, or a new one.

        Args:
            session: what has just run, if it ran all gating suites; it is not run again.

        Raises:
            ConfigError: another process works on it.
            DriverError: the repository does not answer.
        """
        stable, staging = self.heads()
        kept, skipped = self.between(stable, staging)
        for name, record in records().items():
            opened = record.opened
            same = (opened.repository, opened.stable, opened.staging) == (self.settings.repository, stable, staging)
            if same and opened.units == kept and opened.suites == self.settings.suites and record.closed is None:
                return self._ledger(name)
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{staging[:8]}"
        ledger = self._ledger(name)
        ledger.add(
            Opened(
                gate=name,
                repository=self.settings.repository,
                stable_branch=self.settings.stable,
                staging_branch=self.settings.staging,
                stable=stable,
                staging=staging,
                units=kept,
                suites=self.settings.suites,
                skipped=skipped,
            )
        )
        if session is not None:
            self._take_in(ledger, session)
        return ledger

    def resume(self, name: str) -> Ledger:
        """A gate that has no end yet, of this machine or of another that has published its journal.

        Raises:
            ConfigError: there is none of that name, it has ended, or another process works on it.
            DriverError: the repository does not answer.
        """
        if name not in records():
            content = self._exchange.fetch(name)
            if content is None:
                raise ConfigError(f"there is no gate {name}; see `qacloud gate status`")
            folder = gates_folder() / name
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / JOURNAL).write_text(content, encoding="utf-8")
        ledger = self._ledger(name)
        closed = ledger.record.closed
        if closed is not None:
            with ledger:
                raise ConfigError(f"the gate {name} has ended: {closed.reason}")
        return ledger

    def elsewhere(self) -> list[str]:
        """Names of gates in the repository that are not known here.

        Raises:
            DriverError: the repository does not answer.
        """
        return sorted(set(self._exchange.names()) - set(records()))

    def _ledger(self, name: str) -> Ledger:
        """A gate's record, which is published as it grows."""
        folder, at = gates_folder() / name, ""

        def listen(event: Event) -> None:
            nonlocal at
            self._listen(event)
            if isinstance(event, PUBLISHED) and not self._unpublished:
                at = self._publish(name, (folder / JOURNAL).read_text(encoding="utf-8"), at)

        ledger = Ledger(folder, listen)
        try:
            at = self._exchange.names().get(name, "")
        except BaseException:
            with ledger:
                raise
        return ledger

    def _publish(self, name: str, content: str, before: str) -> str:
        """Put the journal into the repository, as far as that takes it: the one that counts is here."""
        try:
            return self._exchange.publish(name, content, before)
        except DriverError as error:
            self._unpublished = f"only this machine can go on with the gate: {error}"
            return before

    def work(self, mode: str, session: SessionRun | None = None) -> tuple[Report, Path]:
        """Open the gate and work on it until its end; anew where stable moved meanwhile.

        Returns:
            What came of it, and the folder that has its report and page.

        Raises:
            QacloudError: as `open` and `go_on`.
        """
        for _ in range(PLANS):
            with self.open(session) as ledger:
                told = self.go_on(ledger, mode)
            if told.result != "moved":
                break
        return told, ledger.folder

    def go_on(self, ledger: Ledger, mode: str) -> Report:
        """Work on a gate until its end; its report and page are in its folder then.

        Args:
            mode: `report` only says, `bisect` searches too, and `promote` pushes what is good.

        Raises:
            QacloudError: something outside failed that is no answer; the gate can be resumed.
        """
        rules = self.rules(ledger.record, mode)
        try:
            Gate(
                ledger,
                self._shop.staging,
                self._shop.builder,
                self._runner(),
                rules,
                parallel=self.settings.parallel,
                tag=self._tag,
                note=_note,
                stop=self._stop,
            ).run()
        finally:
            told = report(ledger.record)
            shown = page(told, panels(ledger.record, rules))
            (ledger.folder / PAGE).write_text(shown, encoding="utf-8")
            (ledger.folder / REPORT_FILE).write_text(json.dumps(to_plain(told), indent=1) + "\n", encoding="utf-8")
        return told

    def rules(self, record: Record, mode: str) -> Rules:
        """How a gate works, and what is believed beforehand."""
        return replace(
            guess(record),
            bisect=mode in {BISECT, PROMOTE},
            promote=mode == PROMOTE,
            attempts=self.settings.attempts,
        )

    def notify(self, told: Report, folder: Path) -> list[str]:
        """Tell people, as far as that is set up; what failed, in words."""
        from .gate.notify import post, send_mail

        mail, hook = self.settings.mail, self.settings.webhook
        failed = [self._unpublished] if self._unpublished else []
        try:
            if mail is not None:
                password = None if mail.password is None else mail.password.read()
                send_mail(mail, password, told, (folder / PAGE).read_text(encoding="utf-8"))
        except QacloudError as error:
            failed.append(str(error))
        try:
            if hook is not None:
                post(hook, None if hook.secret is None else hook.secret.read(), told)
        except QacloudError as error:
            failed.append(str(error))
        return failed

    def _take_in(self, ledger: Ledger, session: SessionRun) -> None:
        """Let a session's verdicts count, if what it ran is what would be promoted."""
        commits = ledger.record.candidate
        made = self._shop.staging.compose(ledger.record.opened.stable, commits) if commits else None
        if not isinstance(made, Composed) or made.tree != self._shop.staging.tree(session.commit):
            return
        ledger.add(Made(commits, made.commit, made.tree))
        ledger.add(Built(commits, made.tree, good=True))
        host = socket.gethostname()
        ledger.add(RunStarted(1, commits, made.commit, made.tree, "session", (), session.folder, host))
        ledger.add(
            RunEnded(1, session.outcomes, session.evidence, pool=session.pool, elapsed_s=round(session.elapsed_s, 3))
        )

    def _runner(self) -> PytestRunner:
        from .drivers.process import LocalPrograms

        arguments = []
        for name in PASSED_ON:
            if self._run.source(name) != "default":
                value = str(self._run.path(name)) if name in FILES else self._run[name]
                arguments.append(f"--qacloud-{name}={value}")
        pool = self.settings.pools or self._run["pool"]
        if not pool:
            raise ConfigError("which pools shall the gate's runs lease?", file=self.settings.path, key="gate.pools")
        child = Child(
            folder=self._run.folder,
            arguments=tuple(arguments),
            pool=pool,
            suites=self.settings.suites,
            env={name: value for name, value in os.environ.items() if name.startswith("QACLOUD_")},
            limit_s=self.settings.run_limit_s,
        )
        return PytestRunner(LocalPrograms(), child)

    def _tag(self, commit: str) -> str:
        return self.settings.tag.replace("{date}", time.strftime("%Y%m%d")).replace("{commit}", commit[:12])


def _note(record: Record) -> str:
    """What travels with the repository: the evidence that this commit is good."""
    made = record.made[record.candidate]
    outcomes = record.whole_run(made.tree) or {}
    runs = [run.started.run for run in record.over(made.tree)]
    return json.dumps(
        {
            "gate": record.opened.gate,
            "commit": made.commit,
            "tree": made.tree,
            "stable": record.opened.stable,
            "staging": record.opened.staging,
            "suites": list(record.opened.suites),
            "verdicts": {
                outcome.value: sum(each is outcome for each in outcomes.values())
                for outcome in (Outcome.GOOD, Outcome.BAD)
            },
            "flaky": [test for test, outcome in outcomes.items() if outcome is Outcome.BAD],
            "runs": runs,
            "left_out": sorted(record.out),
            "journal": f"{socket.gethostname()}:{gates_folder() / record.opened.gate / 'journal.jsonl'}",
        },
        indent=1,
    )
