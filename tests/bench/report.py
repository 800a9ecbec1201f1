#!/usr/bin/env python3
"""report: what `make bench` measured, as a Markdown table and an SVG plot.

    report.py RESULTS.json [MARKDOWN SVG]     without files: report.md and report.svg beside it, and Markdown printed

RESULTS.json is what `bench` writes (see there). The goals come first, in a fixed order; then each cell with all its
rows and figures. Shown are medians; the spread is that of the quartiles. What was not measured shows as "-", and a goal
that needs it as "not measured"; cells that were not asked for are only named.
"""
import json
import os
import statistics
import sys
from dataclasses import dataclass
from html import escape


@dataclass
class Goal:
    """A line of the first table: where its figures are found, and what mailseal's must come to."""

    title: str
    cell: str
    figure: str
    unit: str
    columns: dict  # column of the table -> row of the cell
    text: str  # the goal in words
    limit: object  # function of Results and this goal: the bound, or None where it was not measured
    more_is_better: bool = False
    subject: str = "mailseal"
    why_not: str = ""  # what stands in its way for any program; told where it was not reached


COLUMNS = ["plaintext", "stunnel", "stunnel, resumption", "native", "native, resumption", "mailseal"]
RESUMED = "native, resumption"


def beside(results, goal, row, combine):
    """mailseal's figure beside another row's of the same round, which met the same weather; the median over the rounds."""
    pairs = list(zip(results.values(goal.cell, goal.subject, goal.figure), results.values(goal.cell, row, goal.figure)))
    return statistics.median(combine(a, b) for a, b in pairs) if pairs and all(b for _, b in pairs) else None


def times(column, factor):
    """The bound is a multiple of another column."""

    def limit(results, goal):
        ratio = beside(results, goal, goal.columns[column], lambda a, b: a / b)
        if ratio:
            return results.subject(goal) / ratio * factor
        value = results.column(goal, column)
        return None if value is None else value * factor

    return limit


def plus(row, more):
    """No more than another row and so much; `more` is a function of what was measured of that row."""

    def limit(results, goal):
        difference = beside(results, goal, row, lambda a, b: a - b)
        if difference is None:
            return None
        return results.subject(goal) - difference + more(results.measured(goal.cell, row, goal.figure))

    return limit


def noise(measured):
    """From the median to the upper quartile; one in a hundred at least."""
    return max(measured["high"] - measured["median"], measured["median"] / 100)


def like(row):
    """The bound is where the quartiles of both cease to overlap, or two in a hundred above the other row's median."""

    def limit(results, goal):
        other, own = (results.measured(goal.cell, r, goal.figure) for r in (row, goal.subject))
        if not other or not own:
            return None
        return max(other["high"] + own["median"] - own["low"], other["median"] * 1.02)

    return limit


def exactly(bound):
    return lambda results, goal: bound


SAME = {c: c for c in COLUMNS}

