from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_qacloud.rack.agent import Agent, ClassifierError, NodeClassifier
from pytest_qacloud.rack.authority import Authority, AuthorityError
from pytest_qacloud.rack.faults import Faults
from pytest_qacloud.rack.machine import Disk
from pytest_qacloud.rack.shell import SystemShell

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "node1.test"
RUN = (
    f"puppet agent --onetime --no-daemonize --detailed-exitcodes --verbose --server p --environment e --certname {NAME}"
)


def classifier(script: str, *arguments: str, **environment: str) -> NodeClassifier:
    return NodeClassifier((sys.executable, "-S", "-c", script, *arguments), environment)


class Bench:
    """A machine's shell with an agent behind it."""

    def __init__(self, script: str = "print('classes: {a::b: {port: 5}, c: }')", *arguments: str) -> None:
        self.authority, self.faults = Authority("127.0.0.1"), Faults(frozenset({"node1"}))
        self.agent = Agent(self.authority, classifier(script, *arguments), self.faults)
        self.image()

    def image(self) -> None:
        self.disk = Disk(NAME, files={"/etc/mark": "m\n"})
        self.shell = SystemShell("node1", self.disk, self.agent, self.faults)

    def run(self, line: str = RUN) -> tuple[int, str, str]:
        outcome = asyncio.run(self.shell.run(line))
        return outcome.status, outcome.stdout.decode(), outcome.stderr.decode()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_first_run_changes_and_a_second_does_not(bench: Bench) -> None:
    status, text, _ = bench.run()
    assert status == 2
    assert "Notice: Applied catalog" in text
    assert bench.disk.classes == {"a::b": {"port": 5}, "c": {}}
    assert bench.authority.status(NAME)["state"] == "signed"
    assert bench.run()[0] == 0


def test_without_detailed_exit_codes_changes_are_a_zero(bench: Bench) -> None:
    assert bench.run(f"puppet agent --onetime --certname {NAME}")[0] == 0
    assert bench.disk.classes


def test_a_new_image_with_the_old_certificate_fails_until_that_is_cleaned(bench: Bench) -> None:
    bench.run()
    bench.image()
    status, text, _ = bench.run()
    assert status == 1
    assert "does not match its private key" in text
    assert bench.disk.classes == {}
    bench.authority.revoke(NAME)
    bench.authority.delete(NAME)
    assert bench.run()[0] == 2


def test_a_revoked_or_forgotten_certificate_is_refused(bench: Bench) -> None:
    bench.run()
    bench.authority.revoke(NAME)
    assert bench.run()[0] == 1
    bench.authority.delete(NAME)
    status, text, _ = bench.run()
    assert status == 1
    assert "revoked" in text


def test_without_autosign_somebody_must_sign(bench: Bench) -> None:
    bench.authority.autosign = False
    status, text, _ = bench.run()
    assert status == 1
    assert "need to sign" in text
    assert bench.authority.status(NAME)["state"] == "requested"
    bench.authority.sign(NAME)
    assert bench.run()[0] == 2


def test_a_name_that_was_never_signed_can_ask_again() -> None:
    authority = Authority("127.0.0.1", autosign=False)
    first, second = authority.admin_key.public_key(), authority.server_key.public_key()
    authority.request(NAME, first)
    authority.request(NAME, second)
    authority.sign(NAME)
    with pytest.raises(AuthorityError, match="already has a signed certificate"):
        authority.request(NAME, first)


def test_faults(bench: Bench) -> None:
    bench.faults.set("puppet_fails", "node1", count=1)
    status, text, _ = bench.run()
    assert status == 1
    assert text.endswith("Error: Could not retrieve catalog; skipping run\n")
    bench.faults.set("puppet_ca_down")
    assert bench.run()[0] == 1
    bench.faults.clear()
    assert bench.run()[0] == 2


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; sys.exit('who is that?')", "returned 1: who is that?"),
        ("print('a: [')", "is no YAML"),
        ("print('- a')", "is no mapping"),
        ("print('classes: a')", "neither a list nor a mapping"),
    ],
)
def test_a_classifier_that_fails_fails_the_run(script: str, said: str) -> None:
    bench = Bench(script)
    status, text, _ = bench.run()
    assert status == 1
    assert said in text
    assert bench.disk.classes == {}


def classes(node_classifier: NodeClassifier) -> dict[str, dict[str, Any]]:
    return asyncio.run(node_classifier.classes(NAME))


def test_a_classifier_gets_the_name_its_arguments_and_its_environment() -> None:
    script = "import os, sys; print({'classes': [sys.argv[1], sys.argv[2], os.environ['QACLOUD_ENC_DIR']]})"
    assert classes(classifier(script, "one", QACLOUD_ENC_DIR="/enc")) == {"one": {}, NAME: {}, "/enc": {}}


def test_without_a_classifier_there_are_no_classes() -> None:
    assert classes(NodeClassifier((), {})) == {}


def test_a_classifier_that_is_not_there() -> None:
    with pytest.raises(ClassifierError, match="cannot run /nonexistent"):
        classes(NodeClassifier(("/nonexistent",), {}))


def test_a_classifier_that_takes_too_long_is_killed() -> None:
    argv = (sys.executable, "-S", "-c", "import time; time.sleep(60)")
    with pytest.raises(ClassifierError, match=r"took longer than 0\.1 s"):
        classes(NodeClassifier(argv, {}, timeout_s=0.1))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("true", (0, "", "")),
        ("", (0, "", "")),
        ("cat -- /etc/mark", (0, "m\n", "")),
        ("cat '/etc/mark'", (0, "m\n", "")),
        ("cat -- /etc/shadow", (1, "", "cat: /etc/shadow: No such file or directory\n")),
        ("hostname -f", (0, NAME + "\n", "")),
        ("hostname", (0, NAME + "\n", "")),
        ("reboot now", (127, "", "bash: line 1: reboot: command not found\n")),
        ("true; hostname", (127, "", "bash: line 1: true;: command not found\n")),
        ("cat 'x", (2, "", "bash: line 1: syntax error: No closing quotation\n")),
        (
            "puppet agent --cook",
            (1, "", "Error: Could not parse application options: unrecognized arguments: --cook\n"),
        ),
    ],
)
def test_commands(bench: Bench, line: str, answer: Sequence[object]) -> None:
    assert bench.run(line) == answer


def test_a_dropped_connection_does_not_undo_the_command(bench: Bench) -> None:
    bench.faults.set("ssh_drops", "node1", count=1)
    assert asyncio.run(bench.shell.run(RUN)).cut
    assert bench.disk.classes
    assert not asyncio.run(bench.shell.run("true")).cut


def test_an_authority_refuses_what_makes_no_sense() -> None:
    authority = Authority("127.0.0.1", autosign=False)
    for action in (authority.sign, authority.revoke, authority.delete, authority.status):
        with pytest.raises(AuthorityError) as caught:
            action("nobody")
        assert caught.value.status == 404
    authority.request(NAME, authority.admin_key.public_key())
    with pytest.raises(AuthorityError, match="without a signed certificate") as caught:
        authority.revoke(NAME)
    assert caught.value.status == 409
    authority.sign(NAME)
    with pytest.raises(AuthorityError, match="without a certificate request") as caught:
        authority.sign(NAME)
    assert caught.value.status == 409
    authority.revoke(NAME)
    authority.revoke(NAME)
    assert [status["state"] for status in authority.statuses()] == ["signed", "revoked"]
