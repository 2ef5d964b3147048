"""What the management server says about itself: measured on the program that simulates it.

It has no database and no usage server, and says so.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ...models.topology import Host
from ...registry import command
from ...replies import shape, timestamp
from .management import ManagementHost, list_management_servers

if TYPE_CHECKING:
    from ...context import Context
    from ...lists import Page
    from ...params import Params


@command("listManagementServersMetrics")
def list_management_metrics(ctx: Context, params: Params) -> Page:
    """The one management server, with what its process and its machine do."""

    def shown(server: ManagementHost) -> dict[str, Any]:
        return {**shape(server), **_process(ctx), **_machine(), "collectiontime": timestamp(ctx.now)}

    return list_management_servers(ctx, params).map(shown)


def _process(ctx: Context) -> dict[str, Any]:
    threads = threading.enumerate()
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): kilobytes, but bytes on macOS
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {
        "agentcount": sum(host.state == "Up" for host in ctx.store.all(Host)),
        "sessions": len(ctx.server.sessions),
        "heapmemoryused": largest,
        "heapmemorytotal": max(largest, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        "threadstotalcount": len(threads),
        "threadsdaemoncount": sum(thread.daemon for thread in threads),
        "threadsrunnablecount": 1,
        "threadsblockedcount": 0,
        "threadsteminatedcount": 0,
        "threadswaitingcount": len(threads) - 1,
        "loginfo": "standard error",
        "dbislocal": True,
        "usageislocal": True,
    }


def _machine() -> dict[str, Any]:
    page = os.sysconf("SC_PAGE_SIZE")
    total = page * os.sysconf("SC_PHYS_PAGES")
    free = page * os.sysconf("SC_AVPHYS_PAGES") if "SC_AVPHYS_PAGES" in os.sysconf_names else 0
    spent = os.times()
    return {
        "availableprocessors": os.cpu_count() or 1,
        "systemmemorytotal": _gigabytes(total),
        "systemmemoryfree": _gigabytes(free),
        "systemmemoryused": _gigabytes(total - free),
        "systemmemoryvirtualsize": _gigabytes(total),
        "systemtotalcpucycles": float(time.process_time()),
        "systemloadaverages": list(os.getloadavg()),
        "systemcycleusage": [int(1000 * value) for value in (spent.user, spent.system, spent.elapsed)],
        "cpuload": f"{os.getloadavg()[0]:.2f}",
    }


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.2f} GB"


@command("listDbMetrics")
def list_database_metrics(ctx: Context, params: Params) -> dict[str, Any]:
    """Nothing is in a database: all is in the server's memory."""
    (server,) = ctx.store.all(ManagementHost)
    return {
        "dbMetrics": {
            "collectiontime": timestamp(ctx.now),
            "hostname": server.name,
            "version": "none",
            "versioncomment": "the simulated management server keeps all in memory",
            "uptime": int(ctx.now - server.created),
            "connections": 0,
            "queries": 0,
            "replicas": [],
            "dbloadaverages": [],
        }
    }


@command("listUsageServerMetrics")
def list_usage_metrics(ctx: Context, params: Params) -> dict[str, Any]:
    """There is no usage server, so it is down."""
    (server,) = ctx.store.all(ManagementHost)
    return {"usageMetrics": {"collectiontime": timestamp(ctx.now), "hostname": server.name, "state": "Down"}}
