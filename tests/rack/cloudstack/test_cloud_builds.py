"""What a build of the management server does otherwise than it should."""

from __future__ import annotations

import random

import pytest
from cloudlab import JobFailedError
from vmlab import VmLab

from pytest_qacloud.rack.cloudstack.builds import Build, BuildError


def entry(**keys: object) -> str:
    """One behaviour as TOML."""
    return "[[behaviour]]\n" + "".join(f"{key} = {value!r}\n" for key, value in keys.items())


@pytest.fixture
def lab() -> VmLab:
    return VmLab()


def install(lab: VmLab, text: str, seed: int = 1) -> None:
    build = Build.parse(text)
    build._chance = random.Random(seed)
    lab.cloud.server.build = build


def test_a_stop_that_does_nothing_leaves_the_machine_running(lab: VmLab) -> None:
    vm = lab.deploy()
    install(lab, entry(command="stopVirtualMachine", does="nothing"))

    assert lab.do("stopVirtualMachine", id=vm["id"])["state"] == "Running"
    assert lab.vm(vm["id"])["state"] == "Running"
    assert lab.do("rebootVirtualMachine", id=vm["id"])["state"] == "Running", "other commands are as they were"


def test_what_answers_success_alone_still_does_so(lab: VmLab) -> None:
    install(lab, entry(command="deleteNetwork", does="nothing"))

    assert lab.do("deleteNetwork", id=lab.network) is True
    assert lab.one("listNetworks", id=lab.network)["id"] == lab.network


def test_a_failure_is_the_jobs_with_the_builds_text(lab: VmLab) -> None:
    install(lab, entry(command="deployVirtualMachine", does="fails", text="no route to the agent"))

    with pytest.raises(JobFailedError, match="no route to the agent"):
        lab.deploy()


def test_a_wait_makes_the_job_longer(lab: VmLab) -> None:
    vm = lab.deploy()
    install(lab, entry(command="rebootVirtualMachine", does="waits", seconds=60))

    job = lab.cloud.ask("rebootVirtualMachine", id=vm["id"])["jobid"]
    lab.cloud.advance(59)
    assert lab.do("queryAsyncJobResult", jobid=job)["jobstatus"] == 0
    lab.cloud.advance(2)
    assert lab.do("queryAsyncJobResult", jobid=job)["jobstatus"] == 1


def test_a_rate_strikes_some_calls_only() -> None:
    build = Build.parse(entry(command="stopVirtualMachine", does="nothing", rate=0.25))
    struck = sum(build.strikes("stopVirtualMachine") is not None for _ in range(1000))
    assert 150 < struck < 350
    assert build.strikes("startVirtualMachine") is None


def test_a_behaviour_may_need_features_of_other_commits() -> None:
    needy = entry(command="stopVirtualMachine", does="nothing", needs=["a", "b"])
    assert Build.parse('features = ["a"]\n' + needy).strikes("stopVirtualMachine") is None
    both = Build.parse('features = ["a", "b"]\n' + needy)
    assert both.features == ("a", "b")
    assert both.strikes("stopVirtualMachine") is not None


def test_the_first_that_strikes_counts() -> None:
    build = Build.parse(
        entry(command="stopVirtualMachine", does="fails") + entry(command="stopVirtualMachine", does="nothing")
    )
    struck = build.strikes("stopVirtualMachine")
    assert struck is not None
    assert struck.does == "fails"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[", "is not TOML"),
        ("feature = []", "has no 'feature'; known are features, behaviour"),
        ('features = "a"', "features must be a list of names"),
        ("behaviour = 1", "must be [[behaviour]] tables"),
        (entry(command="stopVirtualMachine", does="nothing", rat=1), "has no 'rat'"),
        (entry(command="stopVirtualMachine", does="nothing", rate=True).replace("True", "true"), "rate=True"),
        (entry(command="stopMachine", does="nothing"), "there is no command 'stopMachine'"),
        (entry(command="stopVirtualMachine"), "does ''"),
        (entry(command="stopVirtualMachine", does="nothing", rate=0), "a rate is above 0"),
        (entry(command="rebootVirtualMachine", does="waits", seconds=-1), "seconds are not negative"),
        (entry(command="listZones", does="nothing"), "listZones has nothing to answer with"),
        (entry(command="createZone", does="nothing"), "createZone has nothing to answer with"),
        (entry(command="listZones", does="waits", seconds=1), "listZones is no job"),
        (entry(command="stopVirtualMachine", does="nothing", needs=[1]), "needs must be a list of names"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(BuildError) as refused:
        Build.parse(text)
    assert said in str(refused.value)