GOALS = [
    Goal("1 KB messages/s, 10 sessions", "throughput", "10 sessions", "messages/s", SAME,
         ">= 1.0 x native, resumption", times(RESUMED, 1.0), more_is_better=True),
    Goal("CPU s per 1000 messages", "throughput", "CPU, 10 sessions", "s", SAME,
         "<= 1.15 x native, resumption", times(RESUMED, 1.15)),
    Goal("25 MB, MB/s", "bulk", "25 MB", "MB/s", SAME, ">= 0.95 x native", times("native", 0.95), more_is_better=True,
         why_not="client and agent share one processor, and each octet crosses the socketpair between them: one copy in and "
                 "one out, which a client that encrypts its own buffer does not need. It is read in large blocks, searched "
                 "for the final dot many octets at a time, and encrypted where it was read; what is left is the kernel's."),
    Goal("one process per message, p50 ms", "each", "p50", "ms", SAME, "<= 0.35 x native", times("native", 0.35)),
    Goal("idle connection, PSS KiB, of 500", "idle", "500 connections", "KiB", SAME, "<= 32 KiB", exactly(32)),
    Goal("idle connection, PSS KiB, of 2000", "idle", "2000 connections", "KiB", SAME, "<= 32 KiB", exactly(32)),
    Goal("round trips to 250 (lock-step client)", "roundtrips", "to 250", "round trips", SAME, "<= 8.2", exactly(8.25),
         why_not="nine are needed: TCP, greeting, EHLO, STARTTLS, handshake, EHLO, MAIL with RCPT, DATA, dot. Nothing may be "
                 "pipelined behind EHLO or STARTTLS (RFC 2920 3.1, RFC 3207 4), content waits for the server's 354, and DATA "
                 "sent with RCPT would answer for recipients that are not known yet; native pipelining reaches eight that way."),
    Goal("the same, warm connection", "roundtrips", "to 250", "round trips", {"mailseal": "mailseal, warm"},
         "<= 5", exactly(5.05), subject="mailseal, warm"),
    Goal("start-up of every preloaded process, us", "startup", "process", "us",
         {"plaintext": "nothing", "native": "libssl+libcrypto", "mailseal": "mailseal"},
         "like an empty .so", plus("empty .so", noise)),
    Goal("connect() elsewhere, ns", "connect", "connect() UDP", "ns", {"plaintext": "without", "mailseal": "mailseal"},
         "+ <= 20 ns", plus("without", lambda measured: 20)),
    Goal("write(), ns", "connect", "write()", "ns", {"plaintext": "without", "mailseal": "mailseal"},
         "+ 0, within noise", like("without")),
    Goal("first message of a service (agent cold), ms", "cold", "system's authorities", "ms", SAME, "<= native",
         times("native", 1.0),
         why_not="two processes are started where native is one. Configuration, names, OpenSSL's words for errors and its "
                 "decoders are out of the way already; an agent with OpenSSL inside would be faster, but would miss the "
                 "security updates of the system's."),
    Goal("10,000 idle sessions in one agent: held", "scale", "held", "sessions", {"mailseal": "10000"},
         ">= 10,000", exactly(10000), more_is_better=True, subject="10000"),
    Goal("the same: memory, MiB", "scale", "PSS", "MiB", {"mailseal": "10000"}, "<= 400 MB", exactly(400e6 / 2**20),
         subject="10000"),
]


# Of the agent, beside those of its sessions: ten thousand need not fit where the limit is less than that above them.
OWN_DESCRIPTORS = 200


class Results:
    def __init__(self, data):
        self.machine, self.cells, self.rounds = data["machine"], data["cells"], data["rounds"]

    def measured(self, cell, row, figure):
        """What a row came to: median, low, high, values; empty where it was not measured."""
        return self.cells.get(cell, {}).get("rows", {}).get(row, {}).get(figure, {})

    def values(self, cell, row, figure):
        return self.measured(cell, row, figure).get("values", [])

    def median(self, cell, row, figure):
        return self.measured(cell, row, figure).get("median")

    def column(self, goal, column):
        row = goal.columns.get(column)
        return self.median(goal.cell, row, goal.figure) if row else None

    def subject(self, goal):
        return self.median(goal.cell, goal.subject, goal.figure)

    def reached(self, goal):
        """True, False, or None where something was not measured."""
        value, limit = self.subject(goal), goal.limit(self, goal)
        if value is None or limit is None:
            return None
        return value >= limit if goal.more_is_better else value <= limit


def number(value):
    """Three digits that count; more only in front of the point."""
    if value is None:
        return "-"
    if abs(value) >= 100 or isinstance(value, int):
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    if abs(value) >= 1:
        return f"{value:.2f}"
    return f"{value:.3g}" if value else "0"


# --- Markdown -------------------------------------------------------------------------------


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    out += ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(out) + "\n"


VERDICTS = {True: "yes", False: "no", None: "not measured"}


def goal_line(results, goal):
    values = {c: results.column(goal, c) for c in COLUMNS}
    row = next((goal.columns.get(c) for c in (RESUMED, "native") if values[c] is not None), None)
    return ([goal.title] + [number(values[c]) for c in COLUMNS]
            + [number(beside(results, goal, row, lambda a, b: a / b) if row else None)]
            + [goal.text, VERDICTS[results.reached(goal)]])


def too_few_descriptors(results):
    """Why an agent cannot hold what the goal asks for, where it is the machine that does not let it."""
    limit, held = results.machine.get("descriptors"), results.median("scale", "10000", "held")
    if limit is None or held is None or held >= 10000 or limit >= 20000 + OWN_DESCRIPTORS:
        return ""
    return (f"Sessions in one agent: each takes two descriptors, the agent some for itself, and a process may not have more "
            f"than {limit} on this machine.\n")


