"""Each step on services that keep a state: what it leaves there, and what it says when they misbehave."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fakes import FakeBmc, FakeClock, FakeServices, context_of, rack1

from pytest_qacloud.enc import read_classification
from pytest_qacloud.errors import (
    AccessDeniedError,
    DeadlineError,
    HostKeyError,
    LeaseLostError,
    ServiceFaultError,
    UnreachableError,
)
from pytest_qacloud.ports import CommandResult, PowerAction, PowerState, Services
from pytest_qacloud.provision import steps

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_qacloud.model import MachinePlan
    from pytest_qacloud.provision import Context


class Lab:
    """A pool of fakes and a context on it."""

    def __init__(self, folder: Path) -> None:
        self.services = FakeServices(rack1())
        self.clock = FakeClock()
        self.lost = False
        self.checks = 0
        self.context: Context = context_of(self.services, folder, check=self.check, clock=self.clock)
        self.plan: MachinePlan = self.context.plan.machines[1]

    def check(self) -> None:
        self.checks += 1
        if self.lost:
            raise LeaseLostError("rack1", 7, "expired")

    @property
    def bmc(self) -> FakeBmc:
        return self.services.bmcs[self.plan.name]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_the_fakes_are_what_the_steps_expect(lab: Lab) -> None:
    assert isinstance(lab.services, Services)


def test_a_machine_that_runs_is_switched_off_and_read_back(lab: Lab) -> None:
    lab.bmc.state = PowerState.ON

    steps.quiesce(lab.context, lab.plan.machine)

    assert lab.bmc.state is PowerState.OFF


def test_a_machine_that_is_off_is_told_nothing(lab: Lab) -> None:
    steps.power_off(lab.context, lab.plan)

    assert lab.bmc.told == []


def test_a_bmc_that_loses_an_off_is_told_again(lab: Lab) -> None:
    lab.bmc.state, lab.bmc.loses = PowerState.ON, 2

    steps.quiesce(lab.context, lab.plan.machine)

    assert lab.bmc.state is PowerState.OFF
    assert lab.bmc.told == ["off", "off", "off"]


@pytest.mark.parametrize("action", [PowerAction.OFF, PowerAction.ON])
def test_a_bmc_that_lies_is_found_out_by_reading_back(lab: Lab, action: PowerAction) -> None:
    before = PowerState.ON if action is PowerAction.OFF else PowerState.OFF
    lab.bmc.state, lab.bmc.lies = before, True

    with pytest.raises(DeadlineError) as raised:
        steps.switch(lab.context, lab.plan.machine, action)

    assert raised.value.last == f"the BMC accepted power {action}, and the chassis still reads {before}"
    assert raised.value.elapsed_s == pytest.approx(lab.context.pool.timeouts.ipmi_s)


def test_no_power_command_is_sent_without_a_live_lease(lab: Lab) -> None:
    lab.bmc.state, lab.lost = PowerState.ON, True

    for step in (steps.power_off, steps.boot_installer):
        with pytest.raises(LeaseLostError):
            step(lab.context, lab.plan)

    assert lab.bmc.told == []
    assert lab.bmc.next_boot == "disk"


def test_a_lease_that_is_lost_while_a_chassis_is_watched_sends_no_second_command(lab: Lab) -> None:
    lab.bmc.state, lab.bmc.lies = PowerState.ON, True
    whole_sleep = lab.clock.sleep

    def sleep(seconds: float) -> None:
        whole_sleep(seconds)
        lab.lost = True

    lab.clock.sleep = sleep  # type: ignore[method-assign]  # the lease ends during the first pause
    with pytest.raises(LeaseLostError):
        steps.quiesce(lab.context, lab.plan.machine)

    assert lab.bmc.told == ["off", "off"]


@pytest.mark.parametrize(("state", "told"), [(PowerState.OFF, ["on"]), (PowerState.ON, ["cycle"])])
def test_the_installer_is_booted_from_the_network_once(lab: Lab, state: PowerState, told: list[str]) -> None:
    lab.bmc.state = state

    steps.boot_installer(lab.context, lab.plan)

    assert (lab.bmc.told, lab.bmc.boots, lab.bmc.next_boot) == (told, ["network"], "disk")


def test_a_profile_that_cobbler_lacks_is_named_with_the_key_that_sets_it(lab: Lab) -> None:
    steps.profile_exists(lab.context, lab.plan)
    lab.services.cobbler.profiles.clear()

    with pytest.raises(ServiceFaultError, match=f"has no profile {lab.plan.profile}") as raised:
        steps.profile_exists(lab.context, lab.plan)

    assert "[cobbler.profiles] hypervisor" in raised.value.action


def test_an_export_without_room_is_named_with_what_is_needed(lab: Lab) -> None:
    storage = lab.context.pool.storage
    steps.room_on_exports(lab.context)
    lab.services.nfs.free[storage.secondary.path] = int(1.5 * steps.GIB)

    with pytest.raises(ServiceFaultError) as raised:
        steps.room_on_exports(lab.context)

    assert raised.value.observed == f"{storage.secondary.path} has 1.5 GiB free, and 200 GiB are needed"


def test_exports_hold_the_template_and_nothing_of_an_earlier_zone(lab: Lab) -> None:
    storage = lab.context.pool.storage

    for _ in range(2):
        steps.seed_storage(lab.context)

    primaries = [lab.services.nfs.exports[export.path] for export in storage.primary]
    assert primaries == [set()] * len(primaries)
    checksum = lab.context.plan.system_vm_template.checksum
    assert lab.services.nfs.exports[storage.secondary.path] == {f"kvm systemvm.qcow2 {checksum}"}


def test_nothing_is_emptied_without_a_live_lease(lab: Lab) -> None:
    lab.lost = True

    with pytest.raises(LeaseLostError):
        steps.empty_exports(lab.context)

    assert all(content == {"old"} for content in lab.services.nfs.exports.values())


def test_cobbler_is_told_all_that_the_installation_needs_and_forgets_it_again(lab: Lab) -> None:
    steps.register_system(lab.context, lab.plan)

    system = lab.services.cobbler.systems[lab.plan.name]
    assert (system.hostname, system.mac, system.ip) == (
        lab.plan.hostname,
        lab.plan.machine.mac,
        str(lab.plan.machine.ip),
    )
    assert system.netboot_enabled
    pair = lab.services.host_key_pair(lab.plan.host_key_seed)
    assert base64.b64decode(system.meta["qacloud_host_key"]).decode() == pair.private
    assert base64.b64decode(system.meta["qacloud_authorized_key"]).decode() == lab.services.authorized_key()
    assert system.meta["qacloud_marker"] == lab.plan.marker
    steps.unregister_system(lab.context, lab.plan)
    steps.unregister_system(lab.context, lab.plan)
    assert lab.services.cobbler.systems == {}


def test_the_old_certificate_goes_and_the_classifier_learns_the_machine(lab: Lab) -> None:
    lab.services.ca.certificates = {lab.plan.hostname: "signed", "somebody.else": "signed"}

    steps.clean_certificate(lab.context, lab.plan)

    assert lab.services.ca.certificates == {"somebody.else": "signed"}
    assert "qacloud::kvm" in read_classification(str(lab.context.enc_dir), lab.plan.hostname)
    lab.services.ca.certificates[lab.plan.hostname] = "signed"
    steps.forget_certificate(lab.context, lab.plan)
    assert lab.services.ca.certificates == {"somebody.else": "signed"}
    assert list(lab.context.enc_dir.iterdir()) == []


def test_a_machine_counts_as_installed_once_cobbler_and_the_marker_say_so(lab: Lab) -> None:
    steps.register_system(lab.context, lab.plan)
    lab.services.cobbler.looks_until_installed = 3
    lab.services.cobbler.silent = 2

    steps.wait_installed(lab.context, lab.plan)

    assert lab.clock.naps == [lab.context.pool.poll.installed_s] * 5


def never_installed(lab: Lab) -> str:
    with pytest.raises(DeadlineError) as raised:
        steps.wait_installed(lab.context, lab.plan)
    assert raised.value.elapsed_s == pytest.approx(lab.context.pool.timeouts.installed_s)
    return raised.value.last


def test_a_machine_whose_record_cobbler_has_lost_is_not_installed(lab: Lab) -> None:
    assert never_installed(lab) == "Cobbler has lost the machine's record; the chassis is off"


def test_an_installer_that_never_ends_is_said_with_the_state_of_the_chassis(lab: Lab) -> None:
    steps.register_system(lab.context, lab.plan)
    lab.services.cobbler.looks_until_installed = None

    assert never_installed(lab) == "the installer has not reported its end to Cobbler; the chassis is off"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "SSH answers, and /etc/qacloud-epoch is not there"),
        ({"/etc/qacloud-epoch": "epoch=6,nonce=0123\n"}, "SSH answers, and /etc/qacloud-epoch is of another run"),
    ],
)
def test_a_system_without_this_runs_marker_is_not_the_new_one(lab: Lab, files: dict[str, str], words: str) -> None:
    steps.register_system(lab.context, lab.plan)
    lab.services.machine_shell(lab.plan).files = files
    lab.bmc.state = PowerState.ON

    assert never_installed(lab) == f"{words}; the chassis is on, and {words}"


@pytest.mark.parametrize(
    ("error", "seen", "diagnosis"),
    [
        (HostKeyError("SSH", "another key"), "its host key is not ours", "its host key is not ours"),
        (UnreachableError("SSH 10.1.0.11:22", "refused"), "SSH 10.1.0.11:22: refused", "SSH 10.1.0.11:22: refused"),
        (DeadlineError("cat", 20.0), "cat: not within 20.0 s", "the chassis is on, and cat: not within 20.0 s"),
    ],
)
def test_who_answers_instead_of_the_new_system_is_said(lab: Lab, error: Exception, seen: str, diagnosis: str) -> None:
    steps.register_system(lab.context, lab.plan)
    lab.services.machine_shell(lab.plan).errors = [error]
    lab.bmc.state = PowerState.ON

    last, _, after = never_installed(lab).rpartition("; ")

    assert seen in last
    assert diagnosis in after


def test_a_new_system_that_comes_up_late_is_told_from_the_old_one(lab: Lab) -> None:
    steps.register_system(lab.context, lab.plan)
    shell = lab.services.machine_shell(lab.plan)
    shell.errors = [HostKeyError("SSH", "another key")] * 3
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        lab.clock.at_s += seconds
        if looks == 3:
            shell.errors = []

    lab.clock.sleep = sleep  # type: ignore[method-assign]  # the old system goes away during the third pause
    steps.wait_installed(lab.context, lab.plan)

    assert looks == 3


def test_a_system_that_came_up_while_the_time_ran_out_is_said(lab: Lab) -> None:
    steps.register_system(lab.context, lab.plan)
    lab.services.cobbler.looks_until_installed = None
    lab.bmc.state = PowerState.ON

    assert never_installed(lab).endswith("the chassis is on, and SSH shows the new system")


def test_a_bmc_that_fails_in_the_diagnosis_hides_nothing(lab: Lab) -> None:
    steps.register_system(lab.context, lab.plan)
    lab.services.cobbler.looks_until_installed = None
    lab.bmc.silent = 10**6

    assert never_installed(lab) == "the installer has not reported its end to Cobbler; BMC: no answer"


def test_a_refused_key_is_not_waited_out(lab: Lab) -> None:
    steps.register_system(lab.context, lab.plan)
    lab.services.machine_shell(lab.plan).errors = [AccessDeniedError("SSH", "our key was refused")]

    with pytest.raises(AccessDeniedError):
        steps.wait_installed(lab.context, lab.plan)


@pytest.mark.parametrize("status", [0, 2])
def test_puppet_that_had_nothing_or_something_to_do_has_converged(
    lab: Lab, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    shell = lab.services.machine_shell(lab.plan)
    shell.result = CommandResult(status, "Notice: applied\n", "")

    with caplog.at_level(logging.INFO, "pytest_qacloud"):
        steps.converge(lab.context, lab.plan)

    [argv] = shell.commands
    assert argv[:5] == ("puppet", "agent", "--onetime", "--no-daemonize", "--detailed-exitcodes")
    assert argv[argv.index("--certname") + 1] == lab.plan.hostname
    assert argv[argv.index("--server") + 1] == lab.context.pool.puppet.server
    assert "Notice: applied" in caplog.text


@pytest.mark.parametrize("status", [1, 4, 6, 127])
def test_puppet_that_failed_shows_its_last_lines_and_logs_all(
    lab: Lab, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [f"Notice: line {number}" for number in range(9)]
    shell = lab.services.machine_shell(lab.plan)
    shell.result = CommandResult(status, "\n".join(lines), "\nError: no such package\n")

    with caplog.at_level(logging.INFO, "pytest_qacloud"), pytest.raises(ServiceFaultError) as raised:
        steps.converge(lab.context, lab.plan)

    shown = " | ".join([*lines[-4:], "Error: no such package"])
    assert raised.value.observed == f"exit status {status}; its last lines: {shown}"
    assert lines[0] in caplog.text


def test_puppet_that_failed_without_a_word_says_so(lab: Lab) -> None:
    lab.services.machine_shell(lab.plan).result = CommandResult(127, "", " \n")

    with pytest.raises(ServiceFaultError, match="exit status 127; its last lines: none"):
        steps.converge(lab.context, lab.plan)


def test_the_management_server_is_waited_for(lab: Lab) -> None:
    lab.services.api_errors = [UnreachableError("API", "connection refused"), UnreachableError("API", "answers 503")]

    endpoint = steps.wait_management(lab.context, lab.context.plan.management)

    assert endpoint.url.startswith(f"http://{lab.context.plan.management.machine.ip}:")
    assert len(lab.clock.naps) == 2


def test_a_management_server_that_never_answers_is_said_with_its_last_word(lab: Lab) -> None:
    lab.services.api_errors = [UnreachableError("API", "answers 503")] * 10**4

    with pytest.raises(DeadlineError, match="last seen: API: answers 503"):
        steps.wait_management(lab.context, lab.context.plan.management)


def test_a_management_server_that_refuses_the_password_is_not_waited_for(lab: Lab) -> None:
    lab.services.api_errors = [AccessDeniedError("API", "wrong password")]

    with pytest.raises(AccessDeniedError):
        steps.wait_management(lab.context, lab.context.plan.management)


def test_waiting_ends_with_the_lease(lab: Lab) -> None:
    lab.context = replace(lab.context)
    lab.lost = True

    for wait in (steps.wait_installed, steps.wait_management):
        with pytest.raises(LeaseLostError):
            wait(lab.context, lab.plan)
