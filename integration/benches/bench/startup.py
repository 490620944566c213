"""What it takes until Envoy serves, by module; and what a policy's data takes in memory."""

import json
import pathlib

from . import machine, policies
from .envoy import empty_wasm

# Of policy data as JSON; 0 is a few users. The first two give the cost of a megabyte.
MEGABYTES = (0, 1, 4)


def start(stage):
    stage.say("start-up")
    policy = stage.policy("rbac", policies.RBAC.read_text(), policies.role_data(10))
    modules = {
        "none": (0, lambda name: stage.envoy(name, None)),
        "empty": (size(stage.empty), lambda name: stage.envoy(name, empty_wasm(stage.empty))),
        "sark": (size(machine.shipped_module()), lambda name: stage.sark(name, "plan", policy)),
    }
    results = {name: {"module_bytes": bytes_, "runs": []} for name, (bytes_, _) in modules.items()}
    for turn in range(stage.repeat):
        for name, (_, begin) in modules.items():
            envoy = begin(f"start-{name}-{turn}")
            seconds, cpu = envoy.wait()
            run = {"seconds": seconds, "cpu": cpu, "resident": envoy.process.resident()}
            results[name]["runs"].append(run)
            stage.end()
    stage.facts["start"] = results


def size(path):
    return pathlib.Path(path).stat().st_size


def memory(stage):
    """The linear memory of a worker with next to no data and with 1 MB of it. A memory never shrinks, so what loading
    takes for a moment is in it."""
    stage.say("memory of policy data")
    started = []
    for megabytes in MEGABYTES[:2] if stage.is_quick else MEGABYTES:
        data, text = data_of(megabytes * 1_000_000)
        policy = stage.policy(f"memory{megabytes}", policies.RBAC.read_text(), data)
        started += [(path, text, stage.sark(f"memory{megabytes}-{path}", path, policy)) for path in ("plan", "source")]
    stage.facts["memory"] = [measured(path, text, envoy) for path, text, envoy in started]
    stage.end()


def measured(path, json_bytes, envoy):
    envoy.wait()
    process = envoy.process
    memories = {"wasm_memories": process.wasm_memories(), "resident": process.resident()}
    return {"path": path, "json_bytes": json_bytes, **memories}


def data_of(size_):
    """Role data of so many bytes as JSON, or of ten users."""
    one = len(json.dumps(policies.role_data(20_000)["users"])) / 20_000
    data = policies.role_data(max(10, int(size_ / one)))
    return data, len(json.dumps(data))
