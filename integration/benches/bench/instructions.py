"""Instructions of the core's operations, counted by callgrind: the same on a busy machine as on a quiet one, so that a
change in the code can be told from noise."""

import json
import re
import sys
import tempfile
import pathlib

from . import machine, policies
from .envoy import make_config

KEPT = machine.ROOT / "integration/benches/instructions.json"
OPERATIONS = ("headers", "input", "evaluate", "recall", "keep", "decide uncached", "decide cached")
COUNT = 500
# Share by which an operation may differ from what was kept.
TOLERANCE = 0.10


def run(keep):
    """Prints instructions per operation. Ends with an error if one differs from what was kept; or keeps them."""
    now = counted()
    before = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    differing = []
    for operation, instructions in now.items():
        was = before.get(operation)
        change = f"{instructions / was - 1:+8.1%}" if was else "     new"
        print(f"{operation:16} {instructions:10,d} {change}")
        if not was or abs(instructions / was - 1) > TOLERANCE:
            differing.append(operation)
    if keep:
        KEPT.write_text(json.dumps(now, indent=2) + "\n")
    elif differing:
        sys.exit(f"bench: more than {TOLERANCE:.0%} from {KEPT.name}: {', '.join(differing)}; if so intended: --keep")


def counted():
    """operation → instructions of one, rounded."""
    binary = machine.cargo_build("operations", "-p", "sark-core", "--example", "operations")
    with tempfile.TemporaryDirectory(prefix="sark-bench-") as scratch:
        folder = pathlib.Path(scratch)
        policy = policies.write(folder / "rbac", policies.RBAC.read_text(), policies.role_data())
        configuration = folder / "configuration.json"
        plugin = make_config.plugin_configuration(policy, ['features.rust_cache={"ttl_seconds": 86400}'])
        configuration.write_text(make_config.render(plugin))
        return {operation: count(binary, operation, configuration, folder) for operation in OPERATIONS}


def count(binary, operation, configuration, folder):
    options = ["--tool=callgrind", f"--callgrind-out-file={folder / 'out'}", "--toggle-collect=*operations::measured*"]
    machine.run(["valgrind", "--quiet", *options, binary, operation, COUNT, configuration])
    total = re.search(r"^(?:summary|totals): (\d+)", (folder / "out").read_text(), re.MULTILINE)
    if not total or int(total.group(1)) == 0:
        sys.exit(f"bench: callgrind collected nothing of {operation}")
    return round(int(total.group(1)) / COUNT)
