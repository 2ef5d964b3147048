"""Jobs on one VM follow each other: the next begins when the one before has ended."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import wraps
from typing import TYPE_CHECKING, Any

from ...models.machines import VirtualMachine

if TYPE_CHECKING:
    from ...context import Context
    from ...params import Params

VmWork = Callable[["Context", "Params", VirtualMachine], Generator[Any, None, Any]]


def in_turn(parameter: str) -> Callable[[VmWork], Callable[[Context, Params], Generator[Any, None, Any]]]:
    """Make a generator over a VM the work of a job.

    What it does before its first `yield` happens at once, so that a wrong call is refused at once and the state in
    between shows; but if a job on the VM waits already, all of it happens when that one has ended.

    Args:
        parameter: the command's parameter that names the VM.
    """

    def wrap(work: VmWork) -> Callable[[Context, Params], Generator[Any, None, Any]]:
        @wraps(work)
        def run(ctx: Context, params: Params) -> Generator[Any, None, Any]:
            vm = params.need(parameter, VirtualMachine)
            if ctx.server.jobs.pending(vm) is not None:
                yield vm
            return (yield from work(ctx, params, vm))

        return run

    return wrap
