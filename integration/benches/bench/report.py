"""A run as Markdown tables: printed at its end, and the body of docs/performance.md."""

from . import targets
from .numbers import Missing, Numbers, figure, table

NAMES = {
    "none": "no filter",
    "empty": "a wasm filter that does nothing",
    "rbac": "Envoy's RBAC filter, equivalent rules",
    "cached": "SARK, kept decision",
    "plan": "SARK, plan",
    "source": "SARK, Rego text",
    "remote": "SARK, remote OPA (REST)",
    "ext_authz": "Envoy's ext_authz (gRPC)",
}
UNITS = {
    "rules": "rules",
    "users": "users",
    "headers": "headers",
    "bodies": "bytes of body",
    "entries": "kept decisions",
    "workers": "workers",
}


def text(raw):
    numbers = Numbers(raw)
    parts = [machine(raw), ratios(numbers), *paths(numbers), *scenarios(numbers), *growing(numbers), *start(numbers)]
    return "\n\n".join(part for part in [*parts, memory(numbers)] if part)


def machine(raw):
    what = [
        ("command", f"`{raw['command']}`"),
        ("date, commit", f"{raw['date']}, {raw['commit']}"),
        ("machine", raw["machine"]),
        ("load average after the run", ", ".join(f"{value:.1f}" for value in raw["load_average"])),
        ("Envoy", raw["envoy"]),
        ("OPA", raw["opa"]),
        ("ext_authz answered by", raw["facts"].get("ext_authz", "not measured")),
        ("module", f"{raw['module_bytes']:,} bytes, Rust {raw['rust']}"),
        ("each measurement", f"{raw['repetitions']} × {raw['seconds_each']} s after {raw['warm_up']} s of warming up"),
    ]
    return table(("", ""), what)


def ratios(numbers):
    return "## Ratios and their targets\n\n" + targets.text(numbers)


def paths(numbers):
    for connections in (1, 16):
        if ("paths", "none", None, connections) not in numbers.cells:
            continue
        of = lambda key, path: numbers.median(key, "paths", path, connections=connections)
        rows = [
            (
                NAMES[path],
                figure(of("per_second", path)),
                *(figure(of(key, path)) for key in ("p50", "p90", "p99")),
                numbers.spread("cpu_envoy", "paths", path, connections=connections),
                figure(of("cpu_peers", path)),
                figure(numbers.added("paths", path, connections=connections)),
                figure(of("resident", path)),
                figure(of("wasm", path)),
            )
            for path in numbers.paths("paths")
        ]
        head = ("path", "requests/s", "p50 µs", "p90 µs", "p99 µs", "Envoy's CPU µs", "peer's", "added")
        title = f"## Paths, {connections} connection{'s' * (connections > 1)}"
        yield f"{title}\n\n" + table((*head, "resident MB", "worker's wasm MB"), rows)


def scenarios(numbers):
    if "policy_lines" not in numbers.facts:
        return
    lines = numbers.facts["policy_lines"]
    of = lambda name, path: (f"policy, {name}", path)
    evaluated = lambda name: (f"policy of {lines[name]} lines, evaluated", of(name, "plan"), of(name, "remote"))
    remote = ("kept, 80 %", "remote")
    compared = [
        (*evaluated("short"), f"{targets.THEIRS['short']}; p95 {targets.THEIRS['evaluation']}"),
        (*evaluated("long"), targets.THEIRS["long"]),
        ("every one a hit", ("kept, every one", "cached"), remote, targets.THEIRS["read"]),
        ("80 % hits", ("kept, 80 %", "cached"), remote, f"{targets.THEIRS['throughput']} requests/s"),
    ]
    rows = [(what, *beside(numbers, ours, remote), theirs) for what, ours, remote, theirs in compared]
    head = ("one connection", "p50 µs", "p95 µs", "remote p95 µs")
    times = ("p95, times", "p95 added, times", "requests/s, times", "theirs, times")
    note = (
        "*Added* is beyond the median of a request without a filter. *Theirs* are the figures of the documents SARK"
        "\ncomes from, on their own work."
    )
    yield f"## Beside the remote OPA\n\n{note}\n\n" + table((*head, *times), rows)


def beside(numbers, ours, remote):
    """Whole requests, and what is added to the median of one without a filter."""
    of = lambda key, where: numbers.median(key, *where, connections=1)
    none = of("p50", ("kept, 80 %", "none"))
    here, there = of("p95", ours), of("p95", remote)
    rate = of("per_second", ours) / of("per_second", remote)
    added = (there - none) / (here - none)
    return [figure(value) for value in (of("p50", ours), here, there, there / here, added, rate)]


def growing(numbers):
    for name, unit in UNITS.items():
        for group in numbers.sized():
            if group.split(",")[0] == name:
                head = (unit, *growth_head(numbers, group))
                yield f"## Growth: {group}\n\n{table(head, growth_rows(numbers, group))}"


def growth_head(numbers, group):
    for path in numbers.paths(group):
        yield from (f"{NAMES[path]}: CPU µs", "added") if path != "none" else (f"{NAMES[path]}: CPU µs",)
        if group == "workers":
            yield f"{NAMES[path]}: requests/s"


def growth_rows(numbers, group):
    for size in numbers.sizes(group):
        row = [f"{size:,}"]
        for path in numbers.paths(group):
            where = (group, path, size if (group, path, size, 16) in numbers.cells else None)
            row.append(figure(numbers.median("cpu", *where)))
            if path != "none":
                row.append(figure(added(numbers, group, path, size)))
            if group == "workers":
                row.append(figure(numbers.median("per_second", *where)))
        yield row


def added(numbers, group, path, size):
    """Beside no filter at the same size, or, where the size is none of Envoy's, at any."""
    try:
        return numbers.added(group, path, size)
    except Missing:
        return numbers.added(group, path, size, base=(group.split(",")[0], None))


def start(numbers):
    if "start" in numbers.facts:
        rows = []
        for name, measured in numbers.facts["start"].items():
            middle = lambda key: targets.middle(run[key] for run in measured["runs"])
            rows.append((name, f"{measured['module_bytes']:,}", figure(middle("seconds")), figure(middle("cpu"))))
        yield "## Start-up\n\n" + table(("module", "bytes", "seconds until ready", "CPU seconds"), rows)


def memory(numbers):
    parts = []
    if "memory" in numbers.facts:
        taken = lambda entry: (figure(entry["wasm_memories"][-1] / 1e6), figure(entry["resident"] / 1e6))
        rows = [(NAMES[e["path"]], f"{e['json_bytes']:,}", *taken(e)) for e in numbers.facts["memory"]]
        head = ("way", "bytes of JSON", "worker's wasm MB", "Envoy resident MB")
        parts.append("## Memory of policy data\n\n" + table(head, rows))
    if "cache_bytes" in numbers.facts:
        rows = [(f"{int(n):,}", f"{b:,}", figure(b / int(n))) for n, b in numbers.facts["cache_bytes"].items()]
        parts.append("## Memory of kept decisions\n\n" + table(("kept decisions", "bytes", "bytes each"), rows))
    return "\n\n".join(parts)
