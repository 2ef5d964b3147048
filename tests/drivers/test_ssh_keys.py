from __future__ import annotations

import io
import shutil
import subprocess
from typing import TYPE_CHECKING

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from pytest_qacloud.drivers.ssh import host_key_pair, public_key
from pytest_qacloud.drivers.ssh_connect import load_key
from pytest_qacloud.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

seeds = st.binary(min_size=32, max_size=32)


@given(seeds)
def test_a_key_pair_is_one_key_to_other_readers(seed: bytes) -> None:
    pair = host_key_pair(seed)
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(pair.private))
    assert f"ssh-ed25519 {key.get_base64()}" == pair.public == public_key(pair.private)


@given(seeds, seeds)
def test_the_seed_alone_decides(one: bytes, other: bytes) -> None:
    assert host_key_pair(one) == host_key_pair(one)
    assert (host_key_pair(one).public == host_key_pair(other).public) == (one == other)


def test_openssh_reads_it(tmp_path: Path) -> None:
    pair, file = host_key_pair(bytes(range(32))), tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(pair.private)
    keygen = shutil.which("ssh-keygen") or pytest.skip("OpenSSH is not installed")
    done = subprocess.run([keygen, "-y", "-P", "", "-f", file], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == pair.public.split()


def test_its_repr_does_not_show_the_private_half() -> None:
    pair = host_key_pair(bytes(32))
    assert pair.public in repr(pair)
    assert "PRIVATE" not in repr(pair)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        host_key_pair(bytes(length))


def openssh(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("private", "kind"),
    [
        (openssh(rsa.generate_private_key(65537, 2048)), "ssh-rsa"),
        (openssh(ec.generate_private_key(ec.SECP256R1())), "ecdsa-sha2-nistp256"),
        (host_key_pair(bytes(32)).private, "ssh-ed25519"),
        (host_key_pair(bytes(32)).private.strip(), "ssh-ed25519"),
    ],
    ids=["rsa", "ecdsa", "ed25519", "without-last-newline"],
)
def test_keys_of_other_kinds_log_in_too(private: str, kind: str) -> None:
    assert load_key(private).get_name() == kind
    assert public_key(private).startswith(f"{kind} ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"a passphrase"))
        .decode(),
    ],
    ids=["empty", "text", "cut", "passphrase"],
)
def test_what_is_no_usable_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigError, match="OpenSSH's format") as caught:
        load_key(text)
    assert not text or text not in str(caught.value)
