from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from pool_texts import POOLS, edited, read, refusal

from pytest_qacloud.config import SimulatedPool, load_pool, parse_pool, schema_process
from pytest_qacloud.config.schema import Table
from pytest_qacloud.errors import EXIT_USAGE, ConfigError
from pytest_qacloud.model import Bmc, Hypervisor, Pool, Role, SecretRef, SshEndpoint, Timeouts


def test_the_example_of_a_rack_is_read_whole() -> None:
    pool = load_pool(POOLS / "rack1.toml")
    assert isinstance(pool, Pool)
    assert pool.path == str(POOLS / "rack1.toml")
    assert pool.hypervisor is Hypervisor.KVM
    assert [machine.role for machine in pool.machines] == [Role.MANAGEMENT, *[Role.HYPERVISOR] * 4, Role.SPARE]
    assert pool.machines[1].bmc == Bmc("10.1.9.11", 623, "qacloud", SecretRef("env", "RACK1_BMC_PASSWORD"), 17)
    assert pool.network.dns == (IPv4Address("10.1.0.2"),)
    assert pool.tags == {"kvm", "nightly"}
    assert pool.cobbler.profiles == {Role.MANAGEMENT: "debian12-management", Role.HYPERVISOR: "debian12-kvm"}
    assert pool.ssh.bastion is not None
    assert pool.ssh.bastion.port == 22
    assert pool.timeouts == Timeouts()


COMMENTED_KEY = re.compile(r"^# (?=[a-z_]+ = |\[[a-z.]+\])", re.MULTILINE)


def test_every_key_that_the_example_comments_out_is_one_that_may_be_set() -> None:
    assert len(COMMENTED_KEY.findall(edited())) > 30
    text = COMMENTED_KEY.sub("", edited())
    pool = read(text.replace('hypervisor = "kvm" ', 'hypervisor = "vmware" ').replace("tls = false", "tls = true"))
    assert pool.vmware is not None
    assert pool.lease.store == "postgresql://qacloud@db.example.org/leases"
    assert pool.puppet.enc_dir is not None


def test_numbers_that_the_example_comments_out_are_the_defaults() -> None:
    commented = re.compile(r"^# (?=(?!vlan)[a-z_]+ = [0-9]|\[(lease|timeouts|poll)\])", re.MULTILINE)
    assert len(commented.findall(edited())) > 20
    assert read(commented.sub("", edited())) == read(edited())


def test_the_simulated_pool_is_read_and_its_defaults_are_the_classs() -> None:
    path, tags = POOLS / "sim.toml", frozenset({"kvm", "simulated"})
    about = "simulated rack on this machine"
    assert load_pool(path) == SimulatedPool("sim", 4, Hypervisor.KVM, 0.3, about, tags, str(path))
    assert parse_pool('name = "s"\n[simulated]', file=Path("s.toml")) == SimulatedPool("s", path="s.toml")


def test_relative_paths_begin_at_the_files_folder_and_the_home_is_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.chdir(tmp_path)
    pool = parse_pool(
        edited(('# ca_file = "rack1/ca.pem"        # left', 'ca_file = "/a/ca.pem" #')), file=Path("sub/p.toml")
    )
    assert isinstance(pool, Pool)
    assert pool.puppet.key == SecretRef("file", str(tmp_path / "sub/rack1/qacloud.key"))
    assert pool.ssh.key == SecretRef("file", "/home/me/.ssh/qacloud_rack1")
    assert pool.cobbler.ca_file == "/a/ca.pem"


def test_one_problem_names_file_line_key_and_nearest_key() -> None:
    error = refusal(edited(('domain = "rack1', 'doman = "rack1')))
    assert (error.file, error.line, error.key) == ("/pools/rack1.toml", 13, "network.doman")
    assert str(error) == '/pools/rack1.toml:13: network.doman: unknown key; did you mean "domain"?'
    assert error.exit_code == EXIT_USAGE


