"""From step to step, as long as nothing is wrong: each percentage is watched for a while before the next one."""

import decimal
import sys
import time

from . import guards, live
from .envoy import Admin
from .instance import Failure, on_each

# Envoy works its histograms out every five seconds.
HISTOGRAMS_SECONDS = 6


def ramp(instances, admins, feature, steps, soak, interval, limits):
    """Walks a feature up to the last step. Whether it got there; if not, it is rolled back."""
    envoys = [Admin(url) for url in admins]
    begin = in_force(instances, feature)
    steps = [step for step in steps if step > begin]
    if not steps:
        raise Failure(f"{feature} is at {begin} % already")
    try:
        print(f"{feature} is at {begin} %; watching for {soak:g} s what is usual", flush=True)
        limits.baseline = sum(watch(envoys, feature, soak, interval, None), guards.Seen())
        tell(limits.baseline)
        for step in steps:
            if not live.set_percentage(instances, feature, str(step)):
                raise Failure("not every instance confirmed the step")
            print(f"{feature} at {step} %; watching for {soak:g} s, and until enough requests had it", flush=True)
            tell(sum(watch(envoys, feature, soak, interval, limits), guards.Seen()))
    except (Failure, OSError) as failure:
        print(f"rollout: {failure}\nrollout: rolling {feature} back", file=sys.stderr, flush=True)
        live.roll_back(instances, feature)
        return False
    except KeyboardInterrupt:
        print(f"rollout: interrupted: {feature} stays where it is now", file=sys.stderr)
        return False
    print(f"{feature} is at {steps[-1]} %. It was set live: push a configuration that says the same")
    return True


def in_force(instances, feature):
    """The percentage that all instances have."""
    stands = {}
    for instance, features in on_each(instances, lambda instance: instance.get("/features")):
        if isinstance(features, Failure):
            raise Failure(f"{instance.url}: {features}")
        stands[instance.url] = features[feature]
    trouble = live.disagreement(feature, {url: live.stand(stand) for url, stand in stands.items()})
    if trouble:
        raise Failure(trouble[0])
    (stand, *_) = stands.values()
    if stand["status"] in ("disabled", "absent", "remote_only", "rolled_back"):
        raise Failure(f"{feature} is {stand['status']}: see docs/rollout.md for the way out of that")
    return decimal.Decimal(str(stand["rollout_percentage"]))


def watch(envoys, feature, soak, interval, limits):
    """Looks every now and then. What each Envoy has seen when it went well for long enough, and often enough."""
    begin = [guards.look(envoy, feature) for envoy in envoys]
    deadline = time.monotonic() + max(soak, HISTOGRAMS_SECONDS)
    while True:
        time.sleep(min(interval, max(0.0, deadline - time.monotonic())) or interval)
        seen = [grown(envoy, feature, before) for envoy, before in zip(envoys, begin)]
        total = sum(seen, guards.Seen())
        if limits:
            judge(envoys, seen, total, limits)
        has_enough = limits is None or total.requests >= limits.min_requests
        if time.monotonic() >= deadline and has_enough:
            return seen
        if time.monotonic() >= deadline + 10 * soak:
            raise Failure(f"only {total.requests:.0f} requests had the feature for so long, {limits.min_requests} are wanted")


def grown(envoy, feature, before):
    seen = guards.look(envoy, feature).since(before)
    if seen.has_shrunk():
        raise Failure(f"{envoy.url}: its counters went back: it was restarted, and what was set live is lost")
    return seen


def judge(envoys, seen, total, limits):
    for envoy, one in zip(envoys, seen):
        why = limits.tripped(one)
        if why:
            raise Failure(f"{envoy.url}: guard tripped: {why}")
    why = limits.tripped(total)
    if why:
        raise Failure(f"guard tripped: {why}")


def tell(seen):
    compared = f", {seen.disagreed:.0f} of {seen.compared:.0f} compared differ" if seen.compared else ", none compared"
    print(
        f"  {seen.answers:.0f} requests, {seen.latency():.1f} ms on average, {seen.failing():.2%} answered 5xx;"
        f" {seen.requests:.0f} with the feature, {seen.errors:.0f} errors{compared}",
        flush=True,
    )