def explanations(results):
    """What stands in the way of goals that were not reached, where that is known."""
    return "\n".join(f"{g.title}: {g.why_not}\n" for g in GOALS if g.why_not and results.reached(g) is False)


def goals_table(results):
    head = ["what"] + COLUMNS + ["mailseal / native", "goal", "reached"]
    lines = [goal_line(results, g) for g in GOALS if g.cell in results.cells]
    return table(head, lines) if lines else ""


def not_in_this_run(results):
    left_out = dict.fromkeys(g.cell for g in GOALS if g.cell not in results.cells)
    return f"With goals of their own, and not in this run: {' '.join(left_out)}.\n" if left_out else ""


def with_spread(measured):
    if not measured:
        return "-"
    low, middle, high = (number(measured[k]) for k in ("low", "median", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def cell_table(results, name):
    """A line a row; a column a figure, and one for its ratio. Turned over where there are more figures than rows."""
    cell = results.cells[name]
    rows = {row: row for row in cell["rows"]}
    figures = {figure: f"{figure}, {about['unit']}".rstrip(", ") for figure, about in cell["figures"].items()}
    turned = len(figures) > len(rows)
    down, across = (figures, rows) if turned else (rows, figures)

    def measured(line, column):
        return results.measured(name, *((column, line) if turned else (line, column)))

    head, lines = [name], [[text] for text in down.values()]
    for column, text in across.items():
        found = [measured(line, column) for line in down]
        head.append(text)
        for line, m in zip(lines, found):
            line.append(with_spread(m))
        if any("ratio" in m for m in found):
            head.append("/ " + cell["reference"])
            for line, m in zip(lines, found):
                line.append(number(m.get("ratio", {}).get("median")))
    missing = "".join(f"\n{row}: {why}\n" for row, why in cell["missing"].items())
    rounds = max((len(m["values"]) for row in cell["rows"].values() for m in row.values()), default=0)
    fewer = f". {cell['fewer']}" if cell.get("fewer") and rounds < results.rounds else ""
    return f"### {cell['title']}\n\nRounds: {rounds}{fewer}\n\n{table(head, lines)}{missing}"


def named(results):
    """The run: what was measured, when, where."""
    m = results.machine
    return (f"mailseal {m['revision']}, {m['date']}; {m['cpu']}, {m['processors']} processors, "
            f"{m['memory_kib'] / 2**20:.0f} GiB, Linux {m['kernel']}, {' '.join(m['openssl'].split()[:2])}")


LEGEND = ("`mailseal / native`: to native with resumption, where that was measured. Ratios, and what is judged by them, are "
          "medians of the ratios within each round. Within noise: the quartiles of the two rows overlap, or they are 2 % apart "
          "at most. Below, each cell by itself: median and quartiles.\n")


def markdown(results):
    goals = [goals_table(results), not_in_this_run(results), explanations(results), too_few_descriptors(results), LEGEND]
    return "\n".join([f"{named(results)}.\n"] + [part for part in goals if part]
                     + [cell_table(results, name) for name in results.cells])


# --- SVG ------------------------------------------------------------------------------------

WIDTH, LEFT, BAR, GAP, HEAD, MARGIN = 590, 230, 16, 5, 44, 16
COLOURS = {"plaintext": "#9aa5b1", "nothing": "#9aa5b1", "stunnel": "#c9a66b", "stunnel, resumption": "#dcc49a",
           "native": "#6b93c9", "without": "#9aa5b1", "native, resumption": "#a3bfe0", "libssl+libcrypto": "#6b93c9"}
HALO = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"'  # over the dashed line
MAILSEAL, OTHER, INK, PALE = "#2f8f5b", "#b3b3b3", "#222222", "#666666"


def text(x, y, content, size=12, anchor="start", colour=INK, weight="normal", extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
            f'font-weight="{weight}" {extra}>{escape(content)}</text>')


def line(x1, y1, x2, y2, colour, extra=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {extra}/>'


def bar(results, goal, row, y, scale):
    """One row of a panel: its name, its bar with the spread over it, and last its figure."""
    measured = results.measured(goal.cell, row, goal.figure)
    middle, low, high = (measured[k] for k in ("median", "low", "high"))
    colour = MAILSEAL if row.startswith("mailseal") else COLOURS.get(row, OTHER)
    centre = y + BAR / 2
    return [text(LEFT - 8, y + BAR - 4, row, anchor="end", weight="bold" if row.startswith("mailseal") else "normal"),
            f'<rect x="{LEFT}" y="{y}" width="{max(middle * scale, 1):.1f}" height="{BAR}" fill="{colour}"/>',
            line(LEFT + low * scale, centre, LEFT + high * scale, centre, INK),
            line(LEFT + low * scale, centre - 4, LEFT + low * scale, centre + 4, INK),
            line(LEFT + high * scale, centre - 4, LEFT + high * scale, centre + 4, INK),
            text(LEFT + high * scale + 6, y + BAR - 4, number(middle), extra=HALO)]


def panel_rows(results, goal):
    rows = results.cells.get(goal.cell, {}).get("rows", {})
    return [row for row in rows if results.measured(goal.cell, row, goal.figure)]


def panel(results, goal, rows):
    """The drawing of one goal and its height; the dashed line is the goal."""
    limit = goal.limit(results, goal)
    highest = max([results.measured(goal.cell, r, goal.figure)["high"] for r in rows] + [limit or 0]) or 1
    scale = (WIDTH - LEFT - 80) / highest
    bottom = HEAD + len(rows) * (BAR + GAP)
    verdict = {True: "reached", False: "not reached", None: "not measured"}[results.reached(goal)]
    out = [text(0, 16, f"{goal.title}", size=14, weight="bold"),
           text(0, 33, f"{goal.unit}, {'more' if goal.more_is_better else 'less'} is better; goal {goal.text}: {verdict}",
                colour=PALE)]
    bars = [bar(results, goal, row, HEAD + i * (BAR + GAP), scale) for i, row in enumerate(rows)]
    out += [shape for shapes in bars for shape in shapes[:-1]]
    if limit is not None:
        out.append(line(LEFT + limit * scale, HEAD - 4, LEFT + limit * scale, bottom, "#b03030",
                        'stroke-dasharray="4 3" stroke-width="1.5"'))
    out += [shapes[-1] for shapes in bars]
    return out, bottom + 14


def plots(results):
    """Goals that have something to show; two that show the same bars are one."""
    seen, out = set(), []
    for goal in GOALS:
        rows = panel_rows(results, goal)
        if rows and (goal.cell, goal.figure) not in seen:
            seen.add((goal.cell, goal.figure))
            out.append((goal, rows))
    return out


def svg(results):
    """Two columns of panels, each panel put where there is more room."""
    heights, body = [76, 76], []
    for goal, rows in plots(results):
        column = 0 if heights[0] <= heights[1] else 1
        drawn, height = panel(results, goal, rows)
        x = MARGIN + column * (WIDTH + MARGIN)
        body += [f'<g transform="translate({x} {heights[column]})">'] + drawn + ["</g>"]
        heights[column] += height + 10
    width, height = 2 * WIDTH + 3 * MARGIN, max(heights) + MARGIN
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
         'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
         f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
         text(MARGIN, 26, "What mailseal costs", size=18, weight="bold"),
         text(MARGIN, 44, named(results), colour=PALE),
         text(MARGIN, 60, "Bars: medians; thin lines: quartiles; dashed: the goal.", colour=PALE)] + body + ["</svg>"]) + "\n"


def write(path, content):
    with open(path, "w", encoding="utf-8") as f:
        f.write(content)


def main(arguments):
    if len(arguments) not in (1, 3):
        print(__doc__, file=sys.stderr)
        return 64
    with open(arguments[0], encoding="utf-8") as f:
        results = Results(json.load(f))
    beside = os.path.dirname(arguments[0])
    pages = arguments[1:] or [os.path.join(beside, "report.md"), os.path.join(beside, "report.svg")]
    write(pages[0], markdown(results))
    write(pages[1], svg(results))
    if len(arguments) == 1:
        print(markdown(results))
        print("Written: " + " ".join(os.path.relpath(page) for page in [arguments[0], *pages]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
