"""docs/performance.md, from the raw numbers of one run: no figure on it is written by hand."""

import json

from . import machine, report, svg
from .numbers import Numbers

PAGE = machine.ROOT / "docs/performance.md"
PLOTS = machine.ROOT / "docs/performance"
HEAD = machine.ROOT / "integration/benches/page_head.md"
# Less than this cannot be told from nothing, nor drawn.
LEAST = 0.1


def write(file):
    raw = json.loads(file.read_text())
    numbers = Numbers(raw)
    PLOTS.mkdir(exist_ok=True)
    pictures = [picture(numbers, group) for group in numbers.sized()]
    name = file.resolve().relative_to(machine.ROOT) if file.resolve().is_relative_to(machine.ROOT) else file.name
    origin = f"Written by `scripts/bench --page {name}` from that run's raw numbers; change nothing here by hand."
    parts = [HEAD.read_text().strip(), origin, report.text(raw), "## Plots", "\n".join(pictures)]
    PAGE.write_text("\n\n".join(parts) + "\n")
    print(PAGE)


def picture(numbers, group):
    """The plot of a table, and the line of Markdown that shows it."""
    unit = report.UNITS[group.split(",")[0]]
    lines = {
        report.NAMES[path]: [
            (size, max(LEAST, report.added(numbers, group, path, size))) for size in numbers.sizes(group)
        ]
        for path in numbers.paths(group)
        if path != "none"
    }
    name = group.replace(", ", "-") + ".svg"
    (PLOTS / name).write_text(svg.plot(f"Growth: {group}", unit, lines))
    return f"![CPU added by a request against {unit}](performance/{name})"
