"""What a preload adds to the start of every process: a program that does nothing, from posix_spawn() to its end.

All of them by turns in each round, so that they meet the same weather; a round's figure is the median of its runs.
"""

import os
import statistics

NAME = "startup"
TITLE = "Start and end of a process"
FIGURES = {"process": {"unit": "us", "better": "less"}}
REFERENCE = "empty .so"
RUNS = 300


def rows(bench):
    empty, library = bench.bin("empty"), os.path.join(bench.build, "libmailseal.so")
    variants = {"nothing": ("", empty), "empty .so": (bench.bin("empty.so"), empty), "mailseal": (library, empty),
                "libssl+libcrypto": ("", bench.bin("empty-ssl"))}
    medians = {}

    def take(row):
        if row not in medians:
            ran = bench.run([bench.bin("startup"), str(bench.count(RUNS, 5))]
                            + ["%s:%s:%s" % (name, *variant) for name, variant in variants.items()])
            medians.update({name: statistics.median(times) for name, times in ran.json().items()})
        return {"process": medians.pop(row)}

    return {row: lambda row=row: take(row) for row in variants}
