"""SSH key pairs: made here, or registered by their public half."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ...errors import invalid
from ...models.machines import RUNNING, STOPPED, SshKeyPair, VirtualMachine
from ...registry import command
from ...replies import shape
from .running import with_password
from .turns import in_turn

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...context import Context
    from ...identity import Account
    from ...lists import Page
    from ...params import Params

_KEY_BITS = 2048
_KEY_TYPES = ("ssh-rsa", "ssh-dss", "ssh-ed25519", *(f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)))


@command("createSSHKeyPair")
def create_key_pair(ctx: Context, params: Params) -> dict[str, Any]:
    """A new RSA key; only this reply shows the private half."""
    owner, name = ctx.owner(params), params.text("name")
    _check_name(ctx, name, owner)
    key = rsa.generate_private_key(65537, _KEY_BITS)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    pair = ctx.add(SshKeyPair(owner=owner, name=name, publickey=public, fingerprint=_fingerprint(public)))
    return {"keypair": {**shape(pair), "privatekey": private}}


@command("registerSSHKeyPair")
def register_key_pair(ctx: Context, params: Params) -> dict[str, Any]:
    """A public key that the caller has."""
    owner, name = ctx.owner(params), params.text("name")
    public = _public_key(params.text("publickey"))
    _check_name(ctx, name, owner)
    if ctx.store.first(SshKeyPair, owner=owner, publickey=public) is not None:
        raise invalid("A key pair with this public key already exists.")
    pair = ctx.add(SshKeyPair(owner=owner, name=name, publickey=public, fingerprint=_fingerprint(public)))
    return {"keypair": shape(pair)}


@command("listSSHKeyPairs")
def list_key_pairs(ctx: Context, params: Params) -> Page:
    """Key pairs, never their private halves."""
    return ctx.list(SshKeyPair, params)


@command("deleteSSHKeyPair")
def delete_key_pair(ctx: Context, params: Params) -> bool:
    """A key pair by its name."""
    return ctx.remove(_named(ctx, params.text("name"), ctx.owner(params)))


@command("resetSSHKeyForVirtualMachine")
@in_turn("id")
def reset_key(ctx: Context, params: Params, vm: VirtualMachine) -> Generator[Any, None, Any]:
    """Other keys for a stopped VM."""
    if vm.state not in (STOPPED, RUNNING):
        raise invalid("Vm with specified id is not in the right state")
    if vm.state == RUNNING:
        raise invalid(f"Vm {vm.name} should be stopped to do SSH Key reset")
    keys = keys_named(ctx, params, vm.owner)
    if not keys:
        raise invalid("'keypair' or 'keypairs' must be specified")
    yield vm
    vm.key_names = [key.name for key in keys]
    return with_password(ctx, vm, force=True)


def keys_named(ctx: Context, params: Params, owner: Account) -> list[SshKeyPair]:
    """The key pairs of an account that `keypair` or `keypairs` name.

    Raises:
        ApiError: it has none of that name (431).
    """
    single = params.optional("keypair")
    return [_named(ctx, name, owner) for name in ([single] if single else params.strings("keypairs"))]


def _named(ctx: Context, name: str, owner: Account) -> SshKeyPair:
    found = ctx.store.first(SshKeyPair, owner=owner, name=name)
    if found is None:
        raise invalid(f"A key pair with name '{name}' does not exist for account {owner.name} in specified domain id")
    return found


def _check_name(ctx: Context, name: str, owner: Account) -> None:
    if ctx.store.first(SshKeyPair, owner=owner, name=name) is not None:
        raise invalid(f"A key pair with name '{name}' already exists.")


def _public_key(text: str) -> str:
    """The key as it is kept: its type and the key itself. Clients may send it in base64 once more.

    Only the type is checked, as in CloudStack: what follows need not be a key.
    """
    words = (text if " " in text else _decoded(text)).split(" ")
    if len(words) < 2 or not words[0].startswith(_KEY_TYPES):
        raise invalid("Public key is invalid")
    return " ".join(words[:2])


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode().strip()
    except (binascii.Error, ValueError):
        return ""


def _fingerprint(public: str) -> str:
    """MD5 of the key's blob in pairs of hexadecimal digits, as RFC 4716 section 4 has it, of what base64 is in it."""
    letters = re.sub(r"[^A-Za-z0-9+/]", "", public.split(" ")[1])
    whole = letters[:-1] if len(letters) % 4 == 1 else letters
    blob = base64.b64decode(whole + "=" * (-len(whole) % 4))
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))
