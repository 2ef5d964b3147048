"""User data: kept for many VMs, or a VM's own."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from ...errors import failed, invalid
from ...models.machines import STOPPED, UserData, VirtualMachine
from ...registry import command
from ...replies import shape

if TYPE_CHECKING:
    from ...context import Context
    from ...identity import Account
    from ...lists import Page
    from ...params import Params

_LONGEST = "vm.userdata.max.length"


@command("registerUserData")
def register_user_data(ctx: Context, params: Params) -> dict[str, Any]:
    """User data for later deployments."""
    owner, name = ctx.owner(params), params.text("name")
    if ctx.store.first(UserData, owner=owner, name=name) is not None:
        raise invalid(f"A userdata with name {name} already exists.")
    text = _checked(ctx, params.text("userdata"))
    if ctx.store.first(UserData, owner=owner, userdata=text) is not None:
        raise invalid(f"Userdata {name} with same content already exists for this account.")
    data = ctx.add(UserData(owner=owner, name=name, userdata=text, params=params.optional("params")))
    return {"userdata": shape(data)}


@command("listUserData")
def list_user_data(ctx: Context, params: Params) -> Page:
    """What is kept."""
    return ctx.list(UserData, params)


@command("deleteUserData")
def delete_user_data(ctx: Context, params: Params) -> bool:
    """User data that no VM was given."""
    data = params.need("id", UserData)
    users = ctx.store.all(VirtualMachine, stored_userdata=data)
    if users:
        raise failed(f"Userdata {data.name} cannot be removed: VM {users[0].name} uses it")
    return ctx.remove(data)


@command("getVirtualMachineUserData")
def get_user_data(ctx: Context, params: Params) -> dict[str, Any]:
    """A VM's user data in base64."""
    vm = params.need("virtualmachineid", VirtualMachine)
    stored = None if vm.stored_userdata is None else vm.stored_userdata.userdata
    return {"virtualmachineuserdata": {"virtualmachineid": vm.id, "userdata": vm.userdata or stored or ""}}


@command("resetUserDataForVirtualMachine")
def reset_user_data(ctx: Context, params: Params) -> VirtualMachine:
    """Other user data for a stopped VM; none where none is given."""
    vm = params.need("id", VirtualMachine)
    if vm.state != STOPPED:
        raise invalid(f"VM {vm.name} should be stopped to do UserData reset")
    check_user_data(ctx, params, vm.owner)
    vm.userdata = vm.stored_userdata = vm.userdatadetails = None
    apply_user_data(params, vm)
    return vm


def check_user_data(ctx: Context, params: Params, owner: Account) -> None:
    """Refuse user data that a VM of an owner cannot be given.

    Raises:
        ApiError: both kinds are given, it is not base64, too long, or another account's (431).
    """
    stored, text = params.entity("userdataid", UserData), params.optional("userdata")
    if stored is not None and text is not None:
        raise invalid("Both userdata and userdata ID inputs are not allowed, please provide only one")
    if stored is not None and stored.owner is not owner:
        raise invalid(f"Userdata {stored.id} does not belong to the VM's account")
    if text is not None:
        _checked(ctx, text)


def apply_user_data(params: Params, vm: VirtualMachine) -> None:
    """Give a VM the user data that a command names, if any."""
    text = params.optional("userdata")
    if text is not None:
        vm.userdata, vm.stored_userdata = text, None
    stored = params.entity("userdataid", UserData)
    if stored is not None:
        vm.userdata, vm.stored_userdata = None, stored
    if params.rows("userdatadetails"):
        vm.userdatadetails = json.dumps(params.pairs("userdatadetails"))


def _checked(ctx: Context, text: str) -> str:
    try:
        decoded = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise invalid("User data is not base64 encoded") from None
    longest = int(ctx.number_setting(_LONGEST)) or 32768
    if not decoded or len(decoded) > longest:
        raise invalid(f"User data has {len(decoded)} bytes; it has to be between 1 and {longest}")
    return text
