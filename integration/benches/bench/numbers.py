"""A run's raw numbers, asked for by what was measured."""

import statistics


class Missing(LookupError):
    """It was not measured in this run."""


class Numbers:
    def __init__(self, raw):
        self.raw, self.facts = raw, raw["facts"]
        self.cells = {(c["group"], c["path"], c["size"], c["connections"]): c["runs"] for c in raw["cells"]}

    def sizes(self, group):
        return sorted({key[2] for key in self.cells if key[0] == group and key[2] is not None})

    def sized(self):
        """The groups that were measured at several sizes."""
        return [group for group in dict.fromkeys(key[0] for key in self.cells) if self.sizes(group)]

    def paths(self, group):
        return list(dict.fromkeys(key[1] for key in self.cells if key[0] == group))

    def all(self, key, group, path, size=None, connections=16):
        """One number a repetition."""
        try:
            runs = self.cells[group, path, size, connections]
        except KeyError as error:
            raise Missing(f"{group}, {path}, {size}") from error
        return [KEYS[key](run) for run in runs]

    def median(self, key, *where, **more):
        return statistics.median(self.all(key, *where, **more))

    def spread(self, key, *where, **more):
        """Median with its range, as text."""
        values = self.all(key, *where, **more)
        return f"{figure(statistics.median(values))} ({figure(min(values))} to {figure(max(values))})"

    def added(self, group, path, size=None, connections=16, base=None):
        """CPU microseconds that a path adds to what Envoy takes without it, peers included."""
        base_group, base_size = base or (group, size)
        without = self.median("cpu", base_group, "none", base_size, connections=connections)
        return self.median("cpu", group, path, size, connections=connections) - without


KEYS = {
    "cpu": lambda run: run["cpu_envoy"] + run["cpu_peers"],
    "cpu_envoy": lambda run: run["cpu_envoy"],
    "cpu_peers": lambda run: run["cpu_peers"],
    "per_second": lambda run: run["per_second"],
    "resident": lambda run: run["resident"] / 1e6,
    "wasm": lambda run: max(run["wasm_memories"], default=0) / 1e6,
    **{name: (lambda run, name=name: run["microseconds"][name]) for name in ("p50", "p90", "p95", "p99", "max")},
}


def figure(value):
    """Three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(head, rows):
    """A Markdown table that reads well as text too."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = lambda line: "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([text(lines[0]), rule, *map(text, lines[1:])])