def test_all_problems_of_a_file_come_in_one_message_by_line() -> None:
    error = refusal(
        edited(
            ('mac = "52:54:00:aa:01:05"', 'mac = "52:54:00:aa:01:04"'),
            ('cidr = "10.1.1.0/24"', 'cdir = "10.1.1.0/24"'),
            ('password = { env = "RACK1_ADMIN_PASSWORD" }', 'password = "hunter2"'),
        )
    )
    heading, *rows = str(error).splitlines()
    assert heading == "/pools/rack1.toml: 3 problems:"
    assert [row.split(": ")[1] for row in rows] == ["network.public.cdir", "management.password", "machines[4].mac"]
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("min_free_gib", "min_fre_gib", "storage.min_fre_gib", 'did you mean "min_free_gib"?'),
        ('user = "admin"', 'user = "admin"\ncipher_suite = 3', "management.cipher_suite", "belongs in [machines.bmc]"),
        ('user = "admin"', 'user = "admin"\nhypervisor = "kvm"', "management.hypervisor", "the top"),
        ('user = "admin"', 'user = "admin"\nxyzzy = 3', "management.xyzzy", "use one of user, password, port"),
        ('hypervisor = "debian12-kvm"', 'hypervizor = "x"', "cobbler.profiles.hypervizor", 'mean "hypervisor"?'),
        ('domain = "rack1.example.org"', "", "network.domain", 'add "domain = …" to [network]'),
        ('name = "rack1" ', "#", "name", 'add "name = …" to the top of the file'),
        ("[network.guest]", "[x]", "network.guest", "add the table [network.guest]"),
        ('hypervisor = "kvm" ', 'hypervisor = "kvn" ', "hypervisor", 'did you mean "kvm"?'),
        ("vlan = 101", 'vlan = "101"', "network.public.vlan", "a number without quotes"),
        ("vlan = 101", "vlan = 5000", "network.public.vlan", "must be less than or equal to 4094"),
        ("# tls = false", 'tls = "yes"', "management.tls", "true or false"),
        ("min_free_gib = 200.0", "min_free_gib = inf", "storage.min_free_gib", "finite"),
        ('description = "six KVM machines in row 4, cabinet 1"', "description = 6", "description", "text in quotes"),
        ("[hosts]", "[storage.x]", "storage.x", "unknown key"),
        ('dns = ["10.1.0.2"]', 'dns = "10.1.0.2"', "network.dns", "a list in square brackets"),
        ('dns = ["10.1.0.2"]', "dns = []", "network.dns", "add at least one"),
        ('dns = ["10.1.0.2"]', 'dns = ["10.1.0"]', "network.dns[0]", "no IPv4 address"),
        ("[storage.shell] ", "shell = 3 #", "storage.system_vm_template.shell", "it belongs in [storage]"),
        ('{ env = "RACK1_HOST_PASSWORD" }', "{}", "hosts.password", 'write {env = "NAME"} or {file = "path"}'),
        ('{ env = "RACK1_HOST_PASSWORD" }', '{ env = "A", file = "b" }', "hosts.password", "must say one place"),
        ('{ env = "RACK1_HOST_PASSWORD" }', '{ enw = "A" }', "hosts.password", "must say one place"),
        ('{ env = "RACK1_HOST_PASSWORD" }', '{ env = "my secret" }', "hosts.password", "an environment variable"),
        ('"~/.ssh/qacloud_rack1"', '"~nobody-of-this-name/key"', "ssh.key", "no home folder"),
    ],
)  # fmt: skip
def test_each_mistake_says_what_to_change(old: str, new: str, key: str, said: str) -> None:
    error = refusal(edited((old, new)))
    assert f"{key}: " in str(error)
    assert said in str(error)


def test_a_key_whose_table_is_a_plain_value_is_told() -> None:
    text = edited(("[hosts] ", "[other] "))
    assert "hosts: must be a table; write [hosts]" in str(refusal("hosts = 3\n" + text))


def test_a_pool_without_machines_is_told_how_they_are_written() -> None:
    assert "machines: is missing; add a table [[machines]] for each" in str(refusal('name = "x"'))


def test_a_mistake_in_one_table_does_not_hide_those_between_others() -> None:
    error = refusal(edited(('user = "admin"', ""), ('name = "node3"', 'name = "node2"')))
    assert "management.user: is missing" in str(error)
    assert "machines[2].name: node2 is already that of another machine" in str(error)


def test_a_machine_of_a_simulated_pool_is_a_mistake() -> None:
    assert "simulated.machines" in str(refusal('name = "s"\n[simulated]\nmachines = 1'))
    assert "take it out" in str(refusal('name = "s"\n[simulated]\n[xyzzy]'))


@pytest.mark.parametrize(("text", "line"), [('name = "x"\nname = "y"\n', 2), ("[network\n", 1)])
def test_what_is_no_toml_is_told_with_its_line(text: str, line: int) -> None:
    error = refusal(text)
    assert error.line == line
    assert "not TOML" in error.message


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the pool file: No such file"):
        load_pool(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        load_pool(tmp_path / "latin.toml")


def tables(root: type[Table] = Table) -> list[type[Table]]:
    return [table for found in root.__subclasses__() for table in (found, *tables(found))]


WITHOUT_MACHINES = (schema_process.TimeoutsTable, schema_process.PollTable)


def built_class(table: type[Table]) -> Any:
    builds = table.__dict__.get("builds")
    return builds.func if isinstance(builds, partial) else builds


@pytest.mark.parametrize("table", [table for table in tables() if is_dataclass(built_class(table))])
def test_each_table_has_the_models_fields_and_asks_for_those_without_a_default(table: type[Table]) -> None:
    model = {field.name: field for field in fields(built_class(table))}
    if table.__name__ in ("GateTable", "PoolTable", "ProcessPoolTable"):
        del model["path"]
    if table in WITHOUT_MACHINES:  # waiting for machines is nothing they know
        model = {name: field for name, field in model.items() if name in table.model_fields}
    assert set(table.model_fields) == set(model)
    filled = {"port"} if built_class(table) in (Bmc, SshEndpoint) else set()
    required = {
        name for name, field in model.items() if field.default is MISSING and field.default_factory is MISSING
    } - filled
    assert {name for name, field in table.model_fields.items() if field.is_required()} == required


def test_the_plugin_does_not_import_pydantic() -> None:
    code = "import sys, pytest_qacloud.plugin, pytest_qacloud.wiring; print('pydantic' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
