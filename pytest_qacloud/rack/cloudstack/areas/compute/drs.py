"""Distributed resource scheduling: plans that even out, or concentrate, what a cluster's hosts bear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...capacity import allocated_on_host
from ...context import Context
from ...errors import failed, invalid
from ...identity import system_account
from ...models.drs import COMPLETED, FAILED, IN_PROGRESS, SUCCEEDED, UNDER_REVIEW, DrsPlan, Move
from ...models.machines import RUNNING, VirtualMachine
from ...models.topology import DISABLED, Cluster, Host
from ...registry import command, settles
from ...replies import shape
from .balance import Load, Measure
from .places import candidates, migrate, takes

if TYPE_CHECKING:
    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_SKIP = "skip.drs"
"""A VM's detail that keeps it where it is."""


@command("generateClusterDrsPlan")
def generate_plan(ctx: Context, params: Params) -> dict[str, Any]:
    """The moves that would help a cluster most, at most `migrations`; nothing moves."""
    cluster = params.need("id", Cluster)
    if cluster.allocationstate == DISABLED:
        raise invalid(f"Unable to execute DRS on the cluster {cluster.name} as it is disabled")
    most = params.number("migrations", int(ctx.number_setting("drs.max.migrations", cluster)))
    if most <= 0:
        raise invalid(
            f"Unable to execute DRS on the cluster {cluster.name} as the number of migrations [{most}] is invalid"
        )
    moves = _Search(ctx, cluster).moves(most)
    words = f"Generating DRS plan for cluster {cluster.id}"
    account = system_account(ctx.store)
    event = ctx.server.trail.record(
        ctx.now,
        account.user[0],
        account,
        "CLUSTER.DRS.GENERATE",
        "Completed",
        words,
        resource=cluster,
        resource_type="Cluster",
    )
    plan = DrsPlan(id="", cluster=cluster, moves=moves, status=UNDER_REVIEW, eventid=event.id, created=ctx.now)
    shown = {name: value for name, value in shape(plan).items() if name != "id"}
    return {"generateclusterdrsplanresponse": shown}


class _Search:
    """Finds moves one after the other, each the best after those before it."""

    def __init__(self, ctx: Context, cluster: Cluster) -> None:
        self._ctx = ctx
        self._measure = _measure(ctx, cluster)
        self._memory = _metric(ctx, cluster) == "memory"
        self._hosts = ctx.store.all(Host, cluster=cluster)
        self._loads = {host: self._load(host) for host in self._hosts}
        self._places = {
            vm: vm.host
            for vm in ctx.store.all(VirtualMachine, state=RUNNING)
            if vm.host in self._loads and vm.details.get(_SKIP, "").lower() != "true"
        }

    def _load(self, host: Host) -> Load:
        _, mhz, memory = allocated_on_host(self._ctx.store, host)
        return Load(memory, host.memorytotal) if self._memory else Load(mhz, host.cpunumber * host.cpuspeed)

    def moves(self, most: int) -> list[Move]:
        found: list[Move] = []
        began = dict(self._places)
        while len(found) < most and self._measure.needs_moves(self._loads.values()):
            best = self._best()
            if best is None or began[best.vm] is best.destination:
                break
            found.append(best)
            self._loads = self._after(best)
            self._places[best.vm] = best.destination
        return found

    def _best(self) -> Move | None:
        """The move that improves the cluster most."""
        best, improvement = None, 0.0
        for vm, here in self._places.items():
            for host in candidates(self._ctx, vm, avoid=[here], where=lambda item: item in self._loads):
                move = Move(vm, here, host)
                gain = self._measure.improvement(self._loads.values(), self._after(move).values())
                if gain > improvement:
                    best, improvement = move, gain
        return best

    def _after(self, move: Move) -> dict[Host, Load]:
        _, mhz, memory = move.vm.load()
        amount = memory if self._memory else mhz
        changed = {
            move.source: self._loads[move.source].plus(-amount),
            move.destination: self._loads[move.destination].plus(amount),
        }
        return {**self._loads, **changed}


def _metric(ctx: Context, cluster: Cluster) -> str:
    metric = ctx.setting("drs.metric", cluster)
    if metric not in ("cpu", "memory"):
        raise failed(f"Unable to schedule DRS: invalid metric {metric} for cluster {cluster.name}")
    return metric


def _measure(ctx: Context, cluster: Cluster) -> Measure:
    algorithm = ctx.setting("drs.algorithm", cluster)
    if algorithm not in ("balanced", "condensed"):
        raise failed(f"Unable to schedule DRS: invalid algorithm {algorithm} for cluster {cluster.name}")
    return Measure(
        algorithm=algorithm,
        free=ctx.setting("drs.metric.type", cluster) == "free",
        ratio=ctx.flag_setting("drs.metric.use.ratio", cluster),
        threshold=ctx.number_setting("drs.imbalance", cluster),
        skip=ctx.number_setting("drs.imbalance.condensed.skip.threshold", cluster),
    )


@command("executeClusterDrsPlan")
def execute_plan(ctx: Context, params: Params) -> dict[str, Any]:
    """Begin to move VMs as `migrateto` says, one plan of a cluster at a time."""
    cluster = params.need("id", Cluster)
    moves = [_move(ctx, row) for row in params.rows("migrateto")]
    if not moves:
        raise invalid("migrateto can not be empty.")
    other = ctx.store.first(DrsPlan, cluster=cluster, status=IN_PROGRESS)
    if other is not None:
        raise invalid(f"Unable to execute DRS plan as there is already a plan [id={other.id}] in In Progress")
    return {"drsPlan": shape(ctx.add(DrsPlan(cluster=cluster, moves=moves)))}


def _move(ctx: Context, row: dict[str, str]) -> Move:
    vm, host = ctx.store.get(VirtualMachine, row.get("vm", "")), ctx.store.get(Host, row.get("host", ""))
    if vm is None or host is None:
        raise invalid(f"Unable to find the vm/host for vmId={row.get('vm')}, destHostId={row.get('host')}")
    if vm.host is None:
        raise invalid(f"VM {vm.name} is on no host")
    return Move(vm, vm.host, host)


@settles
def _carry_out(server: ManagementServer) -> None:
    """Do the moves of the plans that have been begun. A VM that is not where it was, or does not fit, stays."""
    for plan in server.store.all(DrsPlan, status=IN_PROGRESS):
        command_of = server.schema.commands["executeClusterDrsPlan"]
        ctx = Context(server, command_of, system_account(server.store).user[0])
        for move in plan.moves:
            vm = move.vm
            stays = vm not in server.store or move.destination not in server.store or vm.state != RUNNING
            if stays or vm.host is not move.source or not takes(ctx, vm, move.destination):
                move.status = FAILED
                continue
            migrate(vm, move.destination, server.clock.now())
            move.status = SUCCEEDED
        plan.status = COMPLETED


@command("listClusterDrsPlan")
def list_plans(ctx: Context, params: Params) -> Page:
    """Plans that were begun, the newest first."""
    if params.get("id") is not None and params.get("clusterid") is not None:
        raise invalid("Only one of clusterId or planId can be specified")
    return ctx.page(ctx.store.all(DrsPlan)[::-1], params)
