"""How steps run: on disk before they act, retried where that can help, explained when they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes import FakeClock

from pytest_qacloud.errors import (
    AccessDeniedError,
    ConfigError,
    DeadlineError,
    LeaseLostError,
    ProvisionError,
    QacloudError,
    ServiceFaultError,
    StoppedError,
    UnreachableError,
)
from pytest_qacloud.journal import Event, Journal, Redactor, read
from pytest_qacloud.provision.stage import NEXT_LEASE, TRIES, UNDO_LIMIT_S, Done, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Bench:
    """A stage with a clock of its own, whose journal is read from the disk."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self.journal = Journal(self.path, Redactor())
        self.clock = FakeClock()
        self.lost: Exception | None = None
        self.stage = Stage("rack1", self.journal, self.check, self.clock)

    def check(self) -> None:
        if self.lost is not None:
            raise self.lost

    def events(self) -> list[Event]:
        return read(self.path)

    def phases(self) -> list[tuple[str, str, str]]:
        return [(event.machine, event.step, event.phase) for event in self.events()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.journal.close()


def failing(*errors: BaseException) -> tuple[Callable[[], str], list[BaseException]]:
    """An action that raises each error in turn and then succeeds; and the errors that are left."""
    left = list(errors)

    def action() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return action, left


SILENT = UnreachableError("BMC 10.1.9.11", "no answer")


def test_a_step_is_on_disk_and_known_to_the_undoing_before_it_acts(bench: Bench) -> None:
    seen: list[object] = []

    def act() -> None:
        bench.clock.sleep(2.5)
        seen.extend([bench.phases(), list(bench.stage.begun), list(bench.stage.times)])

    bench.stage.run("ipmi", "node2", act, limit_s=60)

    assert seen == [[("node2", "ipmi", "begin")], [Done("node2", "ipmi")], []]
    assert bench.events()[-1].phase == "end"
    assert bench.events()[-1].elapsed_s == bench.stage.times[0].elapsed_s == 2.5


def test_nothing_begins_without_a_live_lease(bench: Bench) -> None:
    bench.lost = LeaseLostError("rack1", 7, "expired")

    with pytest.raises(LeaseLostError):
        bench.stage.run("ipmi", "node2", lambda: pytest.fail("it acted"), limit_s=60)
    with pytest.raises(LeaseLostError):
        bench.stage.undo(Done("node2", "ipmi"), lambda: pytest.fail("it acted"))

    assert (bench.events(), bench.stage.begun) == ([], [])


def test_no_answer_is_tried_again_with_growing_limits_and_said_so(bench: Bench) -> None:
    action, _ = failing(SILENT, SILENT)

    assert bench.stage.run("ipmi", "node2", action, limit_s=600) == "done"

    assert [phase for _, _, phase in bench.phases()] == ["begin", "retry", "retry", "end"]
    assert bench.events()[1].detail == {"observed": "BMC 10.1.9.11: no answer"}
    assert len(bench.clock.naps) == 2
    assert bench.clock.naps[0] <= 0.5
    assert bench.clock.naps[1] <= 1.0


def test_a_group_of_nothing_but_silence_is_tried_again(bench: Bench) -> None:
    action, _ = failing(ExceptionGroup("clusters", [SILENT, ExceptionGroup("more", [SILENT])]))

    assert bench.stage.run("zone", "rack1", action, limit_s=600) == "done"


def test_silence_ends_after_some_tries(bench: Bench) -> None:
    action, left = failing(*[SILENT] * (TRIES + 3))

    with pytest.raises(ProvisionError, match="no answer"):
        bench.stage.run("ipmi", "node2", action, limit_s=6000)

    assert len(left) == 3
    assert len(bench.clock.naps) == TRIES - 1


def test_no_try_begins_after_the_limit(bench: Bench) -> None:
    begun_s: list[float] = []

    def slow() -> None:
        begun_s.append(bench.clock.now() - 1000.0)
        bench.clock.sleep(40)
        raise SILENT

    with pytest.raises(ProvisionError):
        bench.stage.run("ipmi", "node2", slow, limit_s=60)

    assert len(begun_s) == 2
    assert begun_s[-1] <= 60


@pytest.mark.parametrize(
    "error",
    [
        AccessDeniedError("BMC 10.1.9.11", "refused the password", "correct [machines.bmc] password"),
        ServiceFaultError("BMC 10.1.9.11", "refused the password", "correct [machines.bmc] password"),
    ],
)
def test_an_answer_that_is_a_refusal_is_final_and_tells_the_drivers_advice(bench: Bench, error: Exception) -> None:
    action, left = failing(error, error)

    with pytest.raises(ProvisionError) as raised:
        bench.stage.run("preflight", "node2", action, limit_s=60)

    assert len(left) == 1
    failure = raised.value
    assert (failure.machine, failure.step, failure.of_pool) == ("node2", "preflight", False)
    assert failure.observed == "BMC 10.1.9.11: refused the password"
    assert failure.action == "Correct [machines.bmc] password."
    assert failure.__cause__ is error
    assert bench.events()[-1].detail == {"observed": failure.observed, "action": failure.action}


def test_a_driver_without_advice_gets_the_steps_own(bench: Bench) -> None:
    action, _ = failing(ServiceFaultError("BMC", "is odd"))

    with pytest.raises(ProvisionError, match="qacloud pools check rack1"):
        bench.stage.run("preflight", "rack1", action, limit_s=60)


def test_a_step_of_the_pool_says_so(bench: Bench) -> None:
    action, _ = failing(ServiceFaultError("Cobbler", "is odd"))

    with pytest.raises(ProvisionError) as raised:
        bench.stage.run("storage", "rack1", action, limit_s=60)

    assert raised.value.of_pool


@pytest.mark.parametrize(
    ("last", "words"),
    [("SSH does not answer", "waited 45.0 s for the new system; SSH does not answer"),
     ("", "waited 45.0 s for the new system")],
)  # fmt: skip
def test_what_did_not_come_in_time_says_what_was_last_seen(bench: Bench, last: str, words: str) -> None:
    action, left = failing(DeadlineError("the new system", 45.0, last), SILENT)

    with pytest.raises(ProvisionError) as raised:
        bench.stage.run("installed", "node2", action, limit_s=60)

    assert raised.value.observed == words
    assert "console" in raised.value.action
    assert len(left) == 1


def test_a_failure_that_names_its_machine_keeps_it_and_learns_how_long_the_step_took(bench: Bench) -> None:
    def act() -> None:
        bench.clock.sleep(9)
        raise ProvisionError("10.1.0.11", "zone", "cannot be added", 0.0, "Look there.")

    with pytest.raises(ProvisionError) as raised:
        bench.stage.run("zone", "rack1", act, limit_s=60)

    failure = raised.value
    assert (failure.machine, failure.elapsed_s, failure.of_pool) == ("10.1.0.11", 9.0, False)
    assert (failure.observed, failure.action) == ("cannot be added", "Look there.")


def test_each_failure_of_a_group_is_explained(bench: Bench) -> None:
    action, _ = failing(ExceptionGroup("hosts", [ServiceFaultError("host a", "x"), ServiceFaultError("host b", "y")]))

    with pytest.raises(ExceptionGroup) as raised:
        bench.stage.run("zone", "rack1", action, limit_s=60)

    assert [type(error) for error in raised.value.exceptions] == [ProvisionError, ProvisionError]
    assert bench.events()[-1].detail == {"observed": "host a: x; host b: y"}


def test_a_group_with_a_fault_of_this_program_is_left_as_it_is(bench: Bench) -> None:
    group = ExceptionGroup("hosts", [ServiceFaultError("host a", "x"), ZeroDivisionError("oops")])
    action, _ = failing(group)

    with pytest.raises(ExceptionGroup) as raised:
        bench.stage.run("zone", "rack1", action, limit_s=60)

    assert raised.value is group
    assert bench.events()[-1].detail == {"observed": "host a: x; ZeroDivisionError: oops"}


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (StoppedError("another machine failed"), {"observed": "another machine failed", "stopped": True}),
        (KeyboardInterrupt("SIGTERM"), {"observed": "KeyboardInterrupt: SIGTERM", "stopped": True}),
        (LeaseLostError("rack1", 7, "expired"),
         {"observed": "the lease on rack1 (epoch 7) is lost: expired", "stopped": True}),
        (ConfigError("the secret is empty"), {"observed": "the secret is empty"}),
        (ZeroDivisionError("oops"), {"observed": "ZeroDivisionError: oops"}),
    ],
)  # fmt: skip
def test_what_is_no_failure_of_the_step_passes_and_is_recorded(
    bench: Bench, error: BaseException, detail: dict[str, object]
) -> None:
    action, _ = failing(error)

    with pytest.raises(type(error)) as raised:
        bench.stage.run("ipmi", "node2", action, limit_s=60)

    assert raised.value is error
    assert bench.events()[-1].phase == "fail"
    assert bench.events()[-1].detail == detail


