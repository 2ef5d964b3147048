"""A management server in one program, for pools of kind `process`: what the tests' own repositories start.

Usage: standin_server.py PORT EXPUNGE_DELAY_S. It serves until SIGTERM; the second argument is the value of a setting by
which a test sees what was built.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time

from aiohttp import web
from cloudlab import Machines, SetFaults

from pytest_qacloud.rack.cloudstack import ManagementServer, application
from pytest_qacloud.rack.cloudstack.identity import User


class RealClock:
    """The time of day."""

    def now(self) -> float:
        return time.time()


async def serve(port: int, delay_s: str) -> None:
    server = ManagementServer(Machines(), SetFaults(), RealClock(), admin_user="admin", admin_password="password")
    admin = server.store.first(User, username="admin")
    if admin is None:
        raise LookupError("admin")
    server.execute({"command": "updateConfiguration", "name": "expunge.delay", "value": delay_s}, admin)
    runner = web.AppRunner(application(server), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print(f"serving on {port}", flush=True)  # noqa: T201  # its log
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
