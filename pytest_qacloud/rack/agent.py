"""`puppet agent` on a machine: keys, certificate, classification, and the exit codes of `--detailed-exitcodes`."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from . import keys
from .authority import Authority, AuthorityError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric import ec

    from .faults import Faults
    from .machine import Disk

NO_CHANGES, RUN_FAILED, CHANGES, CHANGES_AND_FAILURES = 0, 1, 2, 6
MANAGEMENT_CLASS = "qacloud::management"
CLASSIFIER_TIMEOUT_S = 30.0
CLASSIFIERS_AT_ONCE = 4
"""Like the JRuby instances of a real server: more would only wait for the processor."""


class ClassifierError(Exception):
    """The external node classifier failed; the text says how."""


@dataclass
class AgentState:
    """What an agent keeps in its ssl folder."""

    key: ec.EllipticCurvePrivateKey
    certname: str
    has_certificate: bool = False


class NodeClassifier:
    """Runs the configured command for a certname (Puppet's `node_terminus = exec`).

    Args:
        argv: the command; the certname is added. Empty classifies every node as nothing.
        environment: variables it gets besides the rack's own.
        timeout_s: seconds after which it is killed.
    """

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], timeout_s: float = CLASSIFIER_TIMEOUT_S
    ) -> None:
        self._argv, self._environment, self._timeout_s = tuple(argv), dict(environment), timeout_s
        self._slots = asyncio.Semaphore(CLASSIFIERS_AT_ONCE)

    async def classes(self, certname: str) -> dict[str, dict[str, Any]]:
        """The classes of a node with their parameters.

        Raises:
            ClassifierError: it failed, took too long, or did not print the YAML that Puppet wants.
        """
        if not self._argv:
            return {}
        async with self._slots:
            text = await self._run(certname)
        try:
            node = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ClassifierError(f"its output for {certname} is no YAML: {error}") from error
        if not isinstance(node, dict):
            raise ClassifierError(f"its output for {certname} is no mapping")
        classes = node.get("classes") or {}
        if isinstance(classes, list):
            return {str(name): {} for name in classes}
        if not isinstance(classes, dict):
            raise ClassifierError(f"'classes' of {certname} is neither a list nor a mapping")
        return {str(name): dict(parameters or {}) for name, parameters in classes.items()}

    async def _run(self, certname: str) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                certname,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=os.environ | self._environment,
            )
        except OSError as error:
            raise ClassifierError(f"cannot run {self._argv[0]}: {error.strerror}") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                output, errors = await process.communicate()
        except TimeoutError as error:
            raise ClassifierError(f"{self._argv[0]} took longer than {self._timeout_s:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            reason = errors.decode(errors="replace").strip()
            command = " ".join((*self._argv, certname))
            raise ClassifierError(f"Execution of '{command}' returned {process.returncode}: {reason}")
        return output.decode(errors="replace")


class Agent:
    """Puppet's agent, as it runs on every machine.

    Args:
        authority: the CA it reaches.
    """

    def __init__(self, authority: Authority, classifier: NodeClassifier, faults: Faults) -> None:
        self._authority, self._classifier, self._faults = authority, classifier, faults

    async def run(self, machine: str, disk: Disk, certname: str, environment: str) -> tuple[int, str]:
        """One run: its exit code and what it printed."""
        problem = self._certificate_problem(disk, certname)
        if problem is not None:
            return RUN_FAILED, f"Error: Could not run: {problem}\n"
        lines = [
            f"Info: Using environment '{environment}'",
            "Info: Retrieving pluginfacts",
            "Info: Retrieving plugin",
            "Info: Loading facts",
        ]
        if self._faults.active("puppet_fails", machine) is not None:
            return RUN_FAILED, _skipped(
                lines, f"Evaluation Error: Error while evaluating a Resource on node {certname}"
            )
        try:
            classes = await self._classifier.classes(certname)
        except ClassifierError as error:
            return RUN_FAILED, _skipped(lines, f"Failed when searching for node {certname}: {error}")
        repository = classes.get(MANAGEMENT_CLASS, {}).get("repository")
        problem = await self._install(disk, repository) if repository not in (None, disk.repository) else None
        if problem is not None:
            disk.classes = {name: parameters for name, parameters in classes.items() if name != MANAGEMENT_CLASS}
            return CHANGES_AND_FAILURES, "\n".join((*lines, problem, "Notice: Applied catalog in 0.02 seconds")) + "\n"
        changed = [name for name, parameters in classes.items() if disk.classes.get(name) != parameters]
        disk.classes = classes
        lines += [f"Info: Caching catalog for {certname}", "Info: Applying configuration version 'qacloud'"]
        for name in changed:
            title = "::".join(part.capitalize() for part in name.split("::"))
            lines.append(f"Notice: /Stage[main]/{title}/Notify[{name}]/message: defined 'message' as 'configured'")
        lines.append("Notice: Applied catalog in 0.02 seconds")
        return CHANGES if changed else NO_CHANGES, "\n".join(lines) + "\n"

    async def _install(self, disk: Disk, repository: str) -> str | None:
        """Install the management server's package, once a disk; what Puppet says if that fails."""
        from . import packages
        from .cloudstack import Build, BuildError

        try:
            text = await packages.fetch(repository)
            Build.parse(text)
        except (packages.PackageError, BuildError) as error:
            return (
                "Error: /Stage[main]/Qacloud::Management/Package[cloudstack-management]/ensure: change from 'purged' to"
                f" 'present' failed: E: {error}"
            )
        disk.repository, disk.behaviours = repository, text
        return None

    def _certificate_problem(self, disk: Disk, certname: str) -> str | None:
        """Get a certificate as an agent does on its first run; why it cannot, or `None`."""
        if self._faults.is_set("puppet_ca_down"):
            return "Request to https://puppet:8140/puppet-ca/v1 failed: Connection refused"
        if disk.agent is None or disk.agent.certname != certname:
            disk.agent = AgentState(keys.new_key(), certname)
        state: AgentState = disk.agent
        entry = self._authority.entry(certname)
        if not state.has_certificate and entry is None:
            try:
                self._authority.request(certname, state.key.public_key())
            except AuthorityError as error:
                return error.text
            entry = self._authority.entry(certname)
        if entry is not None and entry.public_key != state.key.public_key():
            return f"The certificate for 'CN={certname}' does not match its private key"
        if entry is None or entry.state == "revoked":
            return "certificate verify failed: the server refuses the revoked certificate of this node"
        if entry.state == "requested":
            return f"Couldn't fetch certificate from CA server; you might still need to sign {certname}"
        state.has_certificate = True
        return None


def _skipped(lines: Sequence[str], reason: str) -> str:
    error = f"Error: Could not retrieve catalog from remote server: Error 500 on SERVER: Server Error: {reason}"
    end = ["Warning: Not using cache on failed catalog", "Error: Could not retrieve catalog; skipping run"]
    return "\n".join((*lines, error, *end)) + "\n"