def test_a_lease_that_is_lost_meanwhile_is_the_cause_and_the_failure_is_still_recorded(bench: Bench) -> None:
    def act() -> None:
        bench.lost = LeaseLostError("rack1", 7, "taken over")
        raise ServiceFaultError("BMC", "another session has taken over")

    with pytest.raises(LeaseLostError):
        bench.stage.run("ipmi", "node2", act, limit_s=60)

    assert bench.phases()[-1] == ("node2", "ipmi", "fail")


@pytest.mark.parametrize("when", ["before the pause", "during the pause"])
def test_a_run_that_must_stop_makes_no_further_try(bench: Bench, when: str) -> None:
    tries = 0

    def act() -> None:
        nonlocal tries
        tries += 1
        if when == "before the pause":
            bench.lost = StoppedError("told to stop")
        raise SILENT

    def nap(seconds: float) -> None:
        bench.lost = StoppedError("told to stop")

    bench.clock.sleep = nap  # type: ignore[method-assign]  # a pause in which a signal comes
    with pytest.raises(StoppedError):
        bench.stage.run("ipmi", "node2", act, limit_s=600)

    assert tries == 1


def test_an_undo_is_recorded_and_its_failure_returned_so_that_others_go_on(bench: Bench) -> None:
    done = Done("node2", "cobbler")

    assert bench.stage.undo(done, lambda: None) is None
    failure = bench.stage.undo(done, failing(ServiceFaultError("Cobbler", "is odd"))[0])

    assert bench.phases() == [
        ("node2", "undo cobbler", "begin"),
        ("node2", "undo cobbler", "end"),
        ("node2", "undo cobbler", "begin"),
        ("node2", "undo cobbler", "fail"),
    ]
    assert failure is not None
    assert (failure.step, failure.action) == ("undo cobbler", NEXT_LEASE)


