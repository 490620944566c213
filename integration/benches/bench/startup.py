"""What it takes until Envoy serves, by module; and what a policy's data takes in memory."""

import json
import pathlib

from . import machine, policies
from .envoy import empty_wasm


def start(stage):
    stage.say("start-up")
    policy = stage.policy("rbac", policies.RBAC.read_text(), policies.role_data(10))
    modules = {
        "none": (0, lambda name: stage.envoy(name, None)),
        "empty": (size(stage.modules["empty"]), lambda name: stage.envoy(name, empty_wasm(stage.modules["empty"]))),
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
    results = []
    for megabytes in (0, 1, 4):
        data, text = data_of(megabytes * 1_000_000)
        policy = stage.policy(f"memory{megabytes}", policies.RBAC.read_text(), data)
        for path in ("plan", "source"):
            envoy = stage.sark(f"memory{megabytes}-{path}", path, policy)
            envoy.wait()
            results.append(
                {
                    "path": path,
                    "json_bytes": text,
                    "wasm_memories": envoy.process.wasm_memories(),
                    "resident": envoy.process.resident(),
                }
            )
            stage.end()
    stage.facts["memory"] = results


def data_of(size_):
    """Role data of so many bytes as JSON, or of ten users."""
    one = len(json.dumps(policies.role_data(20_000)["users"])) / 20_000
    data = policies.role_data(max(10, int(size_ / one)))
    return data, len(json.dumps(data))
