"""The paths a request can take, side by side: the role policy, 1,000 users, 50 roles, ten headers."""

import os

from . import policies
from .envoy import empty_wasm, ext_authz, rbac
from .processes import Running
from .stage import Cell

CONNECTIONS = (1, 16)
ORDER = ("none", "empty", "rbac", "cached", "plan", "source", "remote", "ext_authz")


def measure(stage):
    data = policies.role_data()
    policy = stage.policy("rbac", policies.RBAC.read_text(), data)
    questions = policies.allowed_questions(data, len(data["users"]))
    requests = stage.requests("rbac", [policies.request(path, user) for path, user in questions])
    opa, opa_port = stage.opa("opa", policy)
    peers, address = external(stage, policy)
    envoys = {
        "none": stage.envoy("none", None),
        "empty": stage.envoy("empty", empty_wasm(stage.empty)),
        "rbac": stage.envoy("rbac", rbac(data)),
        "cached": stage.sark("cached", "cached", policy),
        "plan": stage.sark("plan", "plan", policy),
        "source": stage.sark("source", "source", policy),
        "remote": stage.sark("remote", "remote", policy, opa=opa_port, peers=[opa]),
        "ext_authz": stage.envoy("ext_authz", ext_authz(), ext_authz_at=address, peers=peers),
    }
    for connections in CONNECTIONS:
        stage.say(f"paths at {connections} connections")
        stage.measure([Cell("paths", name, envoys[name], requests, connections) for name in ORDER])
    stage.end()


def external(stage, policy):
    """Who answers ext_authz: a peer that is named, else our stand-in. Processes and address."""
    named, pid = os.environ.get("SARK_BENCH_EXT_AUTHZ"), os.environ.get("SARK_BENCH_EXT_AUTHZ_PID")
    if named:
        stage.facts["ext_authz"] = named if pid else f"{named}, whose own CPU is not counted"
        return [Running(int(pid))] if pid else [], named.rsplit(":", 1)
    stage.facts["ext_authz"] = "stand-in (integration/oracle/ext_authz.go): go-control-plane and OPA's evaluator"
    process, address = stage.stand_in(policy)
    return [process], address