def test_an_undo_is_not_tried_for_long(bench: Bench) -> None:
    def slow() -> None:
        bench.clock.sleep(UNDO_LIMIT_S + 1)
        raise SILENT

    failure = bench.stage.undo(Done("node2", "ipmi"), slow)

    assert failure is not None
    assert bench.clock.naps == [UNDO_LIMIT_S + 1]


def test_an_undo_that_must_stop_passes_it_on(bench: Bench) -> None:
    with pytest.raises(LeaseLostError):
        bench.stage.undo(Done("node2", "ipmi"), failing(LeaseLostError("rack1", 7, "expired"))[0])

    assert bench.phases()[-1] == ("node2", "undo ipmi", "fail")


def test_a_machines_steps_are_handed_out_once(bench: Bench) -> None:
    for machine, step in (("node2", "cobbler"), ("node3", "cobbler"), ("node2", "ipmi")):
        bench.stage.run(step, machine, lambda: None, limit_s=60)

    assert bench.stage.forget("node2") == [Done("node2", "cobbler"), Done("node2", "ipmi")]
    assert bench.stage.forget("node2") == []
    assert bench.stage.begun == [Done("node3", "cobbler")]


def test_a_step_does_not_act_when_the_journal_cannot_say_so(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").symlink_to("/dev/full")
    bench = Bench(tmp_path)

    with pytest.raises(QacloudError, match="No space left"):
        bench.stage.run("ipmi", "node2", lambda: pytest.fail("it acted"), limit_s=60)

    bench.journal.close()


def test_the_package_has_no_other_names() -> None:
    from pytest_qacloud import provision

    assert all(hasattr(provision, name) for name in provision.__all__)
    assert not hasattr(provision, "no_such_thing")
