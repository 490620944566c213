"""The ratios that SARK is held against, each with its target and whether this run meets it."""

from . import growth
from .numbers import Missing, figure, table

# Figures of the documents SARK comes from, for the same ratios on their own work.
THEIRS = {"evaluation": "9.8", "short": "15 to 20", "long": "4 to 6", "read": "15.8", "throughput": "2.47"}
# "Flat": further apart than this is growth.
FLAT = 1.25


def rows(numbers):
    """(what, measured, target, whether it holds) of everything that this run measured."""
    found = []
    for what, measure, target in [*decision(numbers), *growing(numbers), *taking(numbers)]:
        try:
            value = measure()
        except Missing:
            continue
        sign, bound = target if target else ("", 0)
        holds = {"≤": value <= bound, "≥": value >= bound}.get(sign)
        verdict = {True: "yes", False: "**no**", None: ""}[holds]
        found.append((what, figure(value), f"{sign} {bound}".strip() if target else "stated", verdict))
    return found


def text(numbers):
    return table(("what", "measured", "target", "holds"), rows(numbers))


def decision(numbers):
    median = numbers.median
    cpu = lambda path, connections: numbers.added("paths", path, connections=connections)
    base = lambda connections: median("cpu", "paths", "none", connections=connections)
    peer = "ext_authz and its peer"
    for connections in (1, 16):
        share = lambda path, at=connections: cpu(path, at) / base(at)
        times = lambda path, over, at=connections: cpu(path, at) / cpu(over, at)
        at = f", {connections} connection{'s' * (connections > 1)}"
        yield f"CPU added, uncached plan / no filter{at}", lambda s=share: s("plan"), ("≤", 0.5)
        yield f"CPU added, cached / no filter{at}", lambda s=share: s("cached"), ("≤", 0.15)
        yield f"CPU added, uncached source / no filter{at}", lambda s=share: s("source"), None
        yield f"CPU added, empty wasm filter / no filter{at}", lambda s=share: s("empty"), None
        yield f"CPU added, remote and its OPA / uncached plan{at}", lambda t=times: t("remote", "plan"), ("≥", 20)
        yield f"CPU added, {peer} / uncached plan{at}", lambda t=times: t("ext_authz", "plan"), ("≥", 30)
        yield f"CPU added, {peer} / cached{at}", lambda t=times: t("ext_authz", "cached"), ("≥", 100)
    rate = lambda path: median("per_second", "paths", path) / median("per_second", "paths", "none")
    yield "requests/s at 16 connections, cached / no filter", lambda: rate("cached"), ("≥", 0.9)
    yield "requests/s at 16 connections, uncached plan / no filter", lambda: rate("plan"), None
    whole = lambda: median("p99", "paths", "ext_authz", connections=1) / median("p99", "paths", "plan", connections=1)
    yield "p99 of a whole request at 1 connection, ext_authz / uncached plan", whole, ("≥", 20)
    late = lambda path: median("p99", "paths", path, connections=1) - median("p50", "paths", "none", connections=1)
    yield "the same without the median of no filter", lambda: late("ext_authz") / late("plan"), None


def growing(numbers):
    cost = lambda group, path, size, base: numbers.added(group, path, size, base=(base, None))
    ratio = lambda group, path, base, at: cost(group, path, at[-1], base) / cost(group, path, at[0], base)
    for path in ("plan", "source"):
        rules = lambda p=path: ratio("rules, constant", p, "rules", growth.RULES)
        yield f"CPU added, {path}, 1,000 rules of constants / 10", rules, ("≤", 2)
        mixed = lambda p=path: ratio("rules, mixed", p, "rules", growth.RULES)
        yield f"CPU added, {path}, 1,000 mixed rules / 10", mixed, None
        users = lambda p=path: ratio("users", p, "users", growth.USERS)
        yield f"CPU added, {path}, 100,000 users / 1,000", users, ("≤", 1.5)
    kept = lambda: ratio("entries", "cached", "entries", growth.ENTRIES)
    yield "CPU added, cached, 100,000 entries / 1,000", kept, ("≤", FLAT)


def taking(numbers):
    for path in ("plan", "source"):
        yield f"MB of a worker's memory for 1 MB of JSON data, {path}", lambda p=path: data(numbers, p), ("≤", 6)
    start = lambda: fact(numbers, "start")["sark"]
    yield "MB of the module", lambda: start()["module_bytes"] / 1e6, ("≤", 3)
    spent = lambda: middle(run["cpu"] for run in start()["runs"])
    yield "seconds of CPU until Envoy is ready with it", spent, ("≤", 3)


def data(numbers, path):
    """Growth of the largest memory from next to no data to 1 MB, for each MB."""
    measured = [entry for entry in fact(numbers, "memory") if entry["path"] == path]
    none, one = measured[0], measured[1]
    return (one["wasm_memories"][-1] - none["wasm_memories"][-1]) / (one["json_bytes"] - none["json_bytes"])


def fact(numbers, name):
    if name not in numbers.facts:
        raise Missing(name)
    return numbers.facts[name]


def middle(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
