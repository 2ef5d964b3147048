"""A process that takes a pool and acts on it; the tests of `test_processes.py` stop, kill and outlive it.

Usage: contender.py MODE URL TTL_S. What it does is one line each on standard output.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from pytest_qacloud.errors import LeaseLostError
from pytest_qacloud.leasing import Heartbeat, SqlLeaseStore, acquire, acquire_several
from pytest_qacloud.model import Claim

ACTS = 5
ROUNDS = 3
PAUSE_S = 0.003


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201  # what the tests read


def open_log(path: Path) -> int:
    """A file in which every action of every contender stands in the order in which it was done."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def note(log: int, held: Heartbeat) -> None:
    os.write(log, f"{held.lease.epoch} {os.getpid()}\n".encode())


def claim(ttl_s: float) -> Claim:
    return Claim(("rack1",), f"contender:{os.getpid()}", "", ttl_s)


def contend(store: SqlLeaseStore, ttl_s: float, log: Path) -> None:
    """Take the pool again and again."""
    descriptor = open_log(log)
    while True:
        with acquire(store, claim(ttl_s), wait_s=None, poll_s=PAUSE_S) as held:
            for _ in range(ACTS):
                held.check()
                note(descriptor, held)
                time.sleep(PAUSE_S)


def contend_for_several(store: SqlLeaseStore, ttl_s: float) -> None:
    """Take both pools at once again and again; say so at the end."""
    both = Claim(("rack1", "rack2"), f"contender:{os.getpid()}", "", ttl_s)
    for _ in range(ROUNDS):
        pair = acquire_several(store, both, 2, wait_s=None, poll_s=PAUSE_S)
        for held in pair:
            held.check()
        time.sleep(PAUSE_S)
        for held in pair:
            held.close()
    say("done")


def act(store: SqlLeaseStore, ttl_s: float, log: Path) -> None:
    """Act now and then until the lease is lost."""
    descriptor = open_log(log)
    held = acquire(store, claim(ttl_s))
    try:
        while True:
            held.check()
            note(descriptor, held)
            say("acted")
            time.sleep(0.2)
    except LeaseLostError as lost:
        say("lost", lost.reason)


def spawn(store: SqlLeaseStore, ttl_s: float) -> None:
    """Leave children behind that inherit whatever they can."""
    acquire(store, claim(ttl_s))
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], close_fds=False)
    forked = os.fork()
    if forked == 0:
        time.sleep(600)
        os._exit(0)
    say(started.pid, forked)
    time.sleep(600)


def main(mode: str, url: str, ttl_s: float) -> None:
    store = SqlLeaseStore(url)
    log = Path(url.removeprefix("sqlite:///")).with_name("log")
    if mode == "contend":
        contend(store, ttl_s, log)
    elif mode == "several":
        contend_for_several(store, ttl_s)
    elif mode == "act":
        act(store, ttl_s, log)
    elif mode == "spawn":
        spawn(store, ttl_s)
    elif mode == "wait":
        store.enqueue(claim(ttl_s))
        say("waiting")
        time.sleep(600)
    elif mode == "detach":
        lease = acquire(store, claim(ttl_s)).detach()
        say(lease.epoch, lease.token)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
