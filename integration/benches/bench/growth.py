"""How the cost of a decision grows: with the policy, its data, headers, bodies, kept decisions and workers.

In every table "none" is the same load without a filter, so that what the filter adds can be told from what Envoy takes.
"""

import random

from . import policies
from .load import serve
from .processes import wait_for
from .stage import CACHE, Cell

CONNECTIONS = 16
RULES = (10, 100, 1000)
USERS = (1_000, 10_000, 100_000)
HEADERS = (5, 20, 60)
BODIES = (0, 10_000, 1_000_000)
ENTRIES = (1_000, 10_000, 100_000)
WORKERS = (1, 2)


def rules(stage):
    """The last rule is the one that allows."""
    none = stage.envoy("none", None)
    cells = []
    for kind, text, data in (
        ("constant", policies.indexable_rules, {}),
        ("mixed", policies.rules, lambda count: {"scopes": {"user500": [f"area{count - 1}:read"]}}),
    ):
        for count in RULES:
            name = f"{kind}{count}"
            policy = stage.policy(name, text(count), data(count) if callable(data) else data)
            requests = stage.requests(name, [policies.request(f"/api/area{count - 1}", "user500")])
            for path in ("plan",) if stage.is_quick and kind == "mixed" else ("plan", "source"):
                envoy = stage.sark(f"{name}-{path}", path, policy)
                cells.append(Cell(f"rules, {kind}", path, envoy, requests, CONNECTIONS, count))
    cells.append(Cell("rules", "none", none, requests, CONNECTIONS))
    stage.measure(cells)


def users(stage):
    """Without the limits that stop a slow evaluation: what it costs is to be seen."""
    settings = ["limits.evaluation_time=10s", "limits.evaluation_steps=1000000000"]
    none = stage.envoy("none", None)
    cells = []
    for count in USERS:
        data = policies.role_data(count)
        policy = stage.policy(f"users{count}", policies.RBAC.read_text(), data)
        questions = policies.allowed_questions(data, 1000)
        requests = stage.requests(f"users{count}", [policies.request(path, user) for path, user in questions])
        for path in ("plan", "source"):
            envoy = stage.sark(f"users{count}-{path}", path, policy, settings)
            cells.append(Cell("users", path, envoy, requests, CONNECTIONS, count))
    cells.append(Cell("users", "none", none, requests, CONNECTIONS))
    stage.measure(cells)


def role_policy(stage):
    data = policies.role_data()
    return data, stage.policy("rbac", policies.RBAC.read_text(), data)


def headers(stage):
    data, policy = role_policy(stage)
    envoys = {
        "none": stage.envoy("none", None),
        "cached": stage.sark("cached", "cached", policy),
        "plan": stage.sark("plan", "plan", policy),
    }
    cells = []
    for count in HEADERS:
        extra = policies.headers(count)
        questions = policies.allowed_questions(data, len(data["users"]))
        sent = [policies.request(path, user, extra) for path, user in questions]
        requests = stage.requests(f"headers{count}", sent)
        cells += [Cell("headers", path, envoy, requests, CONNECTIONS, count) for path, envoy in envoys.items()]
    stage.measure(cells)


def bodies(stage):
    """The policy reads the body, so the request is held until it is complete; an upstream takes it."""
    upstream, port = serve(stage.load.binary, stage.folder)
    stage.keep(upstream)
    policy = stage.policy("body", policies.BODY + "\nallow if input.parsed_body == null\n", {})
    settings = ['with_request_body={"max_request_bytes": 1040000}']
    envoys = {
        "none": stage.envoy("none", None, upstream=port),
        "plan": stage.sark("plan", "plan", policy, settings, upstream=port),
    }
    cells = []
    for size in BODIES:
        content = policies.body(size)
        request = policies.request("/api/orders", "user500", content=content, method="POST")
        requests = stage.requests(f"body{size}", [request])
        cells += [Cell("bodies", path, envoy, requests, CONNECTIONS, size) for path, envoy in envoys.items()]
    stage.measure(cells)


def entries(stage):
    """Every question is asked once before, in another order than they are asked when it is measured."""
    data, policy = role_policy(stage)
    cells = []
    for count in ENTRIES:
        kept = f'features.rust_cache={{"max_size": {count}, "max_bytes": 268435456, "ttl_seconds": 86400}}'
        envoy = stage.sark(f"cached{count}", "cached", policy, [kept])
        questions = policies.allowed_questions(data, count, distinct=True)
        sent = [policies.request(path, user) for path, user in questions]
        fill(stage, envoy, stage.requests(f"fill{count}", sent), count)
        random.Random(11).shuffle(sent)
        requests = stage.requests(f"entries{count}", sent)
        cells.append(Cell("entries", "cached", envoy, requests, CONNECTIONS, count))
    cells.append(Cell("entries", "none", stage.envoy("none", None), requests, CONNECTIONS))
    stage.measure(cells)


def fill(stage, envoy, requests, count):
    envoy.wait()
    seconds = 0.5 + count / 15_000
    while envoy.counters().get(CACHE.format("put"), 0) < count:
        stage.load.send(envoy.address, requests, CONNECTIONS, seconds)
        seconds *= 2
    # Gauges are told once a second.
    gauge = lambda what: envoy.counters().get(f"wasmcustom.rust_cache_size_{what}", 0)
    wait_for(envoy.process, lambda: gauge("entries") == count, patience=10)
    stage.facts.setdefault("cache_bytes", {})[str(count)] = gauge("bytes")


def workers(stage):
    data, policy = role_policy(stage)
    questions = policies.allowed_questions(data, len(data["users"]))
    requests = stage.requests("workers", [policies.request(path, user) for path, user in questions])
    cells = []
    for count in WORKERS:
        envoys = {
            "none": stage.envoy(f"none{count}", None, workers=count),
            "plan": stage.sark(f"plan{count}", "plan", policy, workers=count),
            "cached": stage.sark(f"cached{count}", "cached", policy, workers=count),
        }
        for path, envoy in envoys.items():
            # Each worker keeps decisions of its own, and the kernel deals the connections anew each time.
            expected = {"http.ingress.downstream_rq_2xx": 1} if path == "cached" else None
            cells.append(Cell("workers", path, envoy, requests, CONNECTIONS, count, expected))
    stage.measure(cells)


TABLES = {"rules": rules, "users": users, "headers": headers, "bodies": bodies, "entries": entries, "workers": workers}


def measure(stage, only=None):
    for name, table in TABLES.items():
        if only in (None, name):
            stage.say(f"growth: {name}")
            table(stage)
            stage.end()
            remove_policies(stage)


def remove_policies(stage):
    """The next table makes its own."""
    for folder in list(stage.folder.iterdir()):
        if folder.is_dir():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
