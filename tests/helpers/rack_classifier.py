"""An external node classifier for tests: `node1` is a management server, every other machine a KVM host."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path


def main() -> None:
    """Print the classes of the certname in `argv[1]`, as Puppet's `node_terminus = exec` wants them: YAML."""
    pool = tomllib.loads(Path(os.environ["QACLOUD_ENC_DIR"]).parent.joinpath("pool.toml").read_text(encoding="utf-8"))
    port = pool["management"]["port"]
    classes = f"qacloud::management: {{port: {port}}}" if sys.argv[1].startswith("node1.") else "qacloud::kvm: {}"
    sys.stdout.write(f"classes:\n  {classes}\n")


if __name__ == "__main__":
    main()
