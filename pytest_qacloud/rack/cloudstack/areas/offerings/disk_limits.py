"""What the commands for service and disk offerings say about disks, checked: where, how laid out, how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import invalid
from ...models.rates import RATES

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params

_PROVISIONING = ("thin", "sparse", "fat")
_CACHE_MODES = ("none", "writeback", "writethrough", "hypervisor_default")
_LONGEST_BURSTS = {
    f"{unit}{way}ratemaxlength": f"vm.disk.{unit}.maximum.{way}.length"
    for unit in ("bytes", "iops")
    for way in ("read", "write")
}


def storage_type(params: Params) -> str:
    """Whether disks are on a host or on shared storage.

    Raises:
        ApiError: neither.
    """
    storage = params.text("storagetype", "shared").lower()
    if storage not in ("local", "shared"):
        raise invalid(f"Invalid storage type {storage} specified, valid types are: 'local' and 'shared'")
    return storage


def provisioning(params: Params) -> str:
    """How disks take their space.

    Raises:
        ApiError: no such way.
    """
    kind = params.text("provisioningtype", "thin").lower()
    if kind not in _PROVISIONING:
        raise invalid(f"Invalid provisioning type {kind}: it has to be one of {', '.join(_PROVISIONING)}")
    return kind


def cache_mode(params: Params) -> str | None:
    """How a hypervisor caches writes.

    Raises:
        ApiError: no such mode.
    """
    mode = params.optional("cachemode")
    if mode is not None and mode.lower() not in _CACHE_MODES:
        raise invalid(
            f"Invalid cache mode ({mode}). Please specify one of the following valid cache mode parameters: "
            "none, writeback, writethrough or hypervisor_default."
        )
    return None if mode is None else mode.lower()


def rates(ctx: Context, params: Params) -> dict[str, int]:
    """Rates by the names of their parameters; those that are not positive count as not given.

    Raises:
        ApiError: a burst that is slower than the rate, or longer than the settings allow.
    """
    given = {name: params.number(name) for name in RATES if name in params}
    for name in RATES:
        burst = f"{name}max"
        if name in given and burst in given and given[burst] < given[name]:
            raise invalid(f"{name} ({given[name]}) cannot be greater than {burst} ({given[burst]})")
    for name, setting in _LONGEST_BURSTS.items():
        longest = int(ctx.number_setting(setting))
        if longest and given.get(name, 0) > longest:
            raise invalid(f"{name} ({given[name]} seconds) cannot be greater than {setting} ({longest} seconds)")
    return {name: value for name, value in given.items() if value > 0}


def operations(params: Params) -> tuple[int | None, int | None]:
    """The least and the most IOPS; none where who makes the volume chooses them, or says nothing of it.

    Raises:
        ApiError: the least is missing, not positive or above the most.
    """
    if params.flag("customizediops", default=True):
        return None, None
    least, most = params.optional_number("miniops"), params.optional_number("maxiops")
    if least is None and most is None:
        return 0, 0
    if least is None or least <= 0:
        raise invalid("The min IOPS must be greater than 0.")
    if least > (most or 0):
        raise invalid("The min IOPS must be less than or equal to the max IOPS.")
    return least, most
