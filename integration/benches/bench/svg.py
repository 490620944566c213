"""A plot of cost against size: as much SVG as it takes. Both axes by powers of ten."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")


def plot(title, unit, lines):
    """`lines`: name → [(size, microseconds)]. The curves bear their names at their ends."""
    points = [point for line in lines.values() for point in line]
    across = Scale([max(size, 1) for size, _ in points], LEFT, WIDTH - RIGHT)
    up = Scale([cost for _, cost in points], HEIGHT - BOTTOM, TOP)
    parts = [text(LEFT, 22, title, size=15), text(LEFT, HEIGHT - 10, unit)]
    parts.append(text(8, TOP - 8, "CPU µs added by a request"))
    parts += [grid(across.at(tick), True, label(tick)) for tick in across.ticks()]
    parts += [grid(up.at(tick), False, label(tick)) for tick in up.ticks()]
    for colour, (name, line) in zip(COLOURS, lines.items()):
        places = [(across.at(max(size, 1)), up.at(cost)) for size, cost in sorted(line)]
        parts.append(curve(places, colour))
        parts.append(text(places[-1][0] + 8, places[-1][1] + 4, name, colour=colour))
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    return f'<svg {frame}>\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"


class Scale:
    """Whole powers of ten around all values, laid over so many pixels."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.start, self.end = start, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self):
        return [10.0**power for power in range(self.low, self.high + 1)]


def label(tick):
    return f"{tick:,.0f}" if tick >= 1 else f"{tick:g}"


def text(x, y, words, size=12, colour="#333", anchor="start"):
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'


def grid(at, is_across, name):
    """A line of the grid with its number."""
    if is_across:
        ends = f'x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"'
        words = text(at, HEIGHT - BOTTOM + 18, name, anchor="middle")
    else:
        ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"'
        words = text(LEFT - 8, at + 4, name, anchor="end")
    return f'<line {ends} stroke="#ddd"/>{words}'


def curve(places, colour):
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places)
    path = " ".join(f"{x},{y}" for x, y in places)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'
