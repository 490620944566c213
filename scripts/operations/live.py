"""What changes at once: how the features stand, another percentage, a rollback."""

import decimal
import sys

from .instance import Failure, on_each

FEATURES = ("rust_opa", "rust_cache")

# A worker shows itself every second.
SILENT_SECONDS = 5


def set_percentage(instances, feature, percentage, ttl=None, if_version=None):
    """Another percentage for a feature, on every instance. Whether each confirms it."""
    if if_version is not None and len(instances) > 1:
        raise Failure("each instance counts versions of its own: --if-version goes with one --envoy only")

    def work(instance):
        changed = instance.post("/rollout/update", feature=feature, percentage=percentage, ttl=ttl, if_version=if_version)
        return confirmed(instance, changed, "overridden", percentage)

    return changed_on_all(instances, feature, work)


def roll_back(instances, feature):
    """A feature for nobody, on every instance. Whether each confirms it."""

    def work(instance):
        changed = instance.post("/rollout/rollback", feature=feature)
        return confirmed(instance, changed, "rolled_back", "0")

    return changed_on_all(instances, feature, work)


def confirmed(instance, changed, status, percentage):
    """The change as it was answered, if it is also what is in force when asked again."""
    feature = instance.get("/features")[changed["feature"]]
    in_force = decimal.Decimal(str(feature["rollout_percentage"]))
    if feature["status"] != status or in_force != decimal.Decimal(percentage):
        raise Failure(f"not confirmed: it is {described(feature)} now")
    return changed


def changed_on_all(instances, feature, work):
    results = on_each(instances, work)
    failed = [instance for instance, result in results if isinstance(result, Failure)]
    for instance, result in results:
        if isinstance(result, Failure):
            print(f"{instance.url}: FAILED: {result}", file=sys.stderr)
        else:
            print(f"{instance.url}: {feature} was {described(result['before'])}, is {described(result['after'])}")
    if failed:
        print(f"rollout: {len(failed)} of {len(instances)} instances did not confirm", file=sys.stderr)
    return not failed


def show_status(instances):
    """Prints how the features stand on each instance, and what is wrong with that. Whether nothing is."""

    def look(instance):
        return instance.get("/features"), instance.get("/status")

    results = on_each(instances, look)
    known = {instance.url: result for instance, result in results if not isinstance(result, Failure)}
    troubles = [f"{instance.url}: {result}" for instance, result in results if isinstance(result, Failure)]
    for url, (features, status) in known.items():
        print_instance(url, features, status)
        troubles += worker_troubles(url, status)
    for feature in FEATURES:
        stands = {url: stand(features[feature]) for url, (features, _) in known.items()}
        troubles += disagreement(feature, stands)
        print_lost_by_restart(feature, {url: features[feature] for url, (features, _) in known.items()})
    runs = {url: ", ".join(sorted(configurations(status))) for url, (_, status) in known.items()}
    troubles += disagreement("the configuration", runs)
    for trouble in troubles:
        print(f"rollout: {trouble}", file=sys.stderr)
    return not troubles


def print_instance(url, features, status):
    print(f"{url} (version {features['version']})")
    for feature in FEATURES:
        print(f"  {feature:<10}  {described(features[feature])}")
    for worker in status["workers"]:
        print(
            f"  worker {worker['vm']}  {worker['age_seconds']} s ago  {worker['requests']} requests"
            f"  configuration {worker['configuration'][:12]}  policy {worker['policy'][:12]}"
        )


def configurations(status):
    """The digests of the configurations that the workers run; those of workers that went away do not count."""
    return {worker["configuration"][:12] for worker in status["workers"] if worker["age_seconds"] <= SILENT_SECONDS}


def worker_troubles(url, status):
    troubles = []
    silent = [worker["vm"] for worker in status["workers"] if worker["age_seconds"] > SILENT_SECONDS]
    if silent:
        troubles.append(f"{url}: silent for more than {SILENT_SECONDS} s, or replaced: {', '.join(silent)}")
    if len(configurations(status)) > 1:
        troubles.append(f"{url}: its workers run different configurations")
    return troubles


def disagreement(what, stands):
    if len(set(stands.values())) <= 1:
        return []
    return [f"the instances disagree on {what}: " + "; ".join(f"{url} has {text}" for url, text in stands.items())]


def print_lost_by_restart(feature, stands):
    live = [url for url, stand in stands.items() if stand["source"] == "override"]
    if live:
        print(
            f"{feature}: what is in force was set live and would be lost by a restart of {', '.join(live)}:"
            f" push a configuration that says the same"
        )


def stand(feature):
    """What instances must agree on."""
    return f"{feature['rollout_percentage']} % ({feature['status']}, {feature['source']})"


def described(feature):
    """A feature in a few words."""
    by = f" by {feature['by']}" if "by" in feature else ""
    until = f" until {feature['until']}" if "until" in feature else ""
    since = f" since {feature['since']}" if "since" in feature else ""
    return f"{feature['rollout_percentage']} % ({feature['status']}, {feature['source']}{by}{since}{until})"
