"""SSH keys: a host key from a seed, the public half of a private key."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from ..errors import ConfigError

_TYPE = b"ssh-ed25519"
_BLOCK = 8
"""Bytes that the private part is padded to, where it is not encrypted."""


class HostKeyPair(NamedTuple):
    """A host key.

    Args:
        private: OpenSSH's PEM, as it stands in `/etc/ssh/ssh_host_ed25519_key`.
        public: `ssh-ed25519 AAAA…`.
    """

    private: str
    public: str

    def __repr__(self) -> str:
        """The public half only."""
        return f"HostKeyPair(public={self.public!r})"


def host_key_pair(seed: bytes) -> HostKeyPair:
    """The ed25519 key pair of a seed of 32 bytes; the same seed gives the same text.

    The format is that of OpenSSH's `PROTOCOL.key`. Its two check numbers are random there; here they come from the
    public key, so that a plan can be made again and be the same.
    """
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    blob = _field(_TYPE) + _field(public)
    check = hashlib.sha256(blob).digest()[:4]
    secret = check + check + blob + _field(seed + public) + _field(b"")
    secret += bytes(range(1, 1 + -len(secret) % _BLOCK))
    body = (
        b"openssh-key-v1\0" + _field(b"none") * 2 + _field(b"") + struct.pack(">I", 1) + _field(blob) + _field(secret)
    )
    text = base64.encodebytes(body).decode().replace("\n", "")
    lines = "\n".join(text[start : start + 70] for start in range(0, len(text), 70))
    private = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{lines}\n-----END OPENSSH PRIVATE KEY-----\n"
    return HostKeyPair(private, f"{_TYPE.decode()} {base64.b64encode(blob).decode()}")


def public_key(private: str) -> str:
    """The public half of a private key in OpenSSH's format, as one `type base64` line.

    Raises:
        ConfigError: it is no such key, or it has a passphrase.
    """
    try:
        key = load_ssh_private_key(private.strip().encode() + b"\n", password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            "the SSH private key must be in OpenSSH's format and have no passphrase; "
            "`ssh-keygen -t ed25519 -N ''` makes such a key"
        ) from error
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _field(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content
