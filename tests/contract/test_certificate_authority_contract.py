"""What every `CertificateAuthority` does, against the simulated rack's Puppet CA."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pytest_qacloud.drivers import load
from pytest_qacloud.errors import UnreachableError
from pytest_qacloud.ports import CertificateAuthority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rackclient import Installed, Rack

    from pytest_qacloud.model import Pool


@pytest.fixture(params=["puppet"])
def authority(request: pytest.FixtureRequest, rack: Rack, rack_pool: Pool) -> Iterator[CertificateAuthority]:
    driver: CertificateAuthority = load(request.param)(rack_pool.puppet, rack_pool.puppet.key.read())
    yield driver
    driver.close()


@pytest.fixture
def signed(installed: Installed, authority: CertificateAuthority, rack_pool: Pool) -> str:
    """The certname of a machine whose agent has just got a certificate."""
    shell = load("ssh")(installed.endpoint, rack_pool.ssh.key.read())
    name = installed.hostname
    authority.clean(name)
    shell.run(["puppet", "agent", "--onetime", "--no-daemonize", "--certname", name], timeout_s=30)
    shell.close()
    return name


def test_fulfils_the_port(authority: CertificateAuthority) -> None:
    assert isinstance(authority, CertificateAuthority)


def test_a_name_nobody_asked_for_has_no_state_and_may_be_cleaned(authority: CertificateAuthority) -> None:
    assert authority.state("nobody.sim.test") is None
    authority.clean("nobody.sim.test")
    assert authority.state("nobody.sim.test") is None


def test_a_signed_certificate_is_cleaned(authority: CertificateAuthority, signed: str) -> None:
    assert authority.state(signed) == "signed"
    authority.clean(signed)
    assert authority.state(signed) is None
    authority.clean(signed)


def test_an_authority_that_is_down_is_unreachable_until_it_is_back(authority: CertificateAuthority, rack: Rack) -> None:
    rack.set_fault("puppet_ca_down")
    with pytest.raises(UnreachableError):
        authority.state("nobody.sim.test")
    rack.clear_faults()
    assert authority.state("nobody.sim.test") is None


def test_many_threads_ask_at_once(authority: CertificateAuthority) -> None:
    with ThreadPoolExecutor(32) as threads:
        states = list(threads.map(authority.state, [f"node{number}.sim.test" for number in range(1000, 1064)]))
    assert states == [None] * 64
