"""What the documents SARK comes from give figures for: a short policy, a long one, and four hits in five."""

import random

from . import policies
from .stage import CACHE, INLINE, Cell

# Lines of the long policy: 7 a rule.
LONG = 100
HOT, KEPT, FRESH = 200, 1_000, 20_000


def measure(stage):
    stage.say("scenarios")
    data = policies.role_data()
    cells = []
    short = stage.policy("short", policies.RBAC.read_text(), data)
    long = stage.policy("long", policies.rules(LONG), {"scopes": {"user500": [f"area{LONG - 1}:read"]}})
    questions = policies.allowed_questions(data, len(data["users"]))
    sent = {
        "short": [policies.request(path, user) for path, user in questions],
        "long": [policies.request(f"/api/area{LONG - 1}", "user500")],
    }
    none = stage.envoy("none", None)
    remotes = {}
    for name, policy in (("short", short), ("long", long)):
        requests = stage.requests(name, sent[name])
        opa, port = stage.opa(f"{name}-opa", policy)
        remotes[name] = stage.sark(f"{name}-remote", "remote", policy, opa=port, peers=[opa])
        envoys = {"plan": stage.sark(f"{name}-plan", "plan", policy), "remote": remotes[name], "none": none}
        cells += [Cell(f"policy, {name}", path, envoy, requests, 1) for path, envoy in envoys.items()]
    cells += kept(stage, data, short, remotes["short"], none)
    stage.measure(cells)
    stage.facts["policy_lines"] = {"short": lines(short), "long": lines(long)}
    stage.end()


def lines(policy):
    return len((policy / "policy.rego").read_text().splitlines())


def kept(stage, data, policy, remote, none):
    """Four of five questions come from a few hundred that are kept, one is new: so many new ones in turn that each is
    forgotten before it is asked again."""
    hits = stage.sark("hits", "cached", policy)
    mixed = stage.sark("mixed", "cached", policy, [f"features.rust_cache.max_size={KEPT}"])
    hot = [policies.request(path, user) for path, user in policies.allowed_questions(data, HOT, distinct=True)]
    fresh = policies.allowed_questions(data, FRESH + HOT, distinct=True)[HOT:]
    generator = random.Random(3)
    sequence = []
    for path, user in fresh:
        sequence += [*generator.sample(hot, 4), policies.request(path, user)]
    requests = {"hits": stage.requests("hits", hot), "mixed": stage.requests("mixed", sequence)}
    four_in_five = {**INLINE, CACHE.format("hit"): 0.8, CACHE.format("miss"): 0.2}
    return [
        Cell("kept, every one", "cached", hits, requests["hits"], 1),
        Cell("kept, 80 %", "cached", mixed, requests["mixed"], 1, expected=four_in_five),
        Cell("kept, 80 %", "remote", remote, requests["mixed"], 1),
        Cell("kept, 80 %", "none", none, requests["mixed"], 1),
    ]
