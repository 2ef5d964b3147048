"""Snapshot policies, and the snapshots that they take."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...context import Context
from ...errors import ApiError, invalid
from ...identity import system_account
from ...models.volumes import INTERVALS, READY, Snapshot, SnapshotPolicy, Volume
from ...registry import command, settles
from .snapshots import back_up, check_snapshot, record

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...lists import Page
    from ...params import Params
    from ...server import ManagementServer

_PARTS = (((0, 59),), ((0, 59), (0, 23)), ((0, 59), (0, 23), (1, 7)), ((0, 59), (0, 23), (1, 28)))
"""The allowed numbers of a schedule's parts by interval: minute, hour, day."""


@command("createSnapshotPolicy")
def create_policy(ctx: Context, params: Params) -> SnapshotPolicy:
    """When snapshots of a volume are taken; a volume has one policy for each interval."""
    volume = params.need("volumeid", Volume)
    interval = _interval(params.text("intervaltype"))
    parts = _schedule(params.text("schedule"), interval)
    zone, most = _zone(params.text("timezone")), params.number("maxsnaps")
    if volume.state != READY:
        raise invalid(f"Volume: {volume.name} is not in Ready state but {volume.state}. Cannot take snapshot.")
    if most <= 0:
        raise invalid(f"maxSnaps [{most}] for volume {volume.name} should be greater than 0.")
    largest = int(ctx.number_setting(f"snapshot.max.{INTERVALS[interval].lower()}"))
    if largest and most > largest:
        raise invalid(
            f"maxSnaps [{most}] for volume {volume.name} exceeds limit [{largest}] for interval type "
            f"[{INTERVALS[interval]}]."
        )
    policy = ctx.store.first(SnapshotPolicy, volume=volume, interval=interval)
    if policy is None:
        policy = ctx.add(SnapshotPolicy(volume=volume, interval=interval, schedule="", timezone="", maxsnaps=most))
    policy.schedule, policy.timezone, policy.maxsnaps = params.text("schedule"), params.text("timezone"), most
    policy.fordisplay = params.flag("fordisplay", default=True)
    policy.due = next_run(interval, parts, zone, ctx.now)
    return policy


def _interval(text: str) -> int:
    if text.upper() not in INTERVALS:
        raise invalid(f"Unsupported interval type {text}")
    return INTERVALS.index(text.upper())


def _schedule(text: str, interval: int) -> tuple[int, ...]:
    bounds = _PARTS[interval]
    parts = text.split(":")
    if len(parts) == len(bounds) and all(re.fullmatch(r"\d{1,2}", part) for part in parts):
        numbers = tuple(int(part) for part in parts)
        if all(low <= number <= high for number, (low, high) in zip(numbers, bounds, strict=True)):
            return numbers
    raise invalid(f"The schedule [{text}] is invalid for interval type [{INTERVALS[interval]}].")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise invalid(f"Invalid timezone {name}") from None


def next_run(interval: int, parts: tuple[int, ...], zone: ZoneInfo, now: float) -> float:
    """The next time after `now` of a schedule, seconds since the epoch.

    Args:
        interval: index in `INTERVALS`.
        parts: minute, then for longer intervals hour, then day of the week (1 is Sunday) or of the month.
    """
    moment = datetime.fromtimestamp(now, zone).replace(second=0, microsecond=0, minute=parts[0])
    step = timedelta(hours=1)
    if interval > 0:
        moment, step = moment.replace(hour=parts[1]), timedelta(days=1)
    while moment.timestamp() <= now or not _day_fits(interval, parts, moment):
        moment = moment + step if interval else (moment.astimezone(UTC) + step).astimezone(zone)
    return moment.timestamp()


def _day_fits(interval: int, parts: tuple[int, ...], moment: datetime) -> bool:
    if INTERVALS[interval] == "WEEKLY":
        return moment.isoweekday() % 7 + 1 == parts[2]
    return INTERVALS[interval] != "MONTHLY" or moment.day == parts[2]


@command("listSnapshotPolicies")
def list_policies(ctx: Context, params: Params) -> Page:
    """The policies of a volume, or one."""
    if params.get("volumeid") is None and params.get("id") is None:
        raise invalid("Please specify either volumeid or id")
    return ctx.list(SnapshotPolicy, params, lambda policy: policy.usable_by(ctx.caller))


@command("updateSnapshotPolicy")
def update_policy(ctx: Context, params: Params) -> Generator[SnapshotPolicy, None, None]:
    """Whether users see it."""
    policy = params.need("id", SnapshotPolicy)
    yield policy
    ctx.assign(policy, params, "fordisplay", customid="id")


@command("deleteSnapshotPolicies")
def delete_policies(ctx: Context, params: Params) -> bool:
    """Policies; the snapshots that they took stay."""
    one, several = params.entity("id", SnapshotPolicy), params.entities("ids", SnapshotPolicy)
    chosen = several or ([one] if one is not None else [])
    if not chosen or (one is not None and several):
        raise invalid("Need to specify at least one snapshot policy id, by one of id and ids")
    for policy in chosen:
        ctx.remove(policy)
    return True


@settles
def _take_snapshots(server: ManagementServer) -> None:
    """Run the policies whose time has come, once each however long nobody looked."""
    now = server.clock.now()
    for policy in server.store.all(SnapshotPolicy, lambda item: item.due is not None and item.due <= now):
        policy.due = next_run(policy.interval, _schedule(policy.schedule, policy.interval), _zone(policy.timezone), now)
        system = system_account(server.store).user[0]
        ctx = Context(server, server.schema.commands["createSnapshot"], system)
        try:
            check_snapshot(ctx, policy.volume)
            snapshot = record(ctx, policy.volume, None, INTERVALS[policy.interval])
            snapshot.policy = policy
            back_up(ctx, snapshot)
        except ApiError as error:
            server.trail.record(
                now, None, policy.volume.owner, "SNAPSHOT.CREATE", "Completed", error.text, level="ERROR"
            )
        _drop_oldest(ctx, policy)


def _drop_oldest(ctx: Context, policy: SnapshotPolicy) -> None:
    taken: list[Snapshot] = ctx.store.all(Snapshot, policy=policy)
    for snapshot in taken[: max(len(taken) - policy.maxsnaps, 0)]:
        ctx.remove(snapshot)
