"""How provisioning scales: the wall time for many machines against that for few, and the CPU time a machine costs.

Run by hand, on a machine that does nothing else:

    python tests/bench/provision_scale.py [--few 4] [--many 64] [--install-time 10] [--rounds 1]

Both sides run in turn, in this one process's run of the script, each on a fresh simulated rack. Wall time is that of
lease and provisioning, from the rack being up to the zone being healthy. CPU time is this program's (the run's own
work), the rack's (simulated machines, services and management server), and the rack's children's (node classifier).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

CHILD = "--child"


def measure(machines: int, install_time_s: float, folder: Path) -> dict[str, Any]:
    """Make one zone in a process of its own, so that no side profits from what the other has loaded."""
    argv = [sys.executable, __file__, CHILD, str(machines), str(install_time_s), str(folder)]
    environment = {**os.environ, "QACLOUD_STATE_DIR": str(folder / "state")}
    reply = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    result: dict[str, Any] = json.loads(reply.stdout.splitlines()[-1])
    return result


def child(machines: int, install_time_s: float, folder: Path) -> None:
    """Make a zone, take it down, and print the figures as JSON."""
    from pytest_qacloud.journal import read
    from pytest_qacloud.progress import LogView
    from pytest_qacloud.session import Session
    from pytest_qacloud.settings import Settings

    given = {
        "pool": "sim",
        "sim-machines": str(machines),
        "sim-install-time": str(install_time_s),
        "runs-dir": str(folder / "runs"),
        "pools-dir": str(folder),
    }
    session = Session(Settings(given, lambda _key: "", folder), LogView(lambda _line: None))
    before_s, started_s = own_cpu_s(), time.monotonic()
    try:
        zone = session.start()
        wall_s, own_s = time.monotonic() - started_s, own_cpu_s() - before_s
        rack = next(event for event in read(session.journal.path) if event.step == "rack" and "pid" in event.detail)
        rack_s = process_cpu_s(rack.detail["pid"])
    finally:
        session.stop()
    steps: dict[str, float] = {}
    for step in session.times:
        steps[step.step] = max(steps.get(step.step, 0.0), step.elapsed_s)
    wall_s -= steps["rack"]
    print(json.dumps({"wall_s": wall_s, "own_s": own_s, "rack_s": rack_s, "hosts": zone.hosts, "steps": steps}))


def own_cpu_s() -> float:
    """CPU seconds of this process, user and system."""
    times = os.times()
    return times.user + times.system


def process_cpu_s(pid: int) -> float:
    """CPU seconds of a process and of its children that have ended; proc(5), fields 14 to 17 of `stat`."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def show(name: str, result: dict[str, Any], machines: int) -> None:
    """One side's figures."""
    print(
        f"{name:>5} {machines:>4} machines: wall {result['wall_s']:6.2f} s,"
        f" CPU of the run {result['own_s']:5.2f} s, of the rack {result['rack_s']:5.2f} s (start-up included)"
    )
    print("        " + ", ".join(f"{step} {elapsed_s:.2f}" for step, elapsed_s in result["steps"].items()))


def main() -> None:
    """Run both sides and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--few", type=int, default=4)
    parser.add_argument("--many", type=int, default=64)
    parser.add_argument("--install-time", type=float, default=10.0, help="seconds an installation takes")
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    ratios = []
    for number in range(chosen.rounds):
        with tempfile.TemporaryDirectory(prefix="qacloud-bench-") as folder:
            few = measure(chosen.few, chosen.install_time, Path(folder) / "few")
            many = measure(chosen.many, chosen.install_time, Path(folder) / "many")
        print(f"round {number + 1}, simulated installation {chosen.install_time:g} s, {os.cpu_count()} cores")
        show("few", few, chosen.few)
        show("many", many, chosen.many)
        ratios.append(many["wall_s"] / few["wall_s"])
        print(f"ratio of wall times: {ratios[-1]:.3f}")
        more = chosen.many - chosen.few
        own, rack = (many[key] - few[key] for key in ("own_s", "rack_s"))
        print(
            f"CPU a further machine costs: {(own + rack) / more:.3f} s (run {own / more:.3f}, rack {rack / more:.3f})"
        )
    if len(ratios) > 1:
        print(f"median ratio of {len(ratios)}: {median(ratios):.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        Path(sys.argv[4]).mkdir(parents=True, exist_ok=True)
        child(int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
